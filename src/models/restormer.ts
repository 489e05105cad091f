import { z } from 'zod';
import { conv } from './layers.js';
import type { Network } from './network.js';
import { within } from './ops.js';
import type { Ops, Weights } from './ops.js';

const four = <S extends z.ZodType>(item: S) => z.tuple([item, item, item, item]);
const count = z.int().min(1).max(256);

/** Options of {@link restormer}, after the constructor's arguments of the official class. */
const restormerConfig = z.strictObject({
  /** Channels at full resolution; level `i` has `channels · 2^i`. */
  channels: z.int().min(2).max(1024).multipleOf(2).default(48),
  /** Transformer blocks per level, full resolution first; the last is the bottom of the U. */
  blocks: four(count).default([4, 6, 6, 8]),
  /** Blocks after the decoder, at full resolution. */
  refinementBlocks: count.default(4),
  /** Attention heads per level. */
  heads: four(count).default([1, 2, 4, 8]),
  /** Hidden channels of the feed-forward networks, as a multiple of their input. */
  expansion: z.number().min(0.5).max(16).default(2.66),
  /** Whether convolutions have a bias, except where the resolution changes. */
  bias: z.boolean().default(false),
  /** `bias-free` normalisations (denoising models) leave the mean in, and have no bias. */
  normalisation: z.enum(['with-bias', 'bias-free']).default('with-bias'),
});

/** Options of {@link restormer}. */
export type RestormerConfig = z.input<typeof restormerConfig>;
type Config = z.output<typeof restormerConfig>;

const epsilon = 1e-5;

/**
 * Restormer (Zamir et al., "Restormer: Efficient Transformer for High-Resolution Image Restoration", CVPR 2022): a
 * U-Net of transformer blocks whose attention is between channels. Defaults are those of motion deblurring. Parameters
 * carry the official PyTorch `state_dict` keys.
 */
export function restormer(options: RestormerConfig = {}): Network {
  const config = restormerConfig.parse(options);
  const { channels, heads } = config;
  if (heads.some((count, level) => (channels * 2 ** level) % count !== 0))
    throw new TypeError('Restormer needs channels that divide into the heads of every level');
  return {
    name: 'restormer',
    options: config,
    sizes: { multiple: 8, padding: 'reflect', placement: 'bottom-right' },
    window: { past: 0, future: 0 },
    reach: 'global',
    overlap: 64,
    initial: (name) => (name.endsWith('.temperature') ? 1 : undefined),
    forward(ops, weights, [image]) {
      if (image === undefined) throw new TypeError('Restormer needs a frame');
      return [ops.add(new Restormer(ops, weights, config).run(image), image)];
    },
  };
}

/** Full, half, quarter and eighth resolution. */
type Level = 0 | 1 | 2 | 3;

class Restormer<T> {
  constructor(
    readonly ops: Ops<T>,
    readonly weights: Weights<T>,
    readonly config: Config,
  ) {}

