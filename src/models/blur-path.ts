import { longestPath, pathTile, places, tilesAlong, type BlurPath } from './along-path.js';
import { minus, times } from './arithmetic.js';
import { analysisOfLuma, cell } from './frame-bands.js';
import { conv } from './layers.js';
import { within, type Ops, type Weights } from './ops.js';
import { poolMatrix, type RowFilter } from './row-filter.js';
import { motionTile, tileMotion, type TileMotion } from './tile-motion.js';

/** Pixels of each cell at which the frame's detail along a path is measured. */
const sampled = [0, 2, 8, 10] as const;
/** Filters that measure it. */
const measures = 12;
const slope = 0.1;
/** Keeps the logarithm of a place without any detail finite. */
const leastEnergy = 1e-3;
/** The same along a path, where noise is. */
const leastDetail = 1e-5;
/** Keeps the direction of a path of no length finite. */
const leastLength = 1e-3;
/** Pixels per unit of the last layer, which then works near 1. */
const lengthScale = 4;

/**
 * Estimates the blur's path, in two steps. How things move from frame to frame, and the energies of filters over all
 * frames of a window, of two sizes, tell the way that they would go in a whole frame interval. Then the frame is
 * looked at along it: what details are left there, compared with one another, tells during which part of the interval the
 * shutter was open, which is the same everywhere. The sign of a path can't be told and does not matter.
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
  const fine = energies(ops, weights, lumas, { name: 'fine', width, cells: motionTile / cell });
  const halves = lumas.map((luma) => half(ops, luma));
  const coarse = energies(ops, weights, halves, { name: 'coarse', width, cells: motionTile / cell / 2 });
  const [n = 0, , rows = 0, columns = 0] = ops.shape(fine);
  const others = [middle - 1, middle + 1].flatMap((i) => lumas.slice(Math.max(i, 0), i + 1));
  const motions = others.length > 0 ? tileMotion(ops, frame, others) : [];
  const told =
    motions.length > 0 ? [ops.transpose(motionFeatures(ops, motions, [n, rows, columns]), [0, 3, 1, 2])] : [];
  let x = ops.leakyRelu(conv(ops, weights, ops.concat([fine, coarse, ...told], 1), '0', width), slope);
  // A shaken camera moves the whole frame: what all tiles say counts beside what each one does.
  x = ops.add(x, conv(ops, weights, ops.globalMean(x), 'all', width, { kernel: 1 }));
  for (const name of ['1', '2']) x = ops.add(x, ops.leakyRelu(conv(ops, weights, x, name, width), slope));
  const doubled = pooled(ops, conv(ops, weights, x, 'last', 2, { kernel: 1 }), pathTile / motionTile);
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
  const vectors = motions.map(({ vectors }) => times(ops, vectors, 1 / motionScale));
  const [before, after] = motions;
  if (before !== undefined && after !== undefined) {
    const part = 0.5 / motionScale;
    vectors.push(times(ops, minus(ops, after.vectors, before.vectors), part));
    vectors.push(times(ops, ops.add(after.vectors, before.vectors), part));
  }
  const features = [...vectors.map((each) => doubledAngle(ops, each)), ...motions.map(({ firmness }) => firmness)];
  const all = ops.concat(features, 1);
  return ops.reshape(all, [...grid, ops.shape(all)[1] ?? 0]);
}

/** A vector's length, the components of one of this length and twice the angle, and the length's square: `[B, 2]` to `[B, 4]`. */
function doubledAngle<T>(ops: Ops<T>, vectors: T): T {
  const [x, y] = [0, 1].map((i) => ops.slice(vectors, { axis: 1, start: i, end: i + 1 })) as [T, T];
  const [xx, yy] = [ops.mul(x, x), ops.mul(y, y)];
  const square = ops.add(xx, yy);
  const inverse = ops.inverseNorm(vectors, leastLength);
  const cos = ops.mul(minus(ops, xx, yy), inverse);
  const sin = ops.mul(ops.mul(x, y), times(ops, inverse, 2));
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
  const [count, samples] = [n * tiles, sampled.length];
  const taps = withoutMean(ops, weights.get('along', [measures, places]));
  const rows = Array.from({ length: measures }, (_, i) => ops.slice(taps, { axis: 0, start: i, end: i + 1 }));
  const details = tilesAlong(ops, frame, path, { along: rows, pixels: sampled });
  const squares = ops.reshape(ops.globalMean(ops.mul(details, details)), [count * measures, samples]);
  const mean = ops.constant([1, samples], new Float32Array(samples).fill(1 / samples));
  const energy = ops.reshape(ops.linear(squares, mean, { axis: 1 }), [count, measures]);
  const logs = times(ops, ops.log(ops.addScalar(energy, leastDetail)), 0.5);
  const length = ops.mul(
    ops.add(ops.mul(path.x, path.x), ops.mul(path.y, path.y)),
    ops.inverseNorm(ops.concat([path.x, path.y], 1), leastLength),
  );
  const linear = (x: T, name: string, outputs: number) =>
    ops.linear(x, weights.get(`${name}.weight`, [outputs, ops.shape(x)[1] ?? 0]), {
      bias: weights.get(`${name}.bias`, [outputs]),
      axis: 1,
    });
  const told = ops.concat([withoutMean(ops, logs), times(ops, length, 1 / lengthScale)], 1);
  let x = ops.leakyRelu(linear(told, '0', width), slope);
  x = ops.leakyRelu(linear(x, '1', width), slope);
  // Tiles with details tell more than an empty sky.
  const detail = ops.linear(logs, ops.constant([1, measures], new Float32Array(measures).fill(1 / measures)), {
    axis: 1,
  });
  const shares = ops.softmax(ops.reshape(detail, [n, 1, tiles]));
  const even = ops.constant([1, 1, tiles], new Float32Array(tiles).fill(1 / tiles));
  const each = ops.reshape(x, [n, tiles, width]);
  const means = [shares, ops.add(ops.zeros([n, 1, tiles]), even)].map((share) =>
    ops.reshape(ops.matmul(share, each), [n, width]),
  );
  const all = ops.leakyRelu(linear(ops.concat(means, 1), 'all', width), slope);
  return times(ops, ops.sigmoid(linear(all, 'last', 1)), 2);
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
  /** Side of a tile in cells. */
  readonly cells: number;
}

