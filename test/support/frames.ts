import { Frame, tightPlanes, type FrameProperties } from '../../src/io/frame.js';

const unknownColor = { range: 'tv', matrix: 'bt709', primaries: 'bt709', transfer: 'bt709', chromaLocation: 'left' };

/** A gray frame at 25 frames/s; `luma` is one value for all samples or a function of the position. */
export function grayFrame(
  index: number,
  luma: number | ((x: number, y: number) => number) = 128,
  properties: Partial<FrameProperties> = {},
): Frame {
  const full: FrameProperties = {
    index,
    pts: BigInt(index * 40),
    duration: 40n,
    timeBase: { num: 1, den: 1000 },
    width: 64,
    height: 36,
    format: 'gray',
    color: unknownColor,
    sampleAspectRatio: { num: 1, den: 1 },
    corrupt: false,
    ...properties,
  };
  const data = new Uint8Array(full.width * full.height);
  for (let i = 0; i < data.length; i += 1) {
    data[i] = typeof luma === 'number' ? luma : luma(i % full.width, Math.floor(i / full.width));
  }
  return new Frame(full, tightPlanes(full, [data]));
}
