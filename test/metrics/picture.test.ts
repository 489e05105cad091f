import { describe, expect, it } from 'vitest';
import { Frame, type FrameProperties, type Plane } from '../../src/io/frame.js';
import { pictureFromFrame } from '../../src/metrics/index.js';
import { readRow } from '../../src/metrics/picture.js';
import { grayFrame } from '../support/frames.js';

/** A gbrp10le frame of 3x2 pixels with padded rows at an odd address; sample values are 100 × component + 10 × y + x. */
function deepFrame(properties: Partial<FrameProperties> = {}): Frame {
  const planes = [1, 2, 3].map((component): Plane => {
    const stride = 10;
    const data = new Uint8Array(2 * stride + 1).subarray(1);
    const view = new DataView(data.buffer, data.byteOffset);
    for (let y = 0; y < 2; y++)
      for (let x = 0; x < 3; x++) view.setUint16(y * stride + 2 * x, 100 * component + 10 * y + x, true);
    return { data, stride, width: 3, height: 2 };
  });
  using template = grayFrame(0);
  return new Frame(
    { ...template.properties, width: 3, height: 2, format: 'gbrp10le', ...properties },
    { planes: () => planes, dispose: () => undefined },
  );
}

describe('pictureFromFrame', () => {
  it('reads R, G, B from planes in the order G, B, R, with padded rows at any address', () => {
    using frame = deepFrame();
    const picture = pictureFromFrame(frame);
    expect(picture).toMatchObject({ width: 3, height: 2, range: 1023 });
    const row = new Float64Array(3);
    const rows = [0, 1, 2].map((channel) => {
      readRow(picture, channel, 1, row);
      return Array.from(row, (v) => Math.round(v * 1023));
    });
    expect(rows).toEqual([
      [310, 311, 312],
      [110, 111, 112],
      [210, 211, 212],
    ]);
  });

  it('takes gray frames as one channel', () => {
    using frame = grayFrame(0, 51);
    const picture = pictureFromFrame(frame);
    expect(picture.channels).toHaveLength(1);
    const row = new Float64Array(picture.width);
    readRow(picture, 0, picture.height - 1, row);
    expect(row.every((v) => v === 51 / 255)).toBe(true);
  });

  it('refuses other colour models', () => {
    using frame = deepFrame({ format: 'yuv444p10le' });
    expect(() => pictureFromFrame(frame)).toThrow('yuv444p10le is not a planar RGB or gray format');
  });
});
