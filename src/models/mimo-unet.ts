import { z } from 'zod';
import { conv, upConv } from './layers.js';
import type { Network } from './network.js';
import { within } from './ops.js';
import type { Ops, Weights } from './ops.js';

/** Options of {@link mimoUnet}. */
const mimoUnetConfig = z.strictObject({
  /** Channels at full resolution; they double at ½ and at ¼. */
  baseChannels: z.int().min(4).max(256).multipleOf(2).default(32),
  /** Residual blocks in each encoder and decoder: 8 for MIMO-UNet, 20 for MIMO-UNet+. */
  residualBlocks: z.int().min(1).max(64).default(8),
  /** Part of the fused channels that training drops: 0 for MIMO-UNet, 0.1 for MIMO-UNet+. */
  dropout: z.number().min(0).lt(1).default(0),
});

/** Options of {@link mimoUnet}. */
export type MimoUnetConfig = z.input<typeof mimoUnetConfig>;

/**
 * MIMO-UNet (Cho et al., "Rethinking Coarse-to-Fine Approach in Single Image Deblurring", ICCV 2021): one U-Net that
 * takes the picture at three scales and restores it at all of them. Its outputs are the picture in full, half and
 * quarter size. It is the generator of Blur2Blur too. Parameters carry the official PyTorch `state_dict` keys.
 */
export function mimoUnet(options: MimoUnetConfig = {}): Network {
  const config = mimoUnetConfig.parse(options);
  const { baseChannels, residualBlocks, dropout } = config;
  return {
    name: 'mimo-unet',
    options: config,
    sizes: { multiple: 4, padding: 'reflect', placement: 'bottom-right' },
    window: { past: 0, future: 0 },
    reach: 'global',
    overlap: 128,
    forward(ops, weights, [image]) {
      if (image === undefined) throw new TypeError('MIMO-UNet needs a frame');
      return new MimoUnet(ops, weights, baseChannels, residualBlocks, dropout).run(image);
    },
  };
}

class MimoUnet<T> {
  constructor(
    readonly ops: Ops<T>,
    readonly weights: Weights<T>,
    readonly base: number,
    readonly blocks: number,
    readonly dropout: number,
  ) {}

  run(image: T): T[] {
    const { ops, base } = this;
    const half = this.#halve(image);
    const quarter = this.#halve(half);

    const full1 = this.#residuals(this.#conv(image, 'feat_extract.0', base), 'Encoder.0');
    const down1 = this.#conv(full1, 'feat_extract.1', 2 * base, { stride: 2 });
    const half1 = this.#residuals(this.#attend(down1, this.#shallow(half, 'SCM2', 2 * base), 'FAM2'), 'Encoder.1');
    const down2 = this.#conv(half1, 'feat_extract.2', 4 * base, { stride: 2 });
    const deep = this.#residuals(this.#attend(down2, this.#shallow(quarter, 'SCM1', 4 * base), 'FAM1'), 'Encoder.2');

    const halfSkip = this.#fuse([this.#halve(full1), half1, ops.resizeNearest(deep, 2)], 'AFFs.1', 2 * base);
    const fullSkip = this.#fuse([full1, ops.resizeNearest(half1, 2), ops.resizeNearest(deep, 4)], 'AFFs.0', base);

    const quarter2 = this.#residuals(deep, 'Decoder.0');
    const up1 = this.#decode(quarter2, halfSkip, 0, 2 * base);
    const up2 = this.#decode(up1, fullSkip, 1, base);
    return [
      ops.add(this.#plain(up2, 'feat_extract.5', 3), image),
      ops.add(this.#plain(up1, 'ConvsOut.1', 3), half),
      ops.add(this.#plain(quarter2, 'ConvsOut.0', 3), quarter),
    ];
  }

  /** Every second pixel, beginning with the first. */
  #halve(x: T): T {
    return this.ops.slice(this.ops.slice(x, { axis: 2, step: 2 }), { axis: 3, step: 2 });
  }

  /** A convolution without activation (`BasicConv`). */
  #plain(x: T, name: string, outputs: number, options: { kernel?: number; stride?: number } = {}): T {
    return conv(this.ops, this.weights, x, `${name}.main.0`, outputs, options);
  }

  /** A convolution with activation (`BasicConv`). */
  #conv(x: T, name: string, outputs: number, options: { kernel?: number; stride?: number } = {}): T {
    return this.ops.relu(this.#plain(x, name, outputs, options));
  }

  /** Residual blocks (`EBlock`, `DBlock`). */
  #residuals(x: T, name: string): T {
    const [, channels = 0] = this.ops.shape(x);
    for (let i = 0; i < this.blocks; i += 1) {
      const block = `${name}.layers.${i}.main`;
      const y = this.#plain(this.#conv(x, `${block}.0`, channels), `${block}.1`, channels);
      x = this.ops.add(y, x);
    }
    return x;
  }

  /** Features of a reduced picture (`SCM`, shallow convolutional module). */
  #shallow(image: T, name: string, channels: number): T {
    let x = this.#conv(image, `${name}.main.0`, channels / 4);
    x = this.#conv(x, `${name}.main.1`, channels / 2, { kernel: 1 });
    x = this.#conv(x, `${name}.main.2`, channels / 2);
    x = this.#conv(x, `${name}.main.3`, channels - 3, { kernel: 1 });
    return this.#plain(this.ops.concat([image, x], 1), `${name}.conv`, channels, { kernel: 1 });
  }

  /** Steers features with those of the reduced picture (`FAM`, feature attention module). */
  #attend(x: T, shallow: T, name: string): T {
    const [, channels = 0] = this.ops.shape(x);
    return this.ops.add(x, this.#plain(this.ops.mul(x, shallow), `${name}.merge`, channels));
  }

  /** Brings the encoders' features of all scales together (`AFF`, asymmetric feature fusion). */
  #fuse(scales: readonly T[], name: string, channels: number): T {
    const mixed = this.#conv(this.ops.concat(scales, 1), `${name}.conv.0`, channels, { kernel: 1 });
    return this.ops.dropout2d(this.#plain(mixed, `${name}.conv.1`, channels), this.dropout);
  }

  /** One decoder at twice the size: `Convs.level` on the enlarged features and the skip, then residual blocks. */
  #decode(x: T, skip: T, level: number, channels: number): T {
    const scope = within(this.weights, `feat_extract.${3 + level}.main.`);
    const up = this.ops.relu(upConv(this.ops, scope, x, '0', channels, { kernel: 4, padding: 1 }));
    const merged = this.#conv(this.ops.concat([up, skip], 1), `Convs.${level}`, channels, { kernel: 1 });
    return this.#residuals(merged, `Decoder.${level + 1}`);
  }
}
