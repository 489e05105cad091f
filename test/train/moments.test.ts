import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tfjs } from '../../src/runtime/tensorflow/tensor.js';
import { createMoments, PlainMoments, type Moments } from '../../src/train/moments.js';
import { Random } from '../../src/train/random.js';
import { testBackend } from '../support/tensorflow.js';

const count = 100;
let tf: Tfjs;
let before: number;

beforeAll(async () => {
  ({ tf } = await testBackend());
  before = tf.memory().numTensors;
});

afterAll(() => {
  expect(tf.memory().numTensors).toBe(before);
});

/** Parameters after some steps along gradients of many sizes, and the moments then. */
function follow(moments: Moments, steps: readonly number[]) {
  let values = new Float32Array(count).fill(0.5);
  for (const step of steps) {
    const random = new Random(step);
    const drawn = Float32Array.from({ length: count }, (_, i) => random.between(-1, 1) * 10 ** ((i % 10) - 8));
    values = tf.tidy(() => {
      const [parameters, gradient] = [tf.tensor1d(values), tf.tensor1d(drawn)];
      const after = moments.apply({ parameters, gradient, step, rate: 1e-2, betas: [0.9, 0.99], epsilon: 1e-8 });
      return Float32Array.from(after.dataSync());
    });
  }
  const [mean, square] = tf.tidy(() => {
    const state = moments.state();
    return [state.mean, state.square].map((tensor) => Float32Array.from(tensor.dataSync()));
  });
  return { values, mean: mean!, square: square! };
}

describe('moments', () => {
  it('are updated by TensorFlow as by plain operators', () => {
    using native = createMoments(tf, count);
    using plain = new PlainMoments(tf, count);
    expect(native).not.toBeInstanceOf(PlainMoments);
    const [found, expected] = [native, plain].map((moments) => follow(moments, [1, 2, 3, 4, 5]));
    for (const [i, value] of expected!.values.entries()) {
      expect(found!.values[i]).toBeCloseTo(value, 5);
      expect(found!.mean[i]! / expected!.mean[i]!).toBeCloseTo(1, 4);
      expect(found!.square[i]! / expected!.square[i]!).toBeCloseTo(1, 4);
      expect(Math.abs(value - 0.5)).toBeGreaterThan(1e-4);
    }
  });

  it.each(['native', 'plain'])('go on from what they were (%s)', (form) => {
    const create = () => (form === 'native' ? createMoments(tf, count) : new PlainMoments(tf, count));
    using whole = create();
    using first = create();
    using second = create();
    const { mean, square } = follow(first, [1, 2, 3]);
    tf.tidy(() => {
      second.restore(tf.tensor1d(mean), tf.tensor1d(square));
    });
    follow(whole, [1, 2, 3]);
    expect(follow(second, [4, 5])).toEqual(follow(whole, [4, 5]));
  });
});
