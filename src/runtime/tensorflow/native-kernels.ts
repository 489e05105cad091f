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

type AttributeType =
  'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_SHAPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_INT' | 'TF_ATTR_STRING';
type Attributes = Readonly<Record<string, readonly [type: AttributeType, value: unknown]>>;

/** An operator of TensorFlow itself that TensorFlow.js does not offer. */
interface NativeKernel {
  /** Its name in TensorFlow. */
  readonly operator: string;
  /** The inputs' names in TensorFlow's order. */
  readonly inputs: readonly string[];
  readonly outputs: number;
  /** The attribute that names the type of its numbers. Default `T`. */
  readonly type?: 'T' | 'dtype' | 'none';
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
  /** Of TensorFlow.js's resizing with half-pixel centres, whose own gradient forgets them. */
  bilinearGradient: {
    operator: 'ResizeBilinearGrad',
    inputs: ['gradient', 'x'],
    outputs: 1,
    attributes: () => ({ align_corners: ['TF_ATTR_BOOL', false], half_pixel_centers: ['TF_ATTR_BOOL', true] }),
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
  convolutionInputGradient: {
    operator: '_MklNativeConv2DBackpropInput',
    inputs: ['inputShape', 'filter', 'gradient'],
    outputs: 1,
    attributes: convolution,
  },
  variable: {
    operator: 'VarHandleOp',
    inputs: [],
    outputs: 1,
    type: 'dtype',
    attributes: ({ name, size }) => ({
      shape: ['TF_ATTR_SHAPE', [size]],
      container: ['TF_ATTR_STRING', ''],
      shared_name: ['TF_ATTR_STRING', name],
    }),
  },
  variableWriting: {
    operator: 'AssignVariableOp',
    inputs: ['variable', 'values'],
    outputs: 0,
    type: 'dtype',
    attributes: () => ({}),
  },
  variableReading: {
    operator: 'ReadVariableOp',
    inputs: ['variable'],
    outputs: 1,
    type: 'dtype',
    attributes: () => ({}),
  },
  variableRemoval: {
    operator: 'DestroyResourceOp',
    inputs: ['variable'],
    outputs: 0,
    type: 'none',
    attributes: () => ({ ignore_lookup_error: ['TF_ATTR_BOOL', true] }),
  },
  /** A step of Adam, which changes three variables. */
  adam: {
    operator: 'ResourceApplyAdam',
    inputs: [
      ...['parameters', 'mean', 'square', 'meanPower', 'squarePower'],
      ...['rate', 'meanBeta', 'squareBeta', 'epsilon', 'gradient'],
    ],
    outputs: 0,
    attributes: () => ({ use_locking: ['TF_ATTR_BOOL', false], use_nesterov: ['TF_ATTR_BOOL', false] }),
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
        const { type: typed = 'T' } = kernel;
        const type = { name: typed, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
        const given = kernel.inputs.map((input) => inputs[input] ?? {});
        return runner.executeMultipleOutputs(
          kernel.operator,
          typed === 'none' ? attributes : [type, ...attributes],
          given,
          kernel.outputs,
        );
      },
    });
  }
  if (!works(tf)) {
    tf.unregisterKernel('biasedConvolution', 'tensorflow');
    tf.unregisterKernel('biasedConvolutionGradient', 'tensorflow');
    tf.unregisterKernel('convolutionInputGradient', 'tensorflow');
  } else if (!tf.getGradient('biasedConvolution')) {
    tf.registerGradient(convolutionGradient(tf));
    tf.registerGradient(inputGradientGradient(tf));
  }
}

/** Whether oneDNN's convolutions are there and compute what TensorFlow's own do. They are for processors alone. */
function works(tf: Tfjs): boolean {
  if ((tf.backend() as unknown as NativeRunner).isUsingGpuDevice) return false;
  try {
    return tf.tidy(() => {
      const [x, filter, bias] = [tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 2, 1]), tf.ones([1])];
      const settings = { stride: 1, pad: 'valid' };
      const operands = { x, filter, dy: tf.ones([1, 2, 2, 1]) };
      const results = [
        ...(runNative(tf, 'biasedConvolution', { x, filter, bias }, settings) ?? []),
        ...(kernelAndBiasGradient(tf, operands, settings) ?? []),
        ...(inputGradient(tf, operands, settings) ?? []),
      ];
      return results.map((result) => result.dataSync()[0]).join() === '19,4,4,1';
    });
  } catch {
    return false;
  }
}

interface ConvolutionSettings extends Record<string, number | string> {
  readonly stride: number;
  readonly pad: string;
}

interface ConvolutionOperands {
  readonly x: tfjs.Tensor;
  readonly filter: tfjs.Tensor;
  /** The gradient of what came of them. */
  readonly dy: tfjs.Tensor;
}

function kernelAndBiasGradient(tf: Tfjs, { x, filter, dy }: ConvolutionOperands, { stride, pad }: ConvolutionSettings) {
  return runNative(
    tf,
    'biasedConvolutionGradient',
    { x, filterShape: shapeOf(tf, filter), gradient: dy },
    { stride, pad },
  );
}

function inputGradient(tf: Tfjs, { x, filter, dy }: ConvolutionOperands, { stride, pad }: ConvolutionSettings) {
  return runNative(
    tf,
    'convolutionInputGradient',
    { inputShape: shapeOf(tf, x), filter, gradient: dy },
    { stride, pad },
  );
}

function shapeOf(tf: Tfjs, { shape }: tfjs.Tensor): tfjs.Tensor1D {
  return tf.tensor1d(shape, 'int32');
}

/** A gradient is differentiated too, where a penalty counts it. */
function inputGradientGradient(tf: Tfjs): tfjs.GradConfig {
  return {
    kernelName: 'convolutionInputGradient',
    inputsToSave: ['filter', 'gradient'],
    gradFunc: (given, saved, attrs) => {
      const x = given as tfjs.Tensor4D;
      const [filter, dy] = saved as [tfjs.Tensor4D, tfjs.Tensor4D];
      const { stride, pad } = attrs as unknown as { stride: number; pad: 'same' | 'valid' };
      const settings = { strides: [stride, stride], pad, dataFormat: 'NHWC', filterShape: filter.shape };
      return {
        filter: () => tf.engine().runKernel(tf.Conv2DBackpropFilter, { x, dy }, settings),
        gradient: () => tf.conv2d(x, filter, stride, pad),
      };
    },
  };
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
      const operands = { x, filter, dy };
      const together = learned ? kernelAndBiasGradient(tf, operands, { stride, pad }) : undefined;
      const [ofFilter, ofBias] = together ?? [];
      return {
        x: () =>
          inputGradient(tf, operands, { stride, pad })?.[0] ??
          run(tf.Conv2DBackpropInput, { dy, filter }, { inputShape: x.shape }),
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
