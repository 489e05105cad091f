import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from '../../runtime/tensorflow/tensor.js';

/** Options of {@link gradientPenalty}. */
export interface GradientPenaltyOptions {
  /** What is punished: scores of pictures `[N, H, W, 3]`. Samples must not depend on each other. */
  readonly scores: (pictures: tfjs.Tensor4D) => tfjs.Tensor;
  /** Real pictures `[N, H, W, 3]`. */
  readonly real: tfjs.Tensor4D;
  /** Made ones of the same shape. */
  readonly fake: tfjs.Tensor4D;
  /** The real one's share of each sample's mixture, N numbers from 0 to 1. */
  readonly shares: readonly number[];
}

/** Is added to every derivative, as in the released code, so that the norm has a derivative at zero. */
const tiny = 1e-16;

/**
 * The gradient penalty (Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017): mean over the samples
 * of `(‖∇ₓ Σ scores(x)‖ - 1)²`, where each `x` is a mixture of a real picture and a made one. Can be differentiated by
 * what the scores depend on.
 */
export function gradientPenalty(tf: Tfjs, { scores, real, fake, shares }: GradientPenaltyOptions): tfjs.Scalar {
  const share = tf.tensor4d([...shares], [shares.length, 1, 1, 1]);
  const mixed = tf.add<tfjs.Tensor4D>(fake, tf.mul(share, tf.sub(real, fake)));
  const gradient = tf.grad((x: tfjs.Tensor) => tf.sum(scores(x as tfjs.Tensor4D)))(mixed);
  const norm = tf.sqrt(tf.sum(tf.square(tf.add(gradient, tiny)), [1, 2, 3]));
  return tf.mean<tfjs.Scalar>(tf.square(tf.sub(norm, 1)));
}
