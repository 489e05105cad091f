/** Sizes of a tensor, outermost axis first. Pictures are `[N, C, H, W]` in every interpreter. */
export type Shape = readonly number[];

/** Samples to add on each side of a picture. */
export interface Margins {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/**
 * What {@link Ops.pad} writes outside the picture: zeros, the mirrored inside without repeating the
 * border (bouncing again where the margin exceeds the size, as `numpy.pad`), or the border sample.
 */
export type PadMode = 'zero' | 'reflect' | 'replicate';

/** The two published forms of GELU: the exact one, and Hendrycks and Gimpel's `0.5x(1 + tanh(√(2/π)(x + 0.044715x³)))`. */
export type GeluForm = 'erf' | 'tanh';

/** Options of {@link Ops.conv2d}. */
export interface Conv2dOptions<T> {
  /** One value per output channel, `[O]`. Default: none. */
  readonly bias?: T;
  /** Default 1. */
  readonly stride?: number;
  /** Zeros added on all four sides. Default 0. */
  readonly padding?: number;
  /** Channel groups; equal to the input channels for a depthwise convolution. Default 1. */
  readonly groups?: number;
}

/** Options of {@link Ops.convTranspose2d}. */
export interface ConvTranspose2dOptions<T> {
  /** One value per output channel, `[O]`. Default: none. */
  readonly bias?: T;
  /** Default 1. */
  readonly stride?: number;
  /** Samples cut off on all four sides of the result. Default 0. */
  readonly padding?: number;
  /** Rows and columns that the result has more at its bottom and right, as PyTorch counts them. Default 0. */
  readonly outputPadding?: number;
}

/** Options of {@link Ops.linear}. */
export interface LinearOptions<T> {
  /** One value per output, `[O]`. Default: none. */
  readonly bias?: T;
  /** The axis that is mixed. Default 1, the channels. */
  readonly axis?: number;
}

/** Options of {@link Ops.layerNorm}. */
export interface LayerNormOptions<T> {
  /** Multiplies the normalised channels, `[C]`. */
  readonly scale: T;
  /** Is added afterwards, `[C]`. Default: none. */
  readonly bias?: T;
  /** Is added to the variance. */
  readonly epsilon: number;
  /** Whether the mean is taken from the numerator; the variance is about the mean in any case. Default true. */
  readonly centred?: boolean;
}

/** Options of {@link Ops.slice}. */
export interface SliceOptions {
  readonly axis: number;
  /** First index kept. Default 0. */
  readonly start?: number;
  /** First index not kept. Default: the size of the axis. */
  readonly end?: number;
  /** Keep every `step`-th index. Default 1. */
  readonly step?: number;
}

/**
 * The vocabulary in which networks are written. `T` is an interpreter's tensor: a value of an ONNX
 * graph, a tensor of a training library, or only a shape. All shapes are static. Operators have the
 * meaning of PyTorch's of the same name unless their description says otherwise; they change no
 * argument.
 */
export interface Ops<T> {
  /** The sizes of a tensor. */
  shape(x: T): Shape;

  /** Cross-correlation of `x [N, I, H, W]` with `weight [O, I/groups, kh, kw]`, giving `[N, O, (H+2p-kh)/s+1, (W+2p-kw)/s+1]`. */
  conv2d(x: T, weight: T, options?: Conv2dOptions<T>): T;

  /** {@link conv2d} of tensors joined along their channels, in one group. Where joining them costs more, each is convolved and the results are added. */
  conv2dJoined(parts: readonly T[], weight: T, options?: Omit<Conv2dOptions<T>, 'groups'>): T;

  /** Transposed convolution of `x [N, I, H, W]` with `weight [I, O, kh, kw]`, giving `[N, O, (H-1)s+kh-2p+o, (W-1)s+kw-2p+o]`. */
  convTranspose2d(x: T, weight: T, options?: ConvTranspose2dOptions<T>): T;

  /** `y[…, o, …] = Σᵢ weight[o, i] x[…, i, …] + bias[o]` along one axis; along the channels it is a 1×1 convolution. */
  linear(x: T, weight: T, options?: LinearOptions<T>): T;

  /** Product of the matrices in the last two axes, `[…, I, K]` with `[…, K, J]`; the axes before them are equal. */
  matmul(a: T, b: T): T;

