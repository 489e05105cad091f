import type { Ops, Weights } from './ops.js';

/** Options of {@link conv}. */
export interface ConvOptions {
  /** Side of the kernel. Default 3. */
  readonly kernel?: number;
  /** Default 1. */
  readonly stride?: number;
  /** Zeros added on all four sides. Default: half the kernel, rounded down. */
  readonly padding?: number;
  /** Whether each channel is convolved alone. Default false. */
  readonly depthwise?: boolean;
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
}

/** The layer `torch.nn.Conv2d` with a square kernel, whose parameters are `NAME.weight` and `NAME.bias`. */
export function conv<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  x: T,
  name: string,
  outputs: number,
  options: ConvOptions = {},
): T {
  const { kernel = 3, stride = 1, padding = Math.floor(kernel / 2), depthwise = false, bias = true } = options;
  const [, channels = 0] = ops.shape(x);
  const weight = weights.get(`${name}.weight`, [outputs, depthwise ? 1 : channels, kernel, kernel]);
  return ops.conv2d(x, weight, {
    stride,
    padding,
    ...(depthwise ? { groups: channels } : {}),
    ...(bias ? { bias: weights.get(`${name}.bias`, [outputs]) } : {}),
  });
}

/** {@link conv} of several tensors joined along their channels. */
export function convJoined<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  parts: readonly T[],
  name: string,
  outputs: number,
  { kernel = 3, stride = 1, padding = Math.floor(kernel / 2) }: Pick<ConvOptions, 'kernel' | 'stride' | 'padding'> = {},
): T {
  const channels = parts.reduce((sum, part) => sum + (ops.shape(part)[1] ?? 0), 0);
  const weight = weights.get(`${name}.weight`, [outputs, channels, kernel, kernel]);
  return ops.conv2dJoined(parts, weight, { stride, padding, bias: weights.get(`${name}.bias`, [outputs]) });
}

/** Options of {@link upConv}. */
export interface UpConvOptions {
  /** Side of the kernel. */
  readonly kernel: number;
  /** Samples cut off on all four sides. */
  readonly padding: number;
  /** Rows and columns added at the bottom and right. Default 0. */
  readonly outputPadding?: number;
}

/** The layer `torch.nn.ConvTranspose2d` with stride 2, whose parameters are `NAME.weight` and `NAME.bias`. */
export function upConv<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  x: T,
  name: string,
  outputs: number,
  { kernel, ...padding }: UpConvOptions,
): T {
  const [, channels = 0] = ops.shape(x);
  return ops.convTranspose2d(x, weights.get(`${name}.weight`, [channels, outputs, kernel, kernel]), {
    bias: weights.get(`${name}.bias`, [outputs]),
    stride: 2,
    ...padding,
  });
}
