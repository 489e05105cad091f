import type * as tfjs from '@tensorflow/tfjs';
import { DeblurError } from '../errors.js';
import type { Network } from '../models/network.js';
import type { Weights } from '../models/ops.js';
import { plainOrder, tensorIn, type Tfjs, type TfValue } from '../runtime/tensorflow/tensor.js';
import type { TensorflowOps } from '../runtime/tensorflow/tf-ops.js';

/** Half a code value, squared: an error that is smaller is none. */
const epsilon = 4e-6;

/**
 * How far a network's estimate of the blur is from the blur there is, told without any truth of it: the sharp frame
 * blurred so should be the blurred frame. Half the logarithm of the mean squared error of each picture, meaned, so that
 * frames of little detail teach as much as those of a lot.
 *
 * @throws DeblurError `USAGE` for a network that estimates no blur.
 */
export function reblurLoss(
  tf: Tfjs,
  ops: TensorflowOps,
  network: Network,
  weights: Weights<TfValue>,
  { frames, sharp }: { readonly frames: readonly TfValue[]; readonly sharp: TfValue },
): tfjs.Scalar {
  if (!network.blurAgain) {
    throw new DeblurError('USAGE', `${network.name} estimates no blur ("reblur").`, {
      hint: 'Leave "reblur" out, or set "network.path" of light.',
    });
  }
  const { blurred, wanted } = network.blurAgain(ops, weights, frames, sharp);
  const difference = ops.sub(blurred, wanted);
  const plain = tensorIn(tf, difference, plainOrder(difference.shape.length));
  const error = tf.mean(tf.square(plain), [1, 2, 3]);
  return tf.mul(tf.mean(tf.log(tf.add(error, epsilon))), 0.5);
}
