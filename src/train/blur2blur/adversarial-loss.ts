import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from '../../runtime/tensorflow/tensor.js';

/**
 * The discriminator's hinge loss (Lim and Ye, "Geometric GAN", 2017): `½(mean(max(0, 1 + D(fake))) +
 * mean(max(0, 1 - D(real))))`, each meaned over the scales.
 *
 * @param scores the patches' scores at each scale, the fake samples before the real ones along the first axis, as many
 * of each.
 * @returns the two means, before they are halved and summed.
 */
export function hingeOfDiscriminator(
  tf: Tfjs,
  scores: readonly tfjs.Tensor4D[],
): { fake: tfjs.Scalar; real: tfjs.Scalar } {
  const halves = scores.map((each) => tf.split(each, 2, 0));
  const over = (index: number, sign: number) =>
    meanOf(
      tf,
      halves.map((half) => tf.mean<tfjs.Scalar>(tf.relu(tf.add(tf.mul(half[index] ?? half[0]!, sign), 1)))),
    );
  return { fake: over(0, 1), real: over(1, -1) };
}

/**
 * The generator's part of the hinge loss: `-mean(D(fake))`, meaned over the scales.
 *
 * @param share the part of each scale's scores that counts, the largest ones; 1 counts all.
 * @param of whether single `patches` are chosen among those of the whole batch, or whole `samples` by their mean.
 */
export function hingeOfGenerator(
  tf: Tfjs,
  scores: readonly tfjs.Tensor4D[],
  share = 1,
  of: 'patches' | 'samples' = 'patches',
): tfjs.Scalar {
  return meanOf(
    tf,
    scores.map((each) => {
      const units = of === 'patches' ? tf.reshape(each, [-1]) : tf.mean(each, [1, 2, 3]);
      return tf.neg(share < 1 ? meanOfLargest(tf, units as tfjs.Tensor1D, share) : tf.mean<tfjs.Scalar>(units));
    }),
  );
}

/** The mean of the largest `⌈share · n⌉` of n numbers; which those are is not differentiated. */
function meanOfLargest(tf: Tfjs, values: tfjs.Tensor1D, share: number): tfjs.Scalar {
  const numbers = values.dataSync<'float32'>();
  // A share such as 0.7 · 10 comes out a little above the whole number that it stands for.
  const count = Math.max(1, Math.ceil(share * numbers.length - 1e-6));
  const order = Array.from(numbers.keys()).sort((a, b) => (numbers[b] ?? 0) - (numbers[a] ?? 0));
  const weights = new Float32Array(numbers.length);
  for (const index of order.slice(0, count)) weights[index] = 1 / count;
  return tf.sum<tfjs.Scalar>(tf.mul(values, tf.tensor1d(weights)));
}

function meanOf(tf: Tfjs, values: readonly tfjs.Scalar[]): tfjs.Scalar {
  return tf.mul<tfjs.Scalar>(tf.addN([...values]), 1 / values.length);
}
