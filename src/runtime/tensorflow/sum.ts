import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from './tensor.js';

/**
 * `a + b`. Where nothing is repeated the gradient of both is the sum's own; TensorFlow.js looks for repeated axes, and
 * reshapes both sides, at each of a network's residual connections.
 */
export function summed(tf: Tfjs, a: tfjs.Tensor, b: tfjs.Tensor): tfjs.Tensor {
  if (a.shape.join() !== b.shape.join()) return tf.add(a, b);
  const operator = tf.customGrad((...args) => {
    const [x, y] = args as [tfjs.Tensor, tfjs.Tensor, tfjs.GradSaveFunc];
    return { value: tf.add(x, y), gradFunc: (gradient: tfjs.Tensor) => [gradient, gradient] };
  });
  return operator(a, b);
}
