import { z } from 'zod';
import { conv } from './layers.js';
import type { Network } from './network.js';
import { within } from './ops.js';
import type { Ops, Weights } from './ops.js';

const count = z.int().min(0).max(256);

/** Options of {@link nafnet}, with the names of the official configuration files. */
const nafnetConfig = z.strictObject({
  /** Channels at full resolution; level `i` has `width · 2^i`. */
  width: z.int().min(1).max(1024),
  /** Blocks at the lowest resolution. */
  middleBlocks: count.default(1),
  /** Blocks per encoder level, full resolution first. */
  encoderBlocks: z.array(count).min(1).max(8).default([1, 1, 1, 28]),
  /** Blocks per decoder level, lowest resolution first. */
  decoderBlocks: z.array(count).min(1).max(8).default([1, 1, 1, 1]),
  /**
   * Height and width of the training crops, for the test-time local converter (TLC; Chu et al., ECCV 2022):
   * channel attention then averages over windows of 1.5 times that size where the picture is larger.
   * Default: plain global average.
   */
  trainSize: z.tuple([z.int().positive(), z.int().positive()]).optional(),
});

/** Options of {@link nafnet}. */
export type NafnetConfig = z.input<typeof nafnetConfig>;

const epsilon = 1e-6;

/**
 * NAFNet (Chen et al., "Simple Baselines for Image Restoration", ECCV 2022): a U-Net of blocks without
 * activation functions. Parameters carry the official PyTorch `state_dict` keys.
 */
export function nafnet(options: NafnetConfig): Network {
  const config = nafnetConfig.parse(options);
  const { width, encoderBlocks, decoderBlocks, middleBlocks, trainSize } = config;
  if (encoderBlocks.length !== decoderBlocks.length)
    throw new TypeError('NAFNet needs as many decoder levels as encoder levels');
  const levels = encoderBlocks.length;
  const window = (level: number) =>
    trainSize?.map((size) => attentionWindow(size, level)) as [number, number] | undefined;
  return {
    name: 'nafnet',
    options: config,
    sizes: { multiple: 2 ** levels, padding: 'zero', placement: 'bottom-right' },
    window: { past: 0, future: 0 },
    reach: 'global',
    overlap: 32,
    initial: (name) => (/\.(beta|gamma)$/.test(name) ? 0 : undefined),
    forward(ops, weights, [image]) {
      if (image === undefined) throw new TypeError('NAFNet needs a frame');
      const blocks = <T>(ops: Ops<T>, weights: Weights<T>, x: T, name: string, count: number, level: number) => {
        for (let i = 0; i < count; i += 1) x = block(ops, within(weights, `${name}.${i}.`), x, window(level));
        return x;
      };
      let x = conv(ops, weights, image, 'intro', width);
      const skips = encoderBlocks.map((count, level) => {
        const skip = blocks(ops, weights, x, `encoders.${level}`, count, level);
        x = conv(ops, weights, skip, `downs.${level}`, width * 2 ** (level + 1), { kernel: 2, stride: 2, padding: 0 });
        return skip;
      });
      x = blocks(ops, weights, x, 'middle_blks', middleBlocks, levels);
      for (const [i, count] of decoderBlocks.entries()) {
        const level = levels - 1 - i;
        const up = conv(ops, weights, x, `ups.${i}.0`, width * 2 ** (level + 2), { kernel: 1, bias: false });
        const skip = skips[level];
        if (skip === undefined) throw new TypeError('NAFNet has a decoder level without an encoder level');
        x = blocks(ops, weights, ops.add(ops.pixelShuffle(up, 2), skip), `decoders.${i}`, count, level);
      }
      return [ops.add(conv(ops, weights, x, 'ending', 3), image)];
    },
  };
}

/** The TLC window at a level: 1.5 training crops, scaled as the feature map of a training crop is. */
function attentionWindow(trainSize: number, level: number): number {
  const base = Math.trunc(1.5 * trainSize);
  return Math.floor((Math.floor(trainSize / 2 ** level) * base) / trainSize);
}

function block<T>(ops: Ops<T>, weights: Weights<T>, input: T, window: readonly [number, number] | undefined): T {
  const [, c = 0] = ops.shape(input);
  const pointwise = (x: T, name: string, outputs: number) => conv(ops, weights, x, name, outputs, { kernel: 1 });
  const norm = (x: T, name: string) =>
    ops.layerNorm(x, { scale: weights.get(`${name}.weight`, [c]), bias: weights.get(`${name}.bias`, [c]), epsilon });

  let x = pointwise(norm(input, 'norm1'), 'conv1', 2 * c);
  x = simpleGate(ops, conv(ops, weights, x, 'conv2', 2 * c, { depthwise: true }));
  x = channelAttention(ops, x, window, (mean) => pointwise(mean, 'sca.1', c));
  const y = ops.add(input, ops.mul(pointwise(x, 'conv3', c), weights.get('beta', [1, c, 1, 1])));

  x = simpleGate(ops, pointwise(norm(y, 'norm2'), 'conv4', 2 * c));
  return ops.add(y, ops.mul(pointwise(x, 'conv5', c), weights.get('gamma', [1, c, 1, 1])));
}

/** The first half of the channels times the second. */
function simpleGate<T>(ops: Ops<T>, x: T): T {
  const half = (ops.shape(x)[1] ?? 0) / 2;
  return ops.mul(ops.slice(x, { axis: 1, end: half }), ops.slice(x, { axis: 1, start: half }));
}

/**
 * Multiplies `x` by a projection of its mean: over the whole picture, or with TLC over a window around each
 * pixel, whose border values are repeated outwards. The projection is per position, so it comes before the repetition.
 */
function channelAttention<T>(
  ops: Ops<T>,
  x: T,
  window: readonly [number, number] | undefined,
  project: (mean: T) => T,
): T {
  const [, , height = 0, width = 0] = ops.shape(x);
  if (!window || (window[0] >= height && window[1] >= width)) return ops.mul(x, project(ops.globalMean(x)));
  const size = [Math.min(height, window[0]), Math.min(width, window[1])] as const;
  const [extraRows, extraColumns] = [size[0] - 1, size[1] - 1];
  const attention = ops.pad(
    project(ops.boxMean(x, size)),
    {
      top: Math.floor(extraRows / 2),
      left: Math.floor(extraColumns / 2),
      bottom: Math.ceil(extraRows / 2),
      right: Math.ceil(extraColumns / 2),
    },
    'replicate',
  );
  return ops.mul(x, attention);
}
