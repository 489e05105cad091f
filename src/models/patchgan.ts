import { z } from 'zod';
import { conv } from './layers.js';
import type { Ops, Weights } from './ops.js';

/** Options of {@link patchGan}. */
const patchGanConfig = z.strictObject({
  /** Channels after the first convolution; they double with each further layer, up to eight times as many. */
  features: z.int().min(1).max(512).default(64),
  /** Convolutions that halve the size. */
  layers: z.int().min(1).max(6).default(3),
});

/** Options of {@link patchGan}. */
export type PatchGanConfig = z.input<typeof patchGanConfig>;

const slope = 0.2;
const epsilon = 1e-5;

/**
 * The PatchGAN discriminator (Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
 * CVPR 2017) with instance normalisation, as Blur2Blur trains with it: one score per patch, of 70 pixels with three
 * layers. Parameters carry the official PyTorch `state_dict` keys.
 *
 * @param image RGB `[N, 3, H, W]` in [0, 1]; with three layers each side has at least 32 pixels.
 * @returns the scores `[N, 1, h, w]`, larger for what looks real; with three layers h = ⌊H/8⌋ - 2.
 */
export function patchGan<T>(ops: Ops<T>, weights: Weights<T>, image: T, options: PatchGanConfig = {}): T {
  const { features, layers } = patchGanConfig.parse(options);
  const layer = (x: T, index: number, outputs: number, stride: number) =>
    conv(ops, weights, x, `model.${index}`, outputs, { kernel: 4, padding: 1, stride });
  let x = ops.leakyRelu(layer(image, 0, features, 2), slope);
  for (let i = 1; i <= layers; i += 1) {
    // A convolution, its normalisation and its activation: three modules of the official list.
    const result = layer(x, 3 * i - 1, features * Math.min(2 ** i, 8), i < layers ? 2 : 1);
    x = ops.leakyRelu(ops.instanceNorm(result, epsilon), slope);
  }
  return layer(x, 3 * layers + 2, 1, 1);
}
