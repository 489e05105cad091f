import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from '../runtime/tensorflow/tensor.js';
import { alongMotion, type Correspondence } from './correspondence.js';

/** Keeps the derivative finite where two errors are equal. */
const epsilon = 1e-3;

/**
 * How much the errors of two consecutive frames differ along the motion: the mean of `√(d² + ε²)` over the pixels that
 * both show. Errors that go with the things they are on do not flicker.
 *
 * @param before,frame the predictions less their truths, `[N, H, W, 3]`.
 */
export function temporalLoss(
  tf: Tfjs,
  before: tfjs.Tensor4D,
  frame: tfjs.Tensor4D,
  motion: Correspondence,
): tfjs.Scalar {
  const { values, visible } = alongMotion(tf, before, motion);
  const [pixels] = values.shape;
  const difference = tf.mul(tf.sub(tf.reshape(frame, [pixels, 3]), values), visible);
  // Pixels that are not seen add √ε² each, which is no part of the mean.
  const unseen = 3 * (pixels - motion.seen) * epsilon;
  const total = tf.sub(tf.sum(tf.sqrt(tf.add(tf.square(difference), epsilon ** 2))), unseen);
  return tf.div(total, 3 * Math.max(1, motion.seen));
}
