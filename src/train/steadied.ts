import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from '../runtime/tensorflow/tensor.js';
import { alongMotion, type Correspondence } from './correspondence.js';

/** The mean of two is the most that one frame's error is lessened by another's. */
const most = 0.5;
/** Mean change of a picture, in [0, 1], from which it takes the most: pictures have places without detail. */
const fullChange = 4 / 255;

/** Two consecutive frames of a batch, `[N, H, W, 3]` each. */
export interface SteadiedFrames {
  /** The predictions of the earlier one and of the later one. */
  readonly predictions: readonly [before: tfjs.Tensor4D, frame: tfjs.Tensor4D];
  /** Their truths. */
  readonly truths: readonly [before: tfjs.Tensor4D, frame: tfjs.Tensor4D];
  /** What the later one was made of. */
  readonly input: tfjs.Tensor4D;
}

/**
 * A prediction with its part of the one before, moved along the truth's motion: about what {@link TemporalFilter} shows in
 * use. Who is judged by that may restore more than one frame alone would bear, since half of what it gets wrong is gone in the mean.
 * How much is taken follows from how much was changed, as there, and is no part of the gradient.
 *
 * @returns `[N, H, W, 3]`.
 */
export function steadied(
  tf: Tfjs,
  { predictions, truths, input }: SteadiedFrames,
  motion: Correspondence,
): tfjs.Tensor4D {
  const [before, frame] = predictions.map((prediction, i) => tf.sub(prediction, truths[i]!)) as [
    tfjs.Tensor4D,
    tfjs.Tensor4D,
  ];
  const [samples, height, width] = frame.shape;
  const changes = tf.mean(tf.abs(tf.sub(predictions[1], input)), [1, 2, 3]).dataSync();
  const shares = Float32Array.from(changes, (change) => most * Math.min(1, change / fullChange));
  const { values, visible } = alongMotion(tf, before, motion);
  const grid = (x: tfjs.Tensor2D, depth: number) => tf.reshape(x, [samples, height, width, depth]);
  const taken = tf.mul(grid(visible, 1), tf.tensor4d(shares, [samples, 1, 1, 1]));
  const difference = tf.sub(grid(values, 3), frame);
  return tf.add(truths[1], tf.add(frame, tf.mul(taken, difference)));
}
