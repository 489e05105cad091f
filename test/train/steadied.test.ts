import { describe, expect, it } from 'vitest';
import { openBackend } from '../../src/runtime/tensorflow/backend.js';
import { correspondence } from '../../src/train/correspondence.js';
import { Random } from '../../src/train/random.js';
import { steadied } from '../../src/train/steadied.js';
import { uphill } from '../support/slopes.js';

const { tf } = await openBackend('tensorflow');
const [batch, crop] = [2, 48];
const shape: [number, number, number, number] = [batch, crop, crop, 3];
const random = new Random(5);
const waves = Array.from({ length: 8 }, () => [1, 2, 3].map(() => random.between(-0.6, 0.6)));

/** Sums of waves, two samples of them, as they look from another place. */
function scene(dx: number, dy: number): Float32Array {
  return Float32Array.from({ length: batch * crop * crop * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3) % (crop * crop);
    const [x, y] = [(pixel % crop) + dx, Math.floor(pixel / crop) + dy];
    return 0.5 + 0.05 * waves.reduce((sum, [u = 0, v = 0, phase = 0]) => sum + Math.sin(u * x + v * y + 9 * phase), 0);
  });
}

const sharp = [scene(0, 0), scene(1.5, -0.5)] as const;
const motion = correspondence({ batch, crop, blur: [], sharp: [...sharp] }, 1);

/** Truths with an error that is drawn anew for each pixel. */
const wrong = (truth: Float32Array, size: number) => truth.map((value) => value + random.between(-size, size));
const meanSquare = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => (value - b[i]!) ** 2).reduce((sum, each) => sum + each, 0) / a.length;

function result(before: Float32Array, frame: Float32Array, input: Float32Array): Float32Array {
  return Float32Array.from(
    tf.tidy(() => {
      const [a, b, c, t, u] = [before, frame, input, ...sharp].map((data) => tf.tensor4d(data, shape));
      const frames = { predictions: [a!, b!], truths: [t!, u!], input: c! } as const;
      return steadied(tf, frames, motion).dataSync<'float32'>();
    }),
  );
}

describe('a prediction with its part of the one before', () => {
  it('has lost nearly half of an error that is another one in each frame', () => {
    const [before, frame] = [wrong(sharp[0], 0.1), wrong(sharp[1], 0.1)];
    const dark = new Float32Array(sharp[1].length);
    const error = meanSquare(result(before, frame, dark), sharp[1]);
    expect(error).toBeLessThan(0.6 * meanSquare(frame, sharp[1]));
  });

  it('takes less where less was changed, and nothing where nothing was', () => {
    const [before, frame] = [wrong(sharp[0], 0.1), wrong(sharp[1], 0.1)];
    const own = meanSquare(frame, sharp[1]);
    expect(meanSquare(result(before, frame, frame), frame)).toBeLessThan(1e-12);
    const little = frame.map((value) => value + 1 / 255);
    const error = meanSquare(result(before, frame, little), sharp[1]);
    expect(error).toBeLessThan(0.9 * own);
    expect(error).toBeGreaterThan(0.65 * own);
  });

  it('has the gradient of finite differences for both frames, where the share is at its most', () => {
    const [before, frame] = [wrong(sharp[0], 0.1), wrong(sharp[1], 0.1)];
    const dark = new Float32Array(sharp[1].length);
    const loss = (a: Float32Array, b: Float32Array) => meanSquare(result(a, b, dark), sharp[1]) * sharp[1].length;
    const gradients = tf.tidy(() => {
      const truths = sharp.map((data) => tf.tensor4d(data, shape));
      const grads = tf.grads((a, b) => {
        const frames = {
          predictions: [a as never, b as never],
          truths: [truths[0]!, truths[1]!],
          input: tf.tensor4d(dark, shape),
        } as const;
        return tf.sum(tf.square(tf.sub(steadied(tf, frames, motion), truths[1]!)));
      });
      return grads([tf.tensor4d(before, shape), tf.tensor4d(frame, shape)]).map((each) =>
        Float32Array.from(each.dataSync()),
      );
    });
    for (const which of [0, 1]) {
      const gradient = gradients[which]!;
      const inputs = [before, frame] as const;
      const { slope, expected } = uphill(loss, { inputs, which, gradient, step: 1e-2, random });
      expect(Math.abs(expected)).toBeGreaterThan(1);
      expect(Math.abs(slope - expected)).toBeLessThan(0.01 * Math.abs(expected));
    }
  });
});
