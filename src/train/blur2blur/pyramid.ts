import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from '../../runtime/tensorflow/tensor.js';

/** Most scales that MIMO-UNet restores. */
export const mostScales = 3;

/**
 * A picture `[N, H, W, C]` and its half and its quarter, by bilinear interpolation without a wider kernel: the mean of
 * the four samples in the middle of each cell.
 *
 * @param scales how many, 1 to 3.
 * @returns the largest first.
 */
export function pyramid(tf: Tfjs, picture: tfjs.Tensor4D, scales: number): tfjs.Tensor4D[] {
  const [, height, width] = picture.shape;
  return Array.from({ length: scales }, (_, i) =>
    i === 0 ? picture : tf.image.resizeBilinear(picture, [height / 2 ** i, width / 2 ** i], false, true),
  );
}
