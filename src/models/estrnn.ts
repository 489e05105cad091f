import { z } from 'zod';
import { conv, upConv } from './layers.js';
import type { Network } from './network.js';
import { within } from './ops.js';
import type { Ops, Weights } from './ops.js';

/** Options of {@link estrnn}. */
const estrnnConfig = z.strictObject({
  /** Channels of the hidden state; the features of a frame have five times as many. */
  features: z.int().min(1).max(256).default(16),
  /** Residual dense blocks of the recurrent cell. */
  blocks: z.int().min(1).max(64).default(15),
  /** Frames before the restored one whose features are fused with its own. */
  past: z.int().min(0).max(8).default(2),
  /** Frames after it. */
  future: z.int().min(0).max(8).default(2),
});

/** Options of {@link estrnn}. */
export type EstrnnConfig = z.input<typeof estrnnConfig>;
type Config = z.output<typeof estrnnConfig>;

/**
 * ESTRNN (Zhong et al., "Efficient Spatio-Temporal Recurrent Neural Network for Video Deblurring", ECCV 2020). A
 * recurrent cell goes through the frames in order; the features of neighbouring frames are then fused. Defaults are
 * those of the published C80B15. Parameters carry the official PyTorch `state_dict` keys.
 *
 * As a network of a window it starts from an empty hidden state at the window's first frame, so every frame is
 * restored as the official code restores the first frame it can of a sequence, and costs a cell per frame of its
 * window. {@link estrnnSequence} carries the state through a longer sequence, with one cell per frame.
 */
export function estrnn(options: EstrnnConfig = {}): Network {
  const config = estrnnConfig.parse(options);
  const { past, future } = config;
  return {
    name: 'estrnn',
    options: config,
    sizes: { multiple: 4, padding: 'reflect', placement: 'bottom-right' },
    window: { past, future },
    reach: 'global',
    overlap: 64,
    forward: (ops, weights, frames) => estrnnSequence(ops, weights, frames, config),
    forwardSequence: (ops, weights, frames) => estrnnSequence(ops, weights, frames, config),
  };
}

/**
 * Restores a sequence: the hidden state is empty before its first frame and goes through all of it.
 *
 * @param frames RGB `[N, 3, H, W]` in [0, 1] in order of time, at least `past + 1 + future` of them, H and W multiples of 4.
 * @returns the restored frames, RGB and not clamped, without the first `past` and the last `future`.
 */
export function estrnnSequence<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  frames: readonly T[],
  options: EstrnnConfig = {},
): T[] {
  const config = estrnnConfig.parse(options);
  const { past, future } = config;
  if (frames.length < past + 1 + future) throw new TypeError(`ESTRNN needs ${past + 1 + future} frames`);
  const network = new Estrnn(ops, weights, config);
  const features = network.cells(frames.map((frame) => ops.addScalar(reverseChannels(ops, frame), -0.5)));
  return features.slice(past, features.length - future).map((reference, i) => {
    const others = features.slice(i, i + past + 1 + future).filter((_, j) => j !== past);
    const restored = network.reconstruct(network.fuse(reference, others));
    return reverseChannels(ops, ops.addScalar(restored, 0.5));
  });
}

/** From RGB to the BGR of the published weights, and back. */
function reverseChannels<T>(ops: Ops<T>, picture: T): T {
  const channel = (i: number) => ops.slice(picture, { axis: 1, start: i, end: i + 1 });
  return ops.concat([channel(2), channel(1), channel(0)], 1);
}

class Estrnn<T> {
  constructor(
    readonly ops: Ops<T>,
    readonly weights: Weights<T>,
    readonly config: Config,
  ) {}

