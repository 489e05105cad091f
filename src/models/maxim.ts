import { z } from 'zod';
import { Scope, bottleneck, crossGating, supervisedAttention, unetBlock } from './maxim-blocks.js';
import type { Network } from './network.js';
import type { Ops, Weights } from './ops.js';

/** Options of {@link maxim}. */
const maximConfig = z.strictObject({
  /** Channels at full resolution; they double at ½ and at ¼. */
  features: z.int().min(4).max(256).multipleOf(4).default(32),
  /** Stages one after the other, each a U-Net with its own weights: 3 for the published deblurring network (S-3). */
  stages: z.int().min(1).max(3).default(3),
});

/** Options of {@link maxim}. */
export type MaximConfig = z.input<typeof maximConfig>;

/** Full, half and quarter resolution. */
const scales = [0, 1, 2] as const;

/** Tokens along one side of a block or grid: at the scales, and at the bottleneck. */
const side = { 0: 16, 1: 16, 2: 8, bottleneck: 8 } as const;

/**
 * MAXIM (Tu et al., "MAXIM: Multi-Axis MLP for Image Processing", CVPR 2022), variant with three scales.
 * Parameters carry the paths of the official Flax tree, and PyTorch's layouts: `[O, I, kh, kw]` for
 * convolutions, `[I, O, kh, kw]` for transposed ones, `[O, I]` for dense layers.
 */
export function maxim(options: MaximConfig = {}): Network {
  const config = maximConfig.parse(options);
  const { features, stages } = config;
  return {
    name: 'maxim',
    options: config,
    sizes: { multiple: 64, padding: 'reflect', placement: 'centre' },
    window: { past: 0, future: 0 },
    reach: 'global',
    overlap: 64,
    forward(ops, weights, [image]) {
      if (image === undefined) throw new TypeError('MAXIM needs a frame');
      return [new Backbone(ops, weights, features).run(image, stages)];
    },
  };
}

/** What a stage leaves for the next one, per scale. */
interface Stage<T> {
  readonly encoded: readonly T[];
  readonly decoded: readonly T[];
  readonly supervised: readonly T[];
}

class Backbone<T> {
  readonly #scope: Scope<T>;
  readonly #features: number;
  /** `UpSampleRatio` modules are numbered in the order of their use. */
  #resized = 0;

  constructor(
    readonly ops: Ops<T>,
    weights: Weights<T>,
    features: number,
  ) {
    this.#scope = new Scope(ops, weights);
    this.#features = features;
  }

  run(image: T, stages: number): T {
    const pyramid = [image, this.#nearest(image, 2), this.#nearest(image, 4)];
    let previous: Stage<T> | undefined;
    let restored = image;
    for (let t = 0; t < stages; t += 1) {
      const { decoded, encoded } = this.#unet(`stage_${t}`, pyramid, previous);
      if (t < stages - 1) {
        const supervised = scales.map((i) =>
          supervisedAttention(
            this.#scope.in(`stage_${t}_supervised_attention_module_${i}`),
            at(decoded, i),
            at(pyramid, i),
          ),
        );
        previous = { decoded, encoded, supervised };
      } else {
        restored = this.ops.add(this.#scope.conv(at(decoded, 0), `stage_${t}_output_conv_0`, 3, 3), image);
      }
    }
    return restored;
  }

  /** One stage: encoder, bottleneck, cross-gated skips, decoder. */
  #unet(stage: string, pyramid: readonly T[], previous: Stage<T> | undefined) {
    const { ops } = this;
    const scope = (name: string) => this.#scope.in(`${stage}_${name}`);

    const inputs = scales.map((i) => {
      const shallow = this.#scope.conv(at(pyramid, i), `${stage}_input_conv_${i}`, this.#width(i), 3);
      if (!previous) return shallow;
      return crossGating(scope(`input_fuse_sam_${i}`), shallow, at(previous.supervised, i), this.#width(i), side[i])[0];
    });

    let x = at(inputs, 0);
    const encoded = scales.map((i) => {
      const block = scope(`encoder_block_${i}`);
      const before = previous && { encoded: at(previous.encoded, i), decoded: at(previous.decoded, i) };
      const features = unetBlock(block, x, at(inputs, i), this.#width(i), side[i], before);
      x = block.conv(features, 'Conv_1', this.#width(i), 4);
      return features;
    });

    for (const g of [0, 1]) x = bottleneck(scope(`global_block_${g}`), x, side.bottleneck);

    let global = x;
    const skips: T[] = [];
    for (const i of [2, 1, 0] as const) {
      const signal = ops.concat(
        scales.map((j) => this.#resize(at(encoded, j), 2 ** (j - i), this.#width(i))),
        1,
      );
      const block = scope(`cross_gating_block_${i}`);
      const upsampled = block.upsample(global, 'ConvTranspose_0', this.#width(i));
      [skips[i], global] = crossGating(block, signal, upsampled, this.#width(i), side[i]);
    }

    const decoded: T[] = [];
    for (const i of [2, 1, 0] as const) {
      const signal = ops.concat(
        ([2, 1, 0] as const).map((m) => this.#resize(at(skips, m), 2 ** (m - i), this.#width(i))),
        1,
      );
      const block = scope(`decoder_block_${i}`);
      const upsampled = block.upsample(x, 'ConvTranspose_0', this.#width(i));
      x = unetBlock(block.in('UNetEncoderBlock_0'), upsampled, signal, this.#width(i), side[i]);
      decoded[i] = x;
    }
    return { encoded, decoded };
  }

  #width(scale: number): number {
    return this.#features * 2 ** scale;
  }

  /** Nearest-neighbour reduction with half-pixel centres: the sample right below and right of the centre. */
  #nearest(x: T, ratio: number): T {
    const rows = this.ops.slice(x, { axis: 2, start: ratio / 2, step: ratio });
    return this.ops.slice(rows, { axis: 3, start: ratio / 2, step: ratio });
  }

  /** `UpSampleRatio`. The convolution commutes with the resize; it runs on the smaller side of it. */
  #resize(x: T, ratio: number, channels: number): T {
    const scope = this.#scope.in(`UpSampleRatio_${this.#resized}`);
    this.#resized += 1;
    if (ratio === 1) return scope.conv(x, 'Conv_0', channels, 1);
    if (ratio > 1) return this.ops.resizeBilinear(scope.conv(x, 'Conv_0', channels, 1), ratio);
    return scope.conv(this.ops.resizeBilinear(x, ratio), 'Conv_0', channels, 1);
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no scale ${index}`);
  return item;
}
