import { describe, expect, it } from 'vitest';
import { detail } from '../../../src/train/blur2blur/detail.js';
import { interpreters, type Picture } from '../../runtime/parity/interpreters.js';

const [, tensorflow] = interpreters;

/** A picture whose samples are given by channel, row and column. */
function picture(sample: (channel: number, y: number, x: number) => number): Picture {
  const shape = [1, 3, 9, 9] as const;
  const data = Float32Array.from({ length: 3 * 81 }, (_, i) =>
    sample(Math.floor(i / 81), Math.floor(i / 9) % 9, i % 9),
  );
  return { shape, data };
}

describe('the detail of a picture', () => {
  it('is nothing where it is even, up to its borders', async () => {
    const [result] = await tensorflow.run(new Map(), [picture((channel) => 0.3 * channel)], (ops, _, [x]) => [
      detail(ops, x!),
    ]);
    expect(result?.shape).toEqual([1, 3, 9, 9]);
    for (const value of result?.data ?? []) expect(value).toBeCloseTo(0, 5);
  });

  it('is what a point differs from its surroundings, in its own channel', async () => {
    const point = picture((channel, y, x) => (channel === 1 && y === 4 && x === 4 ? 1 : 0));
    const [result] = await tensorflow.run(new Map(), [point], (ops, _, [x]) => [detail(ops, x!)]);
    const at = (channel: number, y: number, x: number) => result?.data[(channel * 9 + y) * 9 + x];
    expect(at(1, 4, 4)).toBeCloseTo(8 * (1 - 36 / 256), 5);
    expect(at(1, 4, 5)).toBeCloseTo((-8 * 24) / 256, 5);
    expect(at(1, 2, 6)).toBeCloseTo(-8 / 256, 5);
    expect(at(1, 4, 7)).toBeCloseTo(0, 6);
    expect(at(0, 4, 4)).toBeCloseTo(0, 6);
  });
});