  /** The features of every frame, `[N, 5 features, H/4, W/4]`, by the recurrent cell (`RDBCell`). */
  cells(frames: readonly T[]): T[] {
    const { ops } = this;
    const { features } = this.config;
    let state: T | undefined;
    return frames.map((frame) => {
      let x = this.#conv(frame, 'cell.F_B0', features, { kernel: 5 });
      x = this.#down(x, 'cell.F_B1', features, 2 * features);
      x = this.#down(x, 'cell.F_B2', Math.trunc(1.5 * features), 4 * features);
      const [n = 1, , height = 0, width = 0] = ops.shape(x);
      state ??= ops.zeros([n, features, height, width]);
      const result = this.#denseBlocks(ops.concat([x, state], 1));
      state = this.#conv(result, 'cell.F_h.0', features);
      state = this.#conv(this.#dense(state, 'cell.F_h.1', features), 'cell.F_h.2', features);
      return result;
    });
  }

  /** Fuses a frame's features with its neighbours' (`GSA`, global spatio-temporal attention). */
  fuse(reference: T, others: readonly T[]): T {
    const { ops } = this;
    const channels = 5 * this.config.features;
    const linear = (x: T, name: string, outputs: number) => {
      const [, inputs = 0] = ops.shape(x);
      return ops.linear(x, this.weights.get(`${name}.weight`, [outputs, inputs]), {
        bias: this.weights.get(`${name}.bias`, [outputs]),
      });
    };
    const pointwise = { kernel: 1 };
    const related = others.map((other) => {
      const pair = ops.concat([reference, other], 1);
      const hidden = ops.gelu(linear(ops.globalMean(pair), 'fusion.F_f.0', 4 * channels), 'erf');
      const importance = ops.sigmoid(linear(hidden, 'fusion.F_f.2', 2 * channels));
      const projected = this.#conv(pair, 'fusion.F_p.0', 4 * channels, pointwise);
      const position = this.#conv(projected, 'fusion.F_p.1', 2 * channels, pointwise);
      return this.#conv(ops.mul(importance, position), 'fusion.condense', channels, pointwise);
    });
    const all = ops.concat([...related, reference], 1);
    return this.#conv(all, 'fusion.fusion', channels * (others.length + 1), pointwise);
  }

  /** The frame of fused features (`Reconstructor`). */
  reconstruct(fused: T): T {
    const { features } = this.config;
    const geometry = { kernel: 3, padding: 1, outputPadding: 1 };
    const half = upConv(this.ops, this.weights, fused, 'recons.model.0', 2 * features, geometry);
    const full = upConv(this.ops, this.weights, half, 'recons.model.1', features, geometry);
    return this.#conv(full, 'recons.model.2', 3, { kernel: 5 });
  }

  #conv(x: T, name: string, outputs: number, options: { kernel?: number; stride?: number } = {}): T {
    return conv(this.ops, this.weights, x, name, outputs, options);
  }

  /** A residual dense block, then half the size (`RDB_DS`). */
  #down(x: T, name: string, growth: number, outputs: number): T {
    return this.#conv(this.#dense(x, `${name}.rdb`, growth), `${name}.down_sampling`, outputs, {
      kernel: 5,
      stride: 2,
    });
  }

  /** Residual dense blocks one after the other, whose results are all used (`RDNet`). */
  #denseBlocks(x: T): T {
    const { features, blocks } = this.config;
    const channels = 5 * features;
    const results: T[] = [];
    for (let i = 0; i < blocks; i += 1) {
      x = this.#dense(x, `cell.F_R.RDBs.${i}`, 2 * features);
      results.push(x);
    }
    const merged = this.#conv(this.ops.concat(results, 1), 'cell.F_R.conv1x1', channels, { kernel: 1 });
    return this.#conv(merged, 'cell.F_R.conv3x3', channels);
  }

  /** A residual dense block of three layers (`RDB`). */
  #dense(x: T, name: string, growth: number): T {
    const { ops } = this;
    const weights = within(this.weights, `${name}.`);
    const [, channels = 0] = ops.shape(x);
    let all = x;
    for (let layer = 0; layer < 3; layer += 1) {
      const added = ops.gelu(conv(ops, weights, all, `dense_layers.${layer}.conv`, growth), 'erf');
      all = ops.concat([all, added], 1);
    }
    return ops.add(conv(ops, weights, all, 'conv1x1', channels, { kernel: 1 }), x);
  }
}
