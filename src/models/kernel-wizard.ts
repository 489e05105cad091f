import { z } from 'zod';
import { conv } from './layers.js';
import { parametersUsed } from './network.js';
import { within, type Margins, type Ops, type Weights } from './ops.js';
import { readCheckpoint } from './weights/checkpoint.js';
import { checkParameters, type Tensors } from './weights/tensors.js';

/** Options of KernelWizard. */
const kernelWizardConfig = z.strictObject({
  /** Channels of features; a kernel has eight times as many. */
  features: z.int().min(1).max(256).default(64),
  /** Residual blocks that look at a picture. */
  frontBlocks: z.int().min(0).max(64).default(10),
  /** Residual blocks that make the blurred picture. */
  backBlocks: z.int().min(0).max(64).default(20),
  /** Residual blocks that look at the kernel. */
  kernelBlocks: z.int().min(0).max(64).default(4),
  /** Whether the kernel is a distribution, with a deviation beside its mean. */
  variational: z.boolean().default(false),
});

/** Options of KernelWizard. */
export type KernelWizardConfig = z.input<typeof kernelWizardConfig>;

/** A blur as KernelWizard encodes it. */
export interface BlurKernel<T> {
  /** `[N, 8·features, H/128, W/128]`. */
  readonly mean: T;
  /** Deviation of the same shape, which may be negative: a sample is `mean + sigma · normal`. Undefined where the network is not variational. */
  readonly sigma: T | undefined;
}

/** A trained KernelWizard. */
export interface KernelWizard {
  readonly config: KernelWizardConfig;
  readonly weights: Tensors;
}

/** Sides of pictures are multiples of this many pixels. */
export const kernelWizardMultiple = 128;
/** Least side of the pictures that a kernel is extracted from. */
export const kernelWizardLeast = 256;

const [smallSlope, slope] = [0.1, 0.2];
/** Channels behind the second enlargement, whatever `features` is. */
const lastChannels = 64;
/** Convolutions that halve the features' size on the way to the kernel. */
const reductions = 5;

/**
 * Encodes the blur between two pictures with KernelWizard (Tran et al., "Explore Image Deblurring via Encoded Blur Kernel
 * Space", CVPR 2021). Parameters carry the official PyTorch `state_dict` keys.
 *
 * @param sharp RGB `[N, 3, H, W]` in [0, 1], sides multiples of 128 and at least 256.
 * @param blurry the same pictures with the blur, same shape.
 */
export function extractKernel<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  sharp: T,
  blurry: T,
  options: KernelWizardConfig = {},
): BlurKernel<T> {
  const { features, frontBlocks, kernelBlocks, variational } = kernelWizardConfig.parse(options);
  const scope = within(weights, 'kernel_extractor.model.');
  const plain = { padding: 0, bias: false } as const;
  const pictures = [sharp, blurry].map((picture) => featuresOf(ops, weights, picture, features, frontBlocks));
  const channels = 8 * features * (variational ? 2 : 1);
  let x = ops.pad(ops.concat(pictures, 1), evenly(3), 'reflect');
  x = ops.relu(conv(ops, scope, x, '1', features, { ...plain, kernel: 7 }));
  for (let i = 0; i < reductions; i += 1) {
    const outputs = Math.min(features * 2 ** (i + 1), channels);
    x = ops.relu(conv(ops, scope, x, `${4 + 3 * i}`, outputs, { stride: 2, bias: false }));
  }
  for (let i = 0; i < kernelBlocks; i += 1) {
    const block = `${4 + 3 * reductions + i}.conv_block`;
    const padded = (value: T) => ops.pad(value, evenly(1), 'reflect');
    const inner = ops.relu(conv(ops, scope, padded(x), `${block}.1`, channels, plain));
    x = ops.add(x, conv(ops, scope, padded(inner), `${block}.5`, channels, plain));
  }
  if (!variational) return { mean: x, sigma: undefined };
  return {
    mean: ops.slice(x, { axis: 1, end: channels / 2 }),
    sigma: ops.slice(x, { axis: 1, start: channels / 2 }),
  };
}

/**
 * Blurs pictures with a kernel that {@link extractKernel} encoded, of these or of other pictures.
 *
 * @param sharp RGB `[N, 3, H, W]` in [0, 1], sides multiples of 128.
 * @param kernel `[N, 8·features, H/128, W/128]`.
 * @returns the blurred pictures, same shape, not clamped.
 */
