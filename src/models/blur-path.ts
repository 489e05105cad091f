import {
  detailAlong,
  leastLength,
  longestPath,
  measurePlaces,
  pathTile,
  type BlurPath,
  type Vectors,
} from './along-path.js';
import { column } from './arithmetic.js';
import { cellMeans, reduced } from './cell-means.js';
import { analysisOfLuma, cell } from './frame-bands.js';
import { conv } from './layers.js';
import { within, type Ops, type Weights } from './ops.js';
import { motionTile, tileMotion, type TileMotion } from './tile-motion.js';

/** Cells that are looked at to each side of a tile: all of a picture of half the size, or every second one. */
const measuredCells = motionTile / cell / 2;
/** Filters that measure a frame's detail along a path. */
const measures = 8;
const slope = 0.1;
/** Keeps the logarithm of a place without any detail finite. */
const leastEnergy = 1e-3;
/** The same along a path, where noise is. */
const leastDetail = 1e-5;
/** Pixels per unit of the last layer, which then works near 1. */
const lengthScale = 4;

/**
 * Estimates the blur's path, in two steps. How things move from frame to frame, and the energies of filters over the
 * frame at two sizes, tell the way that they would go in a whole frame interval. Then the frame is looked at along it:
 * what details are left there, compared with one another and with those across it, tells during which part of the
 * interval the shutter was open, which is the same everywhere. The sign of a path can't be told and does not matter.
 *
 * Parameters: `fine`, `coarse`, `all`, `N` (0 to 2), `last`, `shutter.{along,0,1,all,last}`.
 *
 * @param lumas `[N, 1, H, W]` each; both sides are multiples of 8.
 * @param width channels of the estimate.
 * @param middle which of the frames it is.
 */
export function estimatePath<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  lumas: readonly T[],
  { width, middle }: { readonly width: number; readonly middle: number },
): BlurPath<T> {
  const frame = lumas[middle];
  if (frame === undefined) throw new TypeError('there is no frame to estimate the blur of');
  // Every second cell both ways: a tile's mean of a quarter of its cells tells as much.
  const fine = energies(ops, weights, frame, { name: 'fine', width, every: 2 });
  const coarse = energies(ops, weights, reduced(ops, frame, 2), { name: 'coarse', width, every: 1 });
  const [n = 0, , rows = 0, columns = 0] = ops.shape(fine);
  const others = [middle - 1, middle + 1].flatMap((i) => lumas.slice(Math.max(i, 0), i + 1));
  const motions = others.length > 0 ? tileMotion(ops, frame, others) : [];
  const told =
    motions.length > 0 ? [ops.transpose(motionFeatures(ops, motions, [n, rows, columns]), [0, 3, 1, 2])] : [];
  let x = ops.leakyRelu(conv(ops, weights, ops.concat([fine, coarse, ...told], 1), '0', width), slope);
  // A shaken camera moves the whole frame: what all tiles say counts beside what each one does.
  x = ops.add(x, conv(ops, weights, ops.globalMean(x), 'all', width, { kernel: 1 }));
  for (const name of ['1', '2']) x = ops.add(x, ops.leakyRelu(conv(ops, weights, x, name, width), slope));
  const doubled = cellMeans(
    ops,
    conv(ops, weights, x, 'last', 2, { kernel: 1 }),
    pathTile / motionTile,
    'smaller-cell',
  );
  const [, , height = 0, across = 0] = ops.shape(doubled);
  const path = { ...halved(ops, doubled), rows: height, columns: across };
  const open = shutter(ops, within(weights, 'shutter.'), frame, { path, width });
  const opened = (component: T) =>
    ops.reshape(ops.mul(ops.reshape(component, [n, height * across]), open), [n * height * across, 1]);
  return { ...path, ...limited(ops, ops.concat([opened(path.x), opened(path.y)], 1)) };
}

/** Pixels that count as one in what a network is told of a motion. */
const motionScale = 6;

/** What is told of the motions to a tile's neighbours in time, `[N, rows, columns, features]`. */
function motionFeatures<T>(ops: Ops<T>, motions: readonly TileMotion<T>[], grid: readonly [number, number, number]): T {
  const vectors = motions.map(({ vectors }) => ops.scale(vectors, 1 / motionScale));
  const [before, after] = motions;
  if (before !== undefined && after !== undefined) {
    const part = 0.5 / motionScale;
    vectors.push(ops.scale(ops.sub(after.vectors, before.vectors), part));
    vectors.push(ops.scale(ops.add(after.vectors, before.vectors), part));
  }
  const features = [...vectors.map((each) => doubledAngle(ops, each)), ...motions.map(({ firmness }) => firmness)];
  const all = ops.concat(features, 1);
  return ops.reshape(all, [...grid, ops.shape(all)[1] ?? 0]);
}

/** A vector's length, the components of one of this length and twice the angle, and the length's square: `[B, 2]` to `[B, 4]`. */
function doubledAngle<T>(ops: Ops<T>, vectors: T): T {
  const [x, y] = [column(ops, vectors, 0), column(ops, vectors, 1)];
  const [xx, yy] = [ops.mul(x, x), ops.mul(y, y)];
  const square = ops.add(xx, yy);
  const inverse = ops.inverseNorm(vectors, leastLength);
  const cos = ops.mul(ops.sub(xx, yy), inverse);
  const sin = ops.mul(ops.mul(x, y), ops.scale(inverse, 2));
  return ops.concat([ops.mul(square, inverse), cos, sin, square], 1);
}

