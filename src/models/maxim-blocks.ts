import { within } from './ops.js';
import type { Ops, Weights } from './ops.js';

const epsilon = 1e-6;

/** A module's place in the network: the operators and the parameters under its path. */
export class Scope<T> {
  constructor(
    readonly ops: Ops<T>,
    readonly weights: Weights<T>,
  ) {}

  /** The scope of a child module. */
  in(name: string): Scope<T> {
    return new Scope(this.ops, within(this.weights, `${name}/`));
  }

  channels(x: T): number {
    return this.ops.shape(x)[1] ?? 0;
  }

  /** Square convolution that keeps the size, or with a kernel of 4 halves it. */
  conv(x: T, name: string, outputs: number, kernel: 1 | 3 | 4): T {
    return this.ops.conv2d(x, this.weights.get(`${name}/kernel`, [outputs, this.channels(x), kernel, kernel]), {
      bias: this.#bias(name, outputs),
      padding: kernel === 1 ? 0 : 1,
      stride: kernel === 4 ? 2 : 1,
    });
  }

  /** Transposed 2×2 convolution that doubles the size. */
  upsample(x: T, name: string, outputs: number): T {
    const kernel = this.weights.get(`${name}/kernel`, [this.channels(x), outputs, 2, 2]);
    return this.ops.convTranspose2d(x, kernel, { bias: this.#bias(name, outputs), stride: 2 });
  }

  /** Linear layer over the channels. */
  dense(x: T, name: string, outputs: number): T {
    const kernel = this.weights.get(`${name}/kernel`, [outputs, this.channels(x)]);
    return this.ops.linear(x, kernel, { bias: this.#bias(name, outputs) });
  }

  /** Linear layer over tokens, to as many; `offset` is added to every result. */
  mix(x: T, name: string, axis: number, offset = 0): T {
    const tokens = this.ops.shape(x)[axis] ?? 0;
    const kernel = this.weights.get(`${name}/kernel`, [tokens, tokens]);
    return this.ops.linear(x, kernel, { bias: this.ops.addScalar(this.#bias(name, tokens), offset), axis });
  }

  /** Layer normalisation over the channels. */
  norm(x: T, name: string): T {
    const [scale, bias] = ['scale', 'bias'].map((key) => this.weights.get(`${name}/${key}`, [this.channels(x)]));
    if (scale === undefined || bias === undefined) throw new TypeError('a normalisation has a scale and a bias');
    return this.ops.layerNorm(x, { scale, bias, epsilon });
  }

  gelu(x: T): T {
    return this.ops.gelu(x, 'tanh');
  }

  /** The first and the second half of the channels. */
  halves(x: T): readonly [T, T] {
    const half = this.channels(x) / 2;
    return [this.ops.slice(x, { axis: 1, end: half }), this.ops.slice(x, { axis: 1, start: half })];
  }

  #bias(name: string, outputs: number): T {
    return this.weights.get(`${name}/bias`, [outputs]);
  }
}

/**
 * Cuts `[N, C, H, W]` into cells of `rows × columns` pixels: `[N, C, cells, pixels of a cell]`. Mixing axis 3
 * is local, mixing axis 2 reaches across the picture.
 */
function toCells<T>(ops: Ops<T>, x: T, rows: number, columns: number): T {
  const [n = 1, c = 0, height = 0, width = 0] = ops.shape(x);
  const [down, across] = [height / rows, width / columns];
  const cells = ops.transpose(ops.reshape(x, [n * c, down, rows, across, columns]), [0, 1, 3, 2, 4]);
  return ops.reshape(cells, [n, c, down * across, rows * columns]);
}

/** The inverse of {@link toCells}. */
function fromCells<T>(ops: Ops<T>, x: T, rows: number, columns: number, size: readonly [number, number]): T {
  const [n = 1, c = 0] = ops.shape(x);
  const [height, width] = size;
  const [down, across] = [height / rows, width / columns];
  const picture = ops.transpose(ops.reshape(x, [n * c, down, across, rows, columns]), [0, 1, 3, 2, 4]);
  return ops.reshape(picture, [n, c, height, width]);
}

/** Where a token-mixing branch looks: at distant pixels with the same place in their cell, or within a cell. */
type Reach = 'grid' | 'block';

/** Runs `body` on the cells of one branch; it is told which axis holds the `side²` tokens. */
type Mixer<T> = (x: T, reach: Reach, body: (cells: T, axis: number) => T) => T;

const tokenAxis = { grid: 2, block: 3 } as const;

/**
 * Runs a module that mixes tokens of both reaches and otherwise works on each position alone. Where both
 * cut the picture into the same cells, the whole module runs on them, and only its ends are rearranged.
 */
function mixing<T>({ ops }: Scope<T>, x: T, side: number, module: (x: T, mix: Mixer<T>) => T): T {
  const [, , height = 0, width = 0] = ops.shape(x);
  if (height === side ** 2 && width === side ** 2) {
    const cells = module(toCells(ops, x, side, side), (y, reach, body) => body(y, tokenAxis[reach]));
    return fromCells(ops, cells, side, side, [height, width]);
  }
  return module(x, (y, reach, body) => {
    const [rows, columns] = reach === 'grid' ? [height / side, width / side] : [side, side];
    const cells = body(toCells(ops, y, rows, columns), tokenAxis[reach]);
    return fromCells(ops, cells, rows, columns, [height, width]);
  });
}

/** Gated MLP on the cells of one branch (`GridGmlpLayer`, `BlockGmlpLayer`). */
function gmlp<T>(scope: Scope<T>, cells: T, axis: number, gatingUnit: string): T {
  const { ops } = scope;
  const channels = scope.channels(cells);
  const y = scope.gelu(scope.dense(scope.norm(cells, 'LayerNorm'), 'in_project', 2 * channels));
  const [values, gates] = scope.halves(y);
  const gating = scope.in(gatingUnit);
  const gate = gating.mix(gating.norm(gates, 'intermediate_layernorm'), 'Dense_0', axis, 1);
  return ops.add(scope.dense(ops.mul(values, gate), 'out_project', channels), cells);
}

/** The inputs of the grid and of the block branch: normalised, widened to `2C`, and cut in half. */
function splitHeads<T>(scope: Scope<T>, input: T): readonly [T, T] {
  const widened = scope.dense(scope.norm(input, 'LayerNorm_in'), 'in_project', 2 * scope.channels(input));
  return scope.halves(scope.gelu(widened));
}

/** Multi-axis gated MLP block (`ResidualSplitHeadMultiAxisGmlpLayer`). */
function multiAxisGmlp<T>(scope: Scope<T>, x: T, side: number): T {
  const { ops } = scope;
  const channels = scope.channels(x);
  return mixing(scope, x, side, (input, mix) => {
    const [u, v] = splitHeads(scope, input);
    const branches = [
      mix(u, 'grid', (cells, axis) => gmlp(scope.in('GridGmlpLayer'), cells, axis, 'GridGatingUnit')),
      mix(v, 'block', (cells, axis) => gmlp(scope.in('BlockGmlpLayer'), cells, axis, 'BlockGatingUnit')),
    ];
    return ops.add(scope.dense(ops.concat(branches, 1), 'out_project', channels), input);
  });
}

/** Weights for a cross gate (`GetSpatialGatingWeights`). */
function gatingWeights<T>(scope: Scope<T>, x: T, side: number): T {
  const { ops } = scope;
  const channels = scope.channels(x);
  return mixing(scope, x, side, (input, mix) => {
    const [u, v] = splitHeads(scope, input);
    const branches = [
      mix(u, 'grid', (cells, axis) => scope.mix(cells, 'Dense_0', axis)),
      mix(v, 'block', (cells, axis) => scope.mix(cells, 'Dense_1', axis)),
    ];
    return scope.dense(ops.concat(branches, 1), 'out_project', channels);
  });
}

/** Cross gating of two feature maps of equal size (`CrossGatingBlock`): each is gated with weights made from the other. */
export function crossGating<T>(scope: Scope<T>, x: T, y: T, channels: number, side: number): readonly [T, T] {
  const { ops } = scope;
  const [shortcutX, shortcutY] = [scope.conv(x, 'Conv_0', channels, 1), scope.conv(y, 'Conv_1', channels, 1)];
  const project = (part: T, which: 'x' | 'y') =>
    scope.gelu(scope.dense(scope.norm(part, `LayerNorm_${which}`), `in_project_${which}`, channels));
  const [featuresX, featuresY] = [project(shortcutX, 'x'), project(shortcutY, 'y')];
  const gateX = gatingWeights(scope.in('SplitHeadMultiAxisGating_x'), featuresX, side);
  const gateY = gatingWeights(scope.in('SplitHeadMultiAxisGating_y'), featuresY, side);
  const outY = ops.add(scope.dense(ops.mul(featuresY, gateX), 'out_project_y', channels), shortcutY);
  const outX = ops.add(scope.dense(ops.mul(featuresX, gateY), 'out_project_x', channels), ops.add(outY, shortcutX));
  return [outX, outY];
}

/** Squeeze and excitation (`CALayer`). */
function channelAttention<T>(scope: Scope<T>, x: T): T {
  const { ops } = scope;
  const channels = scope.channels(x);
  const squeezed = ops.relu(scope.conv(ops.globalMean(x), 'Conv_0', channels / 4, 1));
  return ops.mul(x, ops.sigmoid(scope.conv(squeezed, 'Conv_1', channels, 1)));
}

/** Residual channel attention block (`RCAB`). */
function convolutionalAttention<T>(scope: Scope<T>, x: T): T {
  const { ops } = scope;
  const channels = scope.channels(x);
  const y = ops.leakyRelu(scope.conv(scope.norm(x, 'LayerNorm'), 'conv1', channels, 3), 0.2);
  return ops.add(channelAttention(scope.in('channel_attention'), scope.conv(y, 'conv2', channels, 3)), x);
}

/** Residual dense channel attention block (`RDCAB`). */
function denseAttention<T>(scope: Scope<T>, x: T): T {
  const { ops } = scope;
  const channels = scope.channels(x);
  const mixing = scope.in('channel_mixing');
  const y = scope.gelu(mixing.dense(scope.norm(x, 'LayerNorm'), 'Dense_0', channels));
  return ops.add(channelAttention(scope.in('channel_attention'), mixing.dense(y, 'Dense_1', channels)), x);
}

/** The features that `UNetEncoderBlock` gates its own with: encoder and decoder of the stage before. */
export interface PreviousStage<T> {
  readonly encoded: T;
  readonly decoded: T;
}

/** `UNetEncoderBlock` without its down-sampling convolution. */
export function unetBlock<T>(
  scope: Scope<T>,
  x: T,
  skip: T,
  channels: number,
  side: number,
  previous?: PreviousStage<T>,
): T {
  const { ops } = scope;
  const shortcut = scope.conv(ops.concat([x, skip], 1), 'Conv_0', channels, 1);
  let y = shortcut;
  for (const group of [0, 1]) {
    y = multiAxisGmlp(scope.in(`SplitHeadMultiAxisGmlpLayer_${group}`), y, side);
    y = convolutionalAttention(scope.in(`channel_attention_block_1${group}`), y);
  }
  y = ops.add(y, shortcut);
  if (!previous) return y;
  const other = ops.add(previous.encoded, previous.decoded);
  return crossGating(scope.in('cross_gating_block'), y, other, channels, side)[0];
}

/** `BottleneckBlock`. */
export function bottleneck<T>(scope: Scope<T>, x: T, side: number): T {
  const shortcut = scope.conv(x, 'input_proj', scope.channels(x), 1);
  let y = shortcut;
  for (const group of [0, 1]) {
    y = multiAxisGmlp(scope.in(`SplitHeadMultiAxisGmlpLayer_${group}`), y, side);
    y = denseAttention(scope.in(`channel_attention_block_1_${group}`), y);
  }
  return scope.ops.add(y, shortcut);
}

/** Supervised attention (`SAM`): features for the next stage, steered by this stage's picture `scope.conv(x) + image`. */
export function supervisedAttention<T>(scope: Scope<T>, x: T, image: T): T {
  const { ops } = scope;
  const channels = scope.channels(x);
  const picture = ops.add(scope.conv(x, 'Conv_1', 3, 3), image);
  const attention = ops.sigmoid(scope.conv(picture, 'Conv_2', channels, 3));
  return ops.add(ops.mul(scope.conv(x, 'Conv_0', channels, 3), attention), x);
}
