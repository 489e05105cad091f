import type * as tfjs from '@tensorflow/tfjs';
import { runNative } from './native-kernels.js';
import type { Tfjs } from './tensor.js';

/**
 * `x` where positive, else `slope · x`: ReLU with a slope of 0. Unlike TensorFlow.js's own it can be differentiated any
 * number of times, which a penalty on a gradient needs: its derivative is a factor that is 1 or `slope`, and the
 * comparison that chooses between them is no part of what is differentiated. It is cheaper too: TensorFlow.js makes the
 * derivative of ReLU out of eight operators.
 */
export function rectified(tf: Tfjs, x: tfjs.Tensor, slope = 0): tfjs.Tensor {
  const operator = tf.customGrad((...args) => {
    const [input, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    save([input]);
    return {
      value: slope === 0 ? tf.relu(input) : tf.leakyRelu(input, slope),
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
      value: runNative(tf, 'rectifierGradient', { gradient: input, x }, { slope })?.[0] ?? chosen(tf, input, x, slope),
      gradFunc: (next: tfjs.Tensor, saved: tfjs.Tensor[]) => scaled(tf, next, saved[0] ?? x, slope),
    };
  });
  return operator(gradient);
}

function chosen(tf: Tfjs, gradient: tfjs.Tensor, x: tfjs.Tensor, slope: number): tfjs.Tensor {
  const positive = tf.greater(x, 0);
  if (slope === 0) return tf.mul(gradient, tf.cast(positive, 'float32'));
  return tf.where(positive, gradient, tf.mul(gradient, slope));
}