/** How much shorter or longer than estimated all paths of a picture are, `[N, 1]` from 0 to 2. */
function shutter<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  frame: T,
  { path, width }: { readonly path: BlurPath<T>; readonly width: number },
): T {
  const [n = 0] = ops.shape(frame);
  const tiles = path.rows * path.columns;
  const count = n * tiles;
  const taps = withoutMean(ops, weights.get('along', [measures, measurePlaces]));
  // What a soft lens takes is missing across the path as well: only motion takes more along it.
  const across = { ...path, x: ops.scale(path.y, -1), y: path.x };
  const details = detailAlong(ops, frame, [path, across], taps);
  const energy = ops.reshape(ops.globalMean(ops.mul(details, details)), [count, 2 * measures]);
  const logs = ops.scale(ops.log(ops.addScalar(energy, leastDetail)), 0.5);
  const length = lengthOf(ops, path);
  const linear = (x: T, name: string, outputs: number) =>
    ops.linear(x, weights.get(`${name}.weight`, [outputs, ops.shape(x)[1] ?? 0]), {
      bias: weights.get(`${name}.bias`, [outputs]),
      axis: 1,
    });
  const told = ops.concat([withoutMean(ops, logs), ops.scale(length, 1 / lengthScale)], 1);
  let x = ops.leakyRelu(linear(told, '0', width), slope);
  x = ops.leakyRelu(linear(x, '1', width), slope);
  // Tiles with details tell more than an empty sky.
  const shares = ops.softmax(ops.reshape(rowMeans(ops, logs), [n, 1, tiles]));
  const even = ops.constant([n, 1, tiles], new Float32Array(n * tiles).fill(1 / tiles));
  const each = ops.reshape(x, [n, tiles, width]);
  const means = [shares, even].map((share) => ops.reshape(ops.matmul(share, each), [n, width]));
  const all = ops.leakyRelu(linear(ops.concat(means, 1), 'all', width), slope);
  return ops.scale(ops.sigmoid(linear(all, 'last', 1)), 2);
}

/** Means of rows: `[A, B]` to `[A, 1]`. */
function rowMeans<T>(ops: Ops<T>, x: T): T {
  const [, size = 0] = ops.shape(x);
  return ops.linear(x, ops.constant([1, size], new Float32Array(size).fill(1 / size)));
}

/** Rows less their means. */
function withoutMean<T>(ops: Ops<T>, x: T): T {
  const [, size = 0] = ops.shape(x);
  const centring = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0) - 1 / size);
  return ops.linear(x, ops.constant([size, size], centring), { axis: 1 });
}

interface Energies {
  readonly name: string;
  readonly width: number;
  /** Which cells are looked at, in both directions. */
  readonly every: number;
}

/** Logarithms of the filters' energies in each tile. */
function energies<T>(ops: Ops<T>, weights: Weights<T>, luma: T, { name, width, every }: Energies): T {
  const filtered = conv(ops, weights, analysisOfLuma(ops, luma), name, width, { bias: false, stride: every });
  const energy = cellMeans(ops, ops.mul(filtered, filtered), measuredCells, 'smaller-cell');
  return ops.scale(ops.log(ops.addScalar(energy, leastEnergy)), 0.5);
}

/**
 * Vectors whose direction is told by twice its angle, as a path's two directions are one: `[N, 2, h, w]` to both
 * components, `[N·h·w, 1]`.
 */
function halved<T>(ops: Ops<T>, doubled: T): Vectors<T> {
  const [n = 0, , height = 0, width = 0] = ops.shape(doubled);
  const vectors = ops.reshape(ops.transpose(doubled, [0, 2, 3, 1]), [n * height * width, 2]);
  const [cos, sin] = [column(ops, vectors, 0), column(ops, vectors, 1)];
  const length = lengthOf(ops, { x: cos, y: sin });
  // cos 2θ + 1 : sin 2θ is as cos θ : sin θ.
  const direction = ops.concat([ops.addScalar(ops.add(length, cos), leastLength), sin], 1);
  const unit = ops.mul(direction, ops.inverseNorm(direction, leastLength));
  return limited(ops, ops.mul(unit, ops.scale(length, lengthScale)));
}

/** Lengths of vectors, whose components are `[B, 1]` each. */
function lengthOf<T>(ops: Ops<T>, { x, y }: Vectors<T>): T {
  const square = ops.add(ops.mul(x, x), ops.mul(y, y));
  return ops.mul(square, ops.inverseNorm(ops.concat([x, y], 1), leastLength));
}

/** The components of vectors, `[B, 2]` to `[B, 1]` each; none is longer than what a kernel reaches. */
function limited<T>(ops: Ops<T>, vectors: T): Vectors<T> {
  const shorter = ops.mul(vectors, ops.scale(ops.inverseNorm(vectors, longestPath), longestPath));
  return { x: column(ops, shorter, 0), y: column(ops, shorter, 1) };
}
