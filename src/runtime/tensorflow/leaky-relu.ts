import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from './tensor.js';

/**
 * `x` where positive, else `slope · x`. Unlike TensorFlow.js's own it can be differentiated any number of times, which
 * a penalty on a gradient needs: its derivative is a factor that is 1 or `slope`, and the comparison that chooses
 * between them is no part of what is differentiated.
 */
export function leakyRelu(tf: Tfjs, x: tfjs.Tensor, slope: number): tfjs.Tensor {
  const operator = tf.customGrad((...args) => {
    const [input, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    save([input]);
    return {
      value: tf.leakyRelu(input, slope),
      gradFunc: (gradient: tfjs.Tensor, saved: tfjs.Tensor[]) => scaled(tf, gradient, saved[0] ?? gradient, slope),
    };
  });
  return operator(x);
}

/** `gradient` where `x` is positive, else `slope · gradient`: linear in the gradient, and its own transpose. */
function scaled(tf: Tfjs, gradient: tfjs.Tensor, x: tfjs.Tensor, slope: number): tfjs.Tensor {
  const operator = tf.customGrad((...args) => {
    const [input, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    save([x]);
    return {
      value: tf.where(tf.greater(x, 0), input, tf.mul(input, slope)),
      gradFunc: (next: tfjs.Tensor, saved: tfjs.Tensor[]) => scaled(tf, next, saved[0] ?? x, slope),
    };
  });
  return operator(gradient);
}
