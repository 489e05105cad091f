import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from './tensor.js';

/**
 * `x` with a number added to each channel, which is its last axis. TensorFlow.js's own addition finds out anew at
 * every gradient which axes were repeated, and reshapes both sides; a training step adds dozens of biases.
 *
 * @param bias one number a channel, `[C]`.
 */
export function biased(tf: Tfjs, x: tfjs.Tensor, bias: tfjs.Tensor): tfjs.Tensor {
  const others = Array.from({ length: x.rank - 1 }, (_, axis) => axis);
  const operator = tf.customGrad((...args) => {
    const [input, numbers] = args as [tfjs.Tensor, tfjs.Tensor, tfjs.GradSaveFunc];
    return {
      value: tf.add(input, numbers),
      gradFunc: (gradient: tfjs.Tensor) => [gradient, tf.sum(gradient, others)],
    };
  });
  return operator(x, bias);
}