/** Logarithms of the filters' energies in each tile. */
function energies<T>(ops: Ops<T>, weights: Weights<T>, lumas: readonly T[], { name, width, cells }: Energies): T {
  const bands = lumas.map((luma) => analysisOfLuma(ops, luma));
  const filtered = conv(ops, weights, ops.concat(bands, 1), name, width, { bias: false });
  const energy = pooled(ops, ops.mul(filtered, filtered), cells);
  return times(ops, ops.log(ops.addScalar(energy, leastEnergy)), 0.5);
}

/** The mean of each tile of some cells; those at the right and the bottom may be smaller. */
function pooled<T>(ops: Ops<T>, x: T, cells: number): T {
  const [, , height = 0, width = 0] = ops.shape(x);
  const rows = ops.linear(x, matrix(ops, poolMatrix(width, cells)), { axis: 3 });
  return ops.linear(rows, matrix(ops, poolMatrix(height, cells)), { axis: 2 });
}

function matrix<T>(ops: Ops<T>, { rows, columns, data }: RowFilter): T {
  return ops.constant([rows, columns], data);
}

/** A picture of half the size: `[N, 1, H, W]` to `[N, 1, H/2, W/2]`. */
function half<T>(ops: Ops<T>, luma: T): T {
  return ops.conv2d(luma, ops.constant([1, 1, 2, 2], new Float32Array(4).fill(1 / 4)), { stride: 2 });
}

/**
 * Vectors whose direction is told by twice its angle, as a path's two directions are one: `[N, 2, h, w]` to both
 * components, `[N·h·w, 1]`.
 */
function halved<T>(ops: Ops<T>, doubled: T): { x: T; y: T } {
  const [n = 0, , height = 0, width = 0] = ops.shape(doubled);
  const vectors = ops.reshape(ops.transpose(doubled, [0, 2, 3, 1]), [n * height * width, 2]);
  const part = (of: T, i: number) => ops.slice(of, { axis: 1, start: i, end: i + 1 });
  const [cos, sin] = [part(vectors, 0), part(vectors, 1)];
  const square = ops.add(ops.mul(cos, cos), ops.mul(sin, sin));
  const length = ops.mul(square, ops.inverseNorm(vectors, leastLength));
  // cos 2θ + 1 : sin 2θ is as cos θ : sin θ.
  const direction = ops.concat([ops.addScalar(ops.add(length, cos), leastLength), sin], 1);
  const unit = ops.mul(direction, ops.inverseNorm(direction, leastLength));
  return limited(ops, ops.mul(unit, times(ops, length, lengthScale)));
}

/** The components of vectors, `[B, 2]` to `[B, 1]` each; none is longer than what a kernel reaches. */
function limited<T>(ops: Ops<T>, vectors: T): { x: T; y: T } {
  const shorter = ops.mul(vectors, times(ops, ops.inverseNorm(vectors, longestPath), longestPath));
  const part = (i: number) => ops.slice(shorter, { axis: 1, start: i, end: i + 1 });
  return { x: part(0), y: part(1) };
}
