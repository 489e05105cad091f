import type * as tfjs from '@tensorflow/tfjs';
import { runNative } from './native-kernels.js';
import type { Tfjs } from './tensor.js';

/**
 * A picture, channels last, at a larger size by bilinear interpolation between pixels' centres: what two products with
 * matrices give, in one operator. Can be differentiated any number of times.
 *
 * @returns undefined where the backend at work has no gradient of it.
 */
export function enlarged(
  tf: Tfjs,
  x: tfjs.Tensor4D,
  size: readonly [height: number, width: number],
): tfjs.Tensor4D | undefined {
  if (!tf.getKernel('bilinearGradient', tf.getBackend())) return undefined;
  return resized(tf, x, size);
}

function resized(tf: Tfjs, x: tfjs.Tensor, size: readonly [height: number, width: number]): tfjs.Tensor4D {
  const operator = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tfjs.Tensor4D, tfjs.GradSaveFunc];
    save([input]);
    return {
      value: tf.image.resizeBilinear(input, [...size], false, true),
      gradFunc: (gradient: tfjs.Tensor, saved: tfjs.Tensor[]) => spread(tf, gradient, saved[0] ?? input),
    };
  });
  return operator(x);
}

/** Its transpose: what each pixel of a picture like `x` gave, times what came of it. */
function spread(tf: Tfjs, gradient: tfjs.Tensor, x: tfjs.Tensor): tfjs.Tensor {
  const [, height = 0, width = 0] = gradient.shape;
  const operator = tf.customGrad((...args) => {
    const [input, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    save([x]);
    const [value] = runNative(tf, 'bilinearGradient', { gradient: input, x }, {}) ?? [];
    if (!value) throw new TypeError('the backend has no gradient of a resized picture');
    return { value, gradFunc: (next: tfjs.Tensor) => resized(tf, next, [height, width]) };
  });
  return operator(gradient);
}
