import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveFrames, type Frame } from '../../src/io/frame.js';
import { FrameFilter } from '../../src/io/node-av/frame-filter.js';
import { grayFrame, packed } from '../support/frames.js';
import { failure } from '../support/io.js';

let before: number;
beforeAll(() => {
  before = liveFrames();
});
afterAll(() => {
  expect(liveFrames()).toBe(before);
});

/** Everything that comes out of a filter for a list of frames. */
async function filtered(frames: readonly Frame[], steps: Parameters<typeof FrameFilter.open>[1]): Promise<Frame[]> {
  using filter = await FrameFilter.open(frames[0]!, steps);
  const out: Frame[] = [];
  for (const frame of frames) {
    using owned = frame;
    out.push(...(await filter.push(owned)));
  }
  out.push(...(await filter.end()));
  return out;
}

describe('a chain of filters', () => {
  it('changes pictures and numbers them, whatever their times were', async () => {
    const frames = [0, 7, 30].map((index) => grayFrame(index, (x) => x));
    const out = await filtered(frames, [['hflip'], ['crop', '8:4:0:0']]);
    expect(out.map(({ properties }) => [Number(properties.pts), properties.width, properties.height])).toEqual([
      [0, 8, 4],
      [1, 8, 4],
      [2, 8, 4],
    ]);
    expect(Array.from(packed(out[0]!)[0]!.subarray(0, 8))).toEqual([63, 62, 61, 60, 59, 58, 57, 56]);
    for (const frame of out) frame.dispose();
  });

  it('makes virtual frames between real ones, which stay as they are', async () => {
    // A wave that moves by 2 pixels with each frame.
    const wave = (index: number) => (x: number, y: number) =>
      128 + 90 * Math.sin((x - 2 * index) / 4) * Math.cos(y / 5);
    const size = { width: 128, height: 96 };
    const frames = Array.from({ length: 7 }, (_, index) => grayFrame(index, wave(index), size));
    const originals = frames.map((frame) => packed(frame)[0]!.slice());
    const out = await filtered(frames, [['minterpolate', 'fps=2:mi_mode=mci:me_mode=bidir:scd=none']]);
    let virtual = 0;
    for (const frame of out) {
      const time = Number(frame.properties.pts) / 2;
      const [plane] = packed(frame);
      if (Number.isInteger(time)) expect(plane).toEqual(originals[time]);
      else {
        virtual += 1;
        let error = 0;
        for (let y = 32; y < 64; y += 1) {
          for (let x = 32; x < 96; x += 1) error += Math.abs(plane![y * 128 + x]! - wave(time)(x, y)) / (32 * 64);
        }
        // Halfway between its neighbours' pictures it would be wrong by up to 10.
        expect(error).toBeLessThan(3);
      }
      frame.dispose();
    }
    expect(virtual).toBeGreaterThanOrEqual(4);
  });

  it('says what is wrong with a filter', async () => {
    const open = async (name: string, options?: string) => {
      using frame = grayFrame(0);
      (await FrameFilter.open(frame, [options === undefined ? [name] : [name, options]]))[Symbol.dispose]();
    };
    expect(await failure(open('nothing-like-it'))).toMatchObject({
      code: 'CODEC_UNAVAILABLE',
      message: 'This FFmpeg has no filter nothing-like-it.',
    });
    expect((await failure(open('scale', 'width=many'))).code).toBe('FORMAT_UNSUPPORTED');
    expect((await failure(open('crop', '4000:4000'))).code).toBe('FORMAT_UNSUPPORTED');
  });
});
