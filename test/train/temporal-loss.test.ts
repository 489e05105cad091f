import { describe, expect, it } from 'vitest';
import { openBackend } from '../../src/runtime/tensorflow/backend.js';
import { Random } from '../../src/train/random.js';
import type { PairBatch } from '../../src/train/sets/pair-sampler.js';
import { correspondence } from '../../src/train/correspondence.js';
import { temporalLoss } from '../../src/train/temporal-loss.js';
import { uphill } from '../support/slopes.js';

const { tf } = await openBackend('tensorflow');
const [batch, crop] = [2, 48];
const shape: [number, number, number, number] = [batch, crop, crop, 3];

/** Sums of waves, as they look from another place. */
function scene(seed: number, dx: number, dy: number): number[] {
  const random = new Random(seed);
  const waves = Array.from({ length: 8 }, () => [1, 2, 3].map(() => random.between(-0.6, 0.6)));
  return Array.from({ length: crop * crop }, (_, i) => {
    const [x, y] = [(i % crop) + dx, Math.floor(i / crop) + dy];
    return 0.5 + 0.05 * waves.reduce((sum, [u = 0, v = 0, phase = 0]) => sum + Math.sin(u * x + v * y + 9 * phase), 0);
  });
}

function pictures(values: readonly number[][]): Float32Array {
  return Float32Array.from(values.flatMap((picture) => picture.flatMap((value) => [value, value, value])));
}

/** Two samples of two frames, in which the scene moves by one and a half pixels, and by two. */
const sharp = [pictures([scene(1, 0, 0), scene(2, 0, 0)]), pictures([scene(1, 1.5, -0.5), scene(2, 0, 2)])];
const moving: PairBatch = { batch, crop, blur: [], sharp };

function value(before: Float32Array, frame: Float32Array): number {
  return tf.tidy(() => {
    const [a, b] = [tf.tensor4d(before, shape), tf.tensor4d(frame, shape)];
    return temporalLoss(tf, a, b, correspondence(moving, 1)).dataSync()[0] ?? NaN;
  });
}

describe('the temporal loss', () => {
  it('follows most pixels of a scene that moves, and none that leave it', () => {
    const { places, shares, seen } = correspondence(moving, 1);
    const pixels = batch * crop * crop;
    expect(seen).toBeGreaterThan(0.8 * pixels);
    expect(seen).toBeLessThan(pixels);
    expect(Math.max(...places)).toBeLessThan(pixels);
    const sums = Array.from({ length: pixels }, (_, i) =>
      [0, 1, 2, 3].reduce((sum, k) => sum + shares[k * pixels + i]!, 0),
    );
    expect(sums.every((sum) => sum === 0 || Math.abs(sum - 1) < 1e-5)).toBe(true);
    expect(sums.filter((sum) => sum > 0)).toHaveLength(seen);
  });

  it('counts errors that stay where they are while the scene moves, not those that go with it', () => {
    const errors = ([a, b]: readonly [readonly [number, number], readonly [number, number]]) =>
      pictures([scene(7, ...a), scene(8, ...b)]);
    const before = errors([
      [0, 0],
      [0, 0],
    ]);
    const going = value(
      before,
      errors([
        [1.5, -0.5],
        [0, 2],
      ]),
    );
    const staying = value(before, before);
    expect(going).toBeLessThan(0.25 * staying);
    expect(staying).toBeGreaterThan(0.03);
  });

  it('has the gradient of finite differences for both frames', () => {
    const random = new Random(3);
    const draw = () => Float32Array.from({ length: batch * crop * crop * 3 }, () => random.between(-0.1, 0.1));
    const [before, frame] = [draw(), draw()];
    const motion = correspondence(moving, 1);
    for (const which of [0, 1]) {
      const gradient = Float32Array.from(
        tf.tidy(() => {
          const loss = tf.grads((a, b) => temporalLoss(tf, a as never, b as never, motion));
          return loss([tf.tensor4d(before, shape), tf.tensor4d(frame, shape)])[which]!.dataSync<'float32'>();
        }),
      );
      const inputs = [before, frame] as const;
      const { slope, expected } = uphill(value, { inputs, which, gradient, step: 1e-3, random });
      expect(Math.abs(expected)).toBeGreaterThan(0.1);
      expect(Math.abs(slope - expected)).toBeLessThan(0.01 * Math.abs(expected));
    }
  });
});
