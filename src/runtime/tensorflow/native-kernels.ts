import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from './tensor.js';

/** The part of tfjs-node that runs operators. */
interface NativeRunner {
  readonly binding: Readonly<Record<AttributeType | 'TF_FLOAT', number>>;
  readonly isUsingGpuDevice: boolean;
  executeMultipleOutputs(
    name: string,
    attributes: readonly object[],
    inputs: readonly object[],
    outputs: number,
  ): tfjs.Tensor[];
}

type AttributeType = 'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_INT' | 'TF_ATTR_STRING';
type Attributes = Readonly<Record<string, readonly [type: AttributeType, value: unknown]>>;

/** An operator of TensorFlow itself that TensorFlow.js does not offer. */
interface NativeKernel {
  /** Its name in TensorFlow. */
  readonly operator: string;
  /** The inputs' names in TensorFlow's order. */
  readonly inputs: readonly string[];
  readonly outputs: number;
  readonly attributes: (given: Record<string, unknown>) => Attributes;
}

/** oneDNN's kernels go by a label of their own. */
const oneDnn = { _kernel: ['TF_ATTR_STRING', 'MklNameChangeOp'] } as const;

const convolution = ({ stride, pad }: Record<string, unknown>): Attributes => ({
  strides: ['TF_ATTR_INT', [1, stride, stride, 1]],
  padding: ['TF_ATTR_STRING', String(pad).toUpperCase()],
  data_format: ['TF_ATTR_STRING', 'NHWC'],
  dilations: ['TF_ATTR_INT', [1, 1, 1, 1]],
  ...oneDnn,
});

/** By the names under which TensorFlow.js knows them here. */
const kernels = {
  rectifierGradient: {
    operator: 'LeakyReluGrad',
    inputs: ['gradient', 'x'],
    outputs: 1,
    attributes: ({ slope }) => ({ alpha: ['TF_ATTR_FLOAT', slope] }),
  },
  biasedConvolution: {
    operator: '_MklNativeConv2DWithBias',
    inputs: ['x', 'filter', 'bias'],
    outputs: 1,
    attributes: convolution,
  },
  /** The gradients of a biased convolution's kernel and bias, in one pass. */
  biasedConvolutionGradient: {
    operator: '_MklNativeConv2DBackpropFilterWithBias',
    inputs: ['x', 'filterShape', 'gradient'],
    outputs: 2,
    attributes: convolution,
  },
} satisfies Record<string, NativeKernel>;

/** The name of a native kernel. */
export type NativeKernelName = keyof typeof kernels;

/**
 * Makes operators of TensorFlow known to TensorFlow.js for the native backend. oneDNN's are tried first, and left out
 * where this build of TensorFlow does not have them.
 */
export function registerNativeKernels(tf: Tfjs): void {
  for (const [kernelName, kernel] of Object.entries<NativeKernel>(kernels)) {
    if (tf.getKernel(kernelName, 'tensorflow')) continue;
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs, backend }) => {
        const runner = backend as NativeRunner;
        const { binding } = runner;
        const attributes = Object.entries(kernel.attributes({ ...attrs })).map(([name, [type, value]]) => ({
          ...{ name, type: binding[type], value },
        }));
        const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
        const given = kernel.inputs.map((input) => inputs[input] ?? {});
        return runner.executeMultipleOutputs(kernel.operator, [type, ...attributes], given, kernel.outputs);
      },
    });
  }
  if (!works(tf)) {
    tf.unregisterKernel('biasedConvolution', 'tensorflow');
    tf.unregisterKernel('biasedConvolutionGradient', 'tensorflow');
  } else if (!tf.getGradient('biasedConvolution')) {
    tf.registerGradient(convolutionGradient(tf));
  }
}

/** Whether oneDNN's convolutions are there and compute what TensorFlow's own do. They are for processors alone. */
function works(tf: Tfjs): boolean {
  if ((tf.backend() as unknown as NativeRunner).isUsingGpuDevice) return false;
  try {
    return tf.tidy(() => {
      const [x, filter, bias] = [tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 2, 1]), tf.ones([1])];
      const settings = { stride: 1, pad: 'valid' };
      const results = [
        ...(runNative(tf, 'biasedConvolution', { x, filter, bias }, settings) ?? []),
        ...(kernelAndBiasGradient(tf, { x, filter, dy: tf.ones([1, 2, 2, 1]) }, settings) ?? []),
      ];
      return results.map((result) => result.dataSync()[0]).join() === '19,4,4';
    });
  } catch {
    return false;
  }
}

interface ConvolutionSettings extends Record<string, number | string> {
  readonly stride: number;
  readonly pad: string;
}

function kernelAndBiasGradient(
  tf: Tfjs,
  { x, filter, dy }: Record<'x' | 'filter' | 'dy', tfjs.Tensor>,
  { stride, pad }: ConvolutionSettings,
): tfjs.Tensor[] | undefined {
  const filterShape = tf.tensor1d(filter.shape, 'int32');
  return runNative(tf, 'biasedConvolutionGradient', { x, filterShape, gradient: dy }, { stride, pad });
}

/**
 * Where kernel and bias are learned their gradients come together; TensorFlow.js asks for them one by one, and frees what
 * the first answer leaves. Else each is computed only when it is asked for.
 */
function convolutionGradient(tf: Tfjs): tfjs.GradConfig {
  return {
    kernelName: 'biasedConvolution',
    inputsToSave: ['x', 'filter'],
    gradFunc: (given, saved, attrs) => {
      const dy = given as tfjs.Tensor;
      const [x, filter] = saved as [tfjs.Tensor4D, tfjs.Tensor4D];
      const { stride, pad, learned } = attrs as unknown as ConvolutionSettings;
      const settings = { strides: [stride, stride], pad, dataFormat: 'NHWC' };
      const run = (kernel: string, inputs: Record<string, tfjs.Tensor>, shape: Record<string, number[]>) =>
        tf.engine().runKernel<tfjs.Tensor>(kernel, inputs, { ...settings, ...shape });
      const together = learned ? kernelAndBiasGradient(tf, { x, filter, dy }, { stride, pad }) : undefined;
      const [ofFilter, ofBias] = together ?? [];
      return {
        x: () => run(tf.Conv2DBackpropInput, { dy, filter }, { inputShape: x.shape }),
        filter: () => ofFilter ?? run(tf.Conv2DBackpropFilter, { x, dy }, { filterShape: filter.shape }),
        bias: () => ofBias ?? tf.sum(dy, [0, 1, 2]),
      };
    },
  };
}

/** The results of a native kernel, or undefined where the backend at work has none of that name. */
export function runNative(
  tf: Tfjs,
  kernel: NativeKernelName,
  inputs: Record<string, tfjs.Tensor>,
  attributes: Record<string, number | string>,
): tfjs.Tensor[] | undefined {
  if (!tf.getKernel(kernel, tf.getBackend())) return undefined;
  return tf.engine().runKernel<tfjs.Tensor[]>(kernel, inputs, attributes);
}