export function applyKernel<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  sharp: T,
  kernel: T,
  options: KernelWizardConfig = {},
): T {
  const { features, frontBlocks, backBlocks } = kernelWizardConfig.parse(options);
  let x = featuresOf(ops, weights, sharp, features, frontBlocks);
  x = adapt(ops, within(weights, 'adapter.model.'), x, kernel, features);
  const scope = within(weights, 'recon_trunk.');
  for (let i = 0; i < backBlocks; i += 1) x = block(ops, scope, x, `${i}`);
  const enlarge = (value: T, index: number, outputs: number) => {
    const wide = conv(ops, scope, value, `${backBlocks + index}`, 4 * outputs);
    return ops.leakyRelu(ops.pixelShuffle(wide, 2), smallSlope);
  };
  x = enlarge(enlarge(x, 0, features), 3, lastChannels);
  x = ops.leakyRelu(conv(ops, scope, x, `${backBlocks + 6}`, lastChannels), smallSlope);
  return ops.add(conv(ops, scope, x, `${backBlocks + 8}`, 3), sharp);
}

/**
 * Reads a published checkpoint of KernelWizard, whose keys tell its options.
 * @param file its name.
 * @throws DeblurError `CHECKPOINT_INVALID`.
 */
export function readKernelWizard(bytes: Uint8Array, file: string): KernelWizard {
  const weights = readCheckpoint(bytes, file);
  const channels = (name: string) => weights.get(`${name}.weight`)?.shape[0] ?? 0;
  const count = (pattern: RegExp) => [...weights.keys()].filter((name) => pattern.test(name)).length;
  const options = kernelWizardConfig.safeParse({
    features: channels('feature_extractor.0'),
    frontBlocks: count(/^feature_extractor\.\d+\.conv1\.weight$/),
    backBlocks: count(/^recon_trunk\.\d+\.conv1\.weight$/),
    kernelBlocks: count(/^kernel_extractor\.model\.\d+\.conv_block\.1\.weight$/),
    variational: channels('kernel_extractor.model.16') > 8 * channels('feature_extractor.0'),
  });
  const config: KernelWizardConfig = options.success ? options.data : {};
  checkParameters(weights, kernelWizardParameters(config), file);
  return { config, weights };
}

/** Every parameter of KernelWizard with its shape. */
export function kernelWizardParameters(config: KernelWizardConfig = {}): Map<string, readonly number[]> {
  return parametersUsed((ops, weights) => {
    const picture = [1, 3, kernelWizardLeast, kernelWizardLeast];
    const { mean } = extractKernel(ops, weights, picture, picture, config);
    applyKernel(ops, weights, picture, mean, config);
  });
}

/** Features of a picture at a quarter of its size. */
function featuresOf<T>(ops: Ops<T>, weights: Weights<T>, picture: T, features: number, blocks: number): T {
  const scope = within(weights, 'feature_extractor.');
  let x = picture;
  for (const [index, stride] of [1, 2, 2].entries()) {
    x = ops.leakyRelu(conv(ops, scope, x, `${2 * index}`, features, { stride }), smallSlope);
  }
  for (let i = 0; i < blocks; i += 1) x = block(ops, scope, x, `${6 + i}`);
  return x;
}

function block<T>(ops: Ops<T>, weights: Weights<T>, x: T, name: string): T {
  const [, channels = 0] = ops.shape(x);
  const inner = ops.relu(conv(ops, weights, x, `${name}.conv1`, channels));
  return ops.add(x, conv(ops, weights, inner, `${name}.conv2`, channels));
}

/** A U-Net over a picture's features that takes the kernel in at its deepest level. */
function adapt<T>(ops: Ops<T>, weights: Weights<T>, features: T, kernel: T, channels: number): T {
  const down = (scope: Weights<T>, x: T, name: string, outputs: number) =>
    conv(ops, scope, x, name, outputs, { kernel: 4, stride: 2, padding: 1, bias: false });
  const up = (scope: Weights<T>, x: T, outputs: number, bias?: T) => {
    const [, inputs = 0] = ops.shape(x);
    const weight = scope.get('up.1.weight', [inputs, outputs, 4, 4]);
    return ops.convTranspose2d(ops.relu(x), weight, { stride: 2, padding: 1, ...(bias !== undefined && { bias }) });
  };
  const widths = [1, 2, 4, 8, 8].map((factor) => factor * channels);
  const level = (scope: Weights<T>, x: T, depth: number): T => {
    // The skip is taken behind the activation, which works in place in the published code.
    const skip = ops.leakyRelu(x, slope);
    const reduced = down(scope, skip, 'down.1', widths[depth] ?? 0);
    const deepest = depth === widths.length - 1;
    const inner = deepest ? ops.concat([reduced, kernel], 1) : level(within(scope, 'submodule.'), reduced, depth + 1);
    return ops.concat([up(scope, inner, widths[depth - 1] ?? 0), skip], 1);
  };
  const inner = level(within(weights, 'submodule.'), down(weights, features, 'down.0', channels), 1);
  return tanh(ops, up(weights, inner, channels, weights.get('up.1.bias', [channels])));
}

/** `tanh(x) = 2σ(2x) - 1`. */
function tanh<T>(ops: Ops<T>, x: T): T {
  return ops.addScalar(ops.scale(ops.sigmoid(ops.scale(x, 2)), 2), -1);
}

function evenly(margin: number): Margins {
  return { top: margin, left: margin, bottom: margin, right: margin };
}