  /** Zeros of a shape. */
  zeros(shape: Shape): T;
  /** A fixed tensor, elements in row-major order. It is not trained. */
  constant(shape: Shape, data: Float32Array): T;
  /** Sum, with broadcasting. */
  add(a: T, b: T): T;
  /** Adds one number to every element. */
  addScalar(x: T, scalar: number): T;
  /** Difference, with broadcasting. */
  sub(a: T, b: T): T;
  /** Product, with broadcasting. */
  mul(a: T, b: T): T;
  /** Every element times one number. */
  scale(x: T, factor: number): T;

  relu(x: T): T;
  /** `x` where positive, else `slope · x`. */
  leakyRelu(x: T, slope: number): T;
  sigmoid(x: T): T;
  /** The natural logarithm; of what is not positive, it is not a number. */
  log(x: T): T;
  /**
   * Only where an interpreter trains: sets each channel of each picture `[N, C, H, W]` to zero with the probability `rate`,
   * and multiplies those that stay by `1 / (1 - rate)`. Everywhere else it is `x`.
   */
  dropout2d(x: T, rate: number): T;
  gelu(x: T, form: GeluForm): T;
  /** `exp(x) / Σ exp(x)` over the last axis. */
  softmax(x: T): T;

  /** Normalises each position over axis 1 with the biased variance: `(x - μ)/√(σ² + epsilon) · scale + bias`. `x` has rank 3 or 4. */
  layerNorm(x: T, options: LayerNormOptions<T>): T;
  /** Normalises each channel of each picture `[N, C, H, W]` over its pixels with the biased variance: `(x - μ)/√(σ² + epsilon)`. */
  instanceNorm(x: T, epsilon: number): T;
  /** `1 / max(‖x‖₂, epsilon)` over the last axis, which becomes 1: the factor of `torch.nn.functional.normalize`. */
  inverseNorm(x: T, epsilon: number): T;

  /** Mean over height and width: `[N, C, H, W]` to `[N, C, 1, 1]`. */
  globalMean(x: T): T;
  /** Mean over every window of `size` = `[kh, kw]` that lies inside: `[N, C, H, W]` to `[N, C, H-kh+1, W-kw+1]`. */
  boxMean(x: T, size: readonly [number, number]): T;

  /** Largest sample of each `size × size` cell: `[N, C, H, W]` to `[N, C, ⌊H/size⌋, ⌊W/size⌋]`. */
  maxPool(x: T, size: number): T;

  /** `[N, C·r², H, W]` to `[N, C, H·r, W·r]`; input channel `c·r² + i·r + j` becomes row `i`, column `j` of each cell. */
  pixelShuffle(x: T, r: number): T;
  /** The inverse of {@link pixelShuffle}: `[N, C, H·r, W·r]` to `[N, C·r², H, W]`. */
  pixelUnshuffle(x: T, r: number): T;
  /** Repeats every sample `factor` times along both sides: `[N, C, H, W]` to `[N, C, H·factor, W·factor]`. */
  resizeNearest(x: T, factor: number): T;
  /**
   * Bilinear resize of `[N, C, H, W]` by a power of two (2, 4, ½, ¼, …) with half-pixel centres. Enlarging
   * repeats the border; reducing widens the kernel by the ratio and normalises it over the samples inside
   * the picture, as `torch.nn.functional.interpolate(mode='bilinear', antialias=True)`.
   */
  resizeBilinear(x: T, ratio: number): T;

  concat(xs: readonly T[], axis: number): T;
  slice(x: T, options: SliceOptions): T;
  reshape(x: T, shape: Shape): T;
  /** Axis `i` of the result is axis `permutation[i]` of `x`. */
  transpose(x: T, permutation: readonly number[]): T;
  /** Adds margins to the last two axes. */
  pad(x: T, margins: Margins, mode: PadMode): T;
}

/** Where a network's function finds its parameters. */
export interface Weights<T> {
  /** The parameter of that name, whose shape the network states where it uses it. */
  get(name: string, shape: Shape): T;
}

/** The parameters whose names begin with `prefix`, under the rest of their names. */
export function within<T>(weights: Weights<T>, prefix: string): Weights<T> {
  return { get: (name, shape) => weights.get(prefix + name, shape) };
}

/** Number of elements of a shape. */
export function elements(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}
