import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from './tensor.js';

/** Operators of TensorFlow itself that tfjs-node does not offer. */
export const nativeKernels = { rectifierGradient: 'LeakyReluGrad', spaceToDepth: 'SpaceToDepth' } as const;

/** The part of tfjs-node that runs operators. */
interface NativeRunner {
  readonly binding: Readonly<Record<'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_INT' | 'TF_FLOAT', number>>;
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly object[]): tfjs.Tensor;
}

/** Makes {@link nativeKernels} known to TensorFlow.js for the native backend. */
export function registerNativeKernels(tf: Tfjs): void {
  const register = (
    kernelName: string,
    inputs: readonly string[],
    attribute: { name: string; type: 'TF_ATTR_FLOAT' | 'TF_ATTR_INT' },
  ) => {
    if (tf.getKernel(kernelName, 'tensorflow')) return;
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs: given, attrs, backend }) => {
        const runner = backend as NativeRunner;
        const { name, type } = attribute;
        return runner.executeSingleOutput(
          kernelName,
          [
            { name: 'T', type: runner.binding.TF_ATTR_TYPE, value: runner.binding.TF_FLOAT },
            { name, type: runner.binding[type], value: attrs?.[name] },
          ],
          inputs.map((input) => given[input] ?? {}),
        );
      },
    });
  };
  register(nativeKernels.rectifierGradient, ['gradient', 'x'], { name: 'alpha', type: 'TF_ATTR_FLOAT' });
  register(nativeKernels.spaceToDepth, ['x'], { name: 'block_size', type: 'TF_ATTR_INT' });
}

/** The result of a native operator, or undefined where the backend at work has none of that name. */
export function runNative(
  tf: Tfjs,
  kernel: string,
  inputs: Record<string, tfjs.Tensor>,
  attributes: Record<string, number>,
): tfjs.Tensor | undefined {
  return tf.getKernel(kernel, tf.getBackend())
    ? tf.engine().runKernel<tfjs.Tensor>(kernel, inputs, attributes)
    : undefined;
}