  /** What is added to the picture. */
  run(image: T): T {
    const { ops } = this;
    const { channels, blocks, refinementBlocks } = this.config;
    const skip1 = this.#blocks(this.#conv(image, 'patch_embed.proj', channels, 3), 'encoder_level1', blocks[0], 0);
    const skip2 = this.#blocks(this.#down(skip1, 'down1_2'), 'encoder_level2', blocks[1], 1);
    const skip3 = this.#blocks(this.#down(skip2, 'down2_3'), 'encoder_level3', blocks[2], 2);
    const bottom = this.#blocks(this.#down(skip3, 'down3_4'), 'latent', blocks[3], 3);

    let x = ops.concat([this.#up(bottom, 'up4_3'), skip3], 1);
    x = this.#blocks(this.#conv(x, 'reduce_chan_level3', 4 * channels, 1), 'decoder_level3', blocks[2], 2);
    x = ops.concat([this.#up(x, 'up3_2'), skip2], 1);
    x = this.#blocks(this.#conv(x, 'reduce_chan_level2', 2 * channels, 1), 'decoder_level2', blocks[1], 1);
    x = ops.concat([this.#up(x, 'up2_1'), skip1], 1);
    x = this.#blocks(x, 'decoder_level1', blocks[0], 0);
    x = this.#blocks(x, 'refinement', refinementBlocks, 0);
    return this.#conv(x, 'output', 3, 3);
  }

  #conv(x: T, name: string, outputs: number, kernel: 1 | 3): T {
    return conv(this.ops, this.weights, x, name, outputs, { kernel, bias: this.config.bias });
  }

  /** Half the size, twice the channels. */
  #down(x: T, name: string): T {
    const [, channels = 0] = this.ops.shape(x);
    return this.ops.pixelUnshuffle(conv(this.ops, this.weights, x, `${name}.body.0`, channels / 2, { bias: false }), 2);
  }

  /** Twice the size, half the channels. */
  #up(x: T, name: string): T {
    const [, channels = 0] = this.ops.shape(x);
    return this.ops.pixelShuffle(conv(this.ops, this.weights, x, `${name}.body.0`, 2 * channels, { bias: false }), 2);
  }

  #blocks(x: T, name: string, count: number, level: Level): T {
    const { ops, config } = this;
    for (let i = 0; i < count; i += 1) {
      const weights = within(this.weights, `${name}.${i}.`);
      x = ops.add(x, attention(ops, weights, normalise(ops, weights, x, 'norm1', config), config.heads[level], config));
      x = ops.add(x, feedForward(ops, weights, normalise(ops, weights, x, 'norm2', config), config));
    }
    return x;
  }
}

function normalise<T>(ops: Ops<T>, weights: Weights<T>, x: T, name: string, { normalisation }: Config): T {
  const [, channels = 0] = ops.shape(x);
  const scale = weights.get(`${name}.body.weight`, [channels]);
  if (normalisation === 'bias-free') return ops.layerNorm(x, { scale, epsilon, centred: false });
  return ops.layerNorm(x, { scale, bias: weights.get(`${name}.body.bias`, [channels]), epsilon });
}

/**
 * Attention between the channels of each head (`MDTA`). Queries and keys are normalised over the pixels; here the
 * small matrix of their products is, which is the same.
 */
function attention<T>(ops: Ops<T>, weights: Weights<T>, x: T, heads: number, { bias }: Config): T {
  const shape = ops.shape(x);
  const [n = 1, channels = 0, height = 0, width = 0] = shape;
  const projected = conv(ops, weights, x, 'attn.qkv', 3 * channels, { kernel: 1, bias });
  const qkv = conv(ops, weights, projected, 'attn.qkv_dwconv', 3 * channels, { depthwise: true, bias });
  const [q, k, v] = ([0, 1, 2] as const).map((part) =>
    ops.reshape(ops.slice(qkv, { axis: 1, start: part * channels, end: (part + 1) * channels }), [
      n,
      heads,
      channels / heads,
      height * width,
    ]),
  ) as [T, T, T];
  const swapped = (y: T) => ops.transpose(y, [0, 1, 3, 2]);
  const norms = ops.mul(ops.inverseNorm(q, 1e-12), swapped(ops.inverseNorm(k, 1e-12)));
  const similarity = ops.mul(ops.matmul(q, swapped(k)), norms);
  const scores = ops.softmax(ops.mul(similarity, weights.get('attn.temperature', [heads, 1, 1])));
  const result = ops.reshape(ops.matmul(scores, v), shape);
  return conv(ops, weights, result, 'attn.project_out', channels, { kernel: 1, bias });
}

/** Gated feed-forward network (`GDFN`). */
function feedForward<T>(ops: Ops<T>, weights: Weights<T>, x: T, { expansion, bias }: Config): T {
  const [, channels = 0] = ops.shape(x);
  const hidden = Math.trunc(channels * expansion);
  const projected = conv(ops, weights, x, 'ffn.project_in', 2 * hidden, { kernel: 1, bias });
  const local = conv(ops, weights, projected, 'ffn.dwconv', 2 * hidden, { depthwise: true, bias });
  const gate = ops.gelu(ops.slice(local, { axis: 1, end: hidden }), 'erf');
  const gated = ops.mul(gate, ops.slice(local, { axis: 1, start: hidden }));
  return conv(ops, weights, gated, 'ffn.project_out', channels, { kernel: 1, bias });
}
