import { analysisOfLuma, bandsOfPixels, lumaBands, pixelsOfLuma } from './frame-bands.js';
import { conv } from './layers.js';
import { within, type Ops, type Weights } from './ops.js';
import { poolMatrix, type RowFilter } from './row-filter.js';
import { motionTile, tileMotion, type TileMotion } from './tile-motion.js';
import { cutTiles, padToTiles, tileGrid } from './tiles.js';

/** Side of the tiles of which each has one path, in pixels. */
const tile = 64;
/** Pixels of each cell at which the frame's detail along a path is measured. */
const sampled = [0, 2, 8, 10] as const;
/** Filters that measure it. */
const measures = 12;
/** Side of the cells of 4×4 pixels that a convolution sees as one place. */
const cell = 4;
/** The longest path that is followed, in pixels: what lies farther is out of a kernel's reach. */
const longest = 8;
/** Cells that a kernel reaches to each side. */
const cellReach = longest / cell;
/** A kernel's samples to each side, so that it fits the cells at each of a cell's pixels; one more makes whole cells. */
const reach = cell * cellReach + cell - 1;
/** Places along a path at which a filter has a weight, evenly from one path's length before to one after. */
const places = 17;

const slope = 0.1;
/** Keeps the logarithm of a place without any detail finite. */
const leastEnergy = 1e-3;
/** The same along a path, where noise is. */
const leastDetail = 1e-5;
/** Keeps the direction of a path of no length finite. */
const leastLength = 1e-3;
/** Pixels per unit of the last layer, which then works near 1. */
const lengthScale = 4;

/** Ways in which the frame is seen along the path; each is a filter of length 1 at a path's places from -1 to 1. */
const filters = [
  // What an exposure does to a thing at rest, again, twice, and the two ends of it.
  (at: number) => (Math.abs(at) < 0.5 ? 1 : Math.abs(at) === 0.5 ? 0.5 : 0),
  (at: number) => 1 - Math.abs(at),
  (at: number) => (Math.abs(at) === 0.5 ? 1 : 0),
].map((shape) => {
  const taps = Array.from({ length: places }, (_, i) => shape(placeOf(i)));
  const sum = taps.reduce((a, b) => a + b, 0);
  return taps.map((tap) => tap / sum);
});

/** Bands of {@link alongPath}. */
export const alongBands = filters.length * lumaBands;

function placeOf(i: number): number {
  return (2 * i) / (places - 1) - 1;
}

/** The straight way that things go in each tile of a frame while the shutter is open, in pixels. */
export interface BlurPath<T> {
  /** Across, `[N · tiles, 1]`, tiles row by row. */
  readonly x: T;
  /** Down, of the same shape. */
  readonly y: T;
  readonly rows: number;
  readonly columns: number;
}

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
  const doubled = pooled(ops, conv(ops, weights, x, 'last', 2, { kernel: 1 }), tile / motionTile);
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
  const vectors = motions.map(({ vectors }) => ops.mul(vectors, scalar(ops, 1 / motionScale, 2)));
  const [before, after] = motions;
  if (before !== undefined && after !== undefined) {
    const half = scalar(ops, 0.5 / motionScale, 2);
    const opposite = ops.mul(before.vectors, scalar(ops, -1, 2));
    vectors.push(
      ops.mul(ops.add(after.vectors, opposite), half),
      ops.mul(ops.add(after.vectors, before.vectors), half),
    );
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
  const cos = ops.mul(ops.add(xx, ops.mul(yy, scalar(ops, -1, 2))), inverse);
  const sin = ops.mul(ops.mul(x, y), ops.mul(inverse, scalar(ops, 2, 2)));
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
  const details = filteredTiles(ops, frame, path, { along: rows, pixels: sampled });
  const squares = ops.reshape(ops.globalMean(ops.mul(details, details)), [count * measures, samples]);
  const mean = ops.constant([1, samples], new Float32Array(samples).fill(1 / samples));
  const energy = ops.reshape(ops.linear(squares, mean, { axis: 1 }), [count, measures]);
  const logs = ops.mul(ops.log(ops.addScalar(energy, leastDetail)), scalar(ops, 0.5, 2));
  const length = ops.mul(
    ops.add(ops.mul(path.x, path.x), ops.mul(path.y, path.y)),
    ops.inverseNorm(ops.concat([path.x, path.y], 1), leastLength),
  );
  const linear = (x: T, name: string, outputs: number) =>
    ops.linear(x, weights.get(`${name}.weight`, [outputs, ops.shape(x)[1] ?? 0]), {
      bias: weights.get(`${name}.bias`, [outputs]),
      axis: 1,
    });
  const told = ops.concat([withoutMean(ops, logs), ops.mul(length, scalar(ops, 1 / lengthScale, 2))], 1);
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
  return ops.mul(ops.sigmoid(linear(all, 'last', 1)), scalar(ops, 2, 2));
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
  return ops.mul(ops.log(ops.addScalar(energy, leastEnergy)), scalar(ops, 0.5, 4));
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

function scalar<T>(ops: Ops<T>, value: number, rank: number): T {
  return ops.constant(Array<number>(rank).fill(1), Float32Array.of(value));
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
  return limited(ops, ops.mul(unit, ops.mul(length, scalar(ops, lengthScale, 2))));
}

/** The components of vectors, `[B, 2]` to `[B, 1]` each; none is longer than what a kernel reaches. */
function limited<T>(ops: Ops<T>, vectors: T): { x: T; y: T } {
  const shorter = ops.mul(vectors, ops.mul(ops.inverseNorm(vectors, longest), scalar(ops, longest, 2)));
  const part = (i: number) => ops.slice(shorter, { axis: 1, start: i, end: i + 1 });
  return { x: part(0), y: part(1) };
}

/**
 * The bands of luma as it is seen along the path: blurred as an exposure blurs it, blurred so twice, and the mean of the
 * path's two ends. They tell a network the blur's direction and length in the frame's own terms: a difference of these is
 * what a sharpening along the path, and of its length, would add.
 *
 * @param luma `[N, 1, H, W]`; both sides are multiples of 4.
 * @returns `[N, 48, H/4, W/4]`.
 */
export function alongPath<T>(ops: Ops<T>, luma: T, path: BlurPath<T>): T {
  return bandsOfPixels(ops, filtered(ops, luma, path, filters));
}

/** Luma blurred along the path as an exposure blurs it: `[N, 1, H, W]` to the pixels of each cell, `[N, 16, H/4, W/4]`. */
export function blurAlong<T>(ops: Ops<T>, luma: T, path: BlurPath<T>): T {
  return filtered(ops, luma, path, filters.slice(0, 1));
}

/** Each tile filtered with kernels of its own: the pixels of each cell, `[N, 16 · filters, H/4, W/4]`. */
function filtered<T>(ops: Ops<T>, luma: T, path: BlurPath<T>, along: readonly (readonly number[])[]): T {
  const [n = 0, , height = 0, width = 0] = ops.shape(luma);
  const { rows, columns } = path;
  const rowsOfTaps = along.map((taps) => ops.constant([1, places], Float32Array.from(taps)));
  const pixels = Array.from({ length: lumaBands }, (_, i) => i);
  const result = filteredTiles(ops, luma, path, { along: rowsOfTaps, pixels });
  const [side, channels] = [tile / cell, along.length * lumaBands];
  const grid = ops.reshape(result, [n, rows, columns, channels, side, side]);
  const joined = ops.reshape(ops.transpose(grid, [0, 3, 1, 4, 2, 5]), [n, channels, rows * side, columns * side]);
  const cropped = ops.slice(joined, { axis: 2, end: height / cell });
  return ops.slice(cropped, { axis: 3, end: width / cell });
}

interface TileFilters<T> {
  /** Each filter's weights at a path's places, `[1, 17]`. */
  readonly along: readonly T[];
  /** Which pixels of each cell are asked for. */
  readonly pixels: readonly number[];
}

/** Tiles filtered along their paths, `[1, N · tiles · filters · pixels, 16, 16]`. */
function filteredTiles<T>(ops: Ops<T>, luma: T, path: BlurPath<T>, { along, pixels }: TileFilters<T>): T {
  const kernels = cellKernels(ops, kernelsOf(ops, path, along), pixels);
  const grid = tileGrid(ops, luma, tile, longest);
  const cells = pixelsOfLuma(ops, padToTiles(ops, luma, grid));
  const tiles = cutTiles(ops, cells, { ...grid, side: tile / cell, margin: cellReach });
  const [count = 0, channels = 0, size = 0] = ops.shape(tiles);
  const input = ops.reshape(tiles, [1, count * channels, size, size]);
  return ops.conv2d(input, kernels, { groups: count });
}

/** Kernels `[tiles, filters, 24, 24]`, the middle at 11: each filter's weights laid along the path, shared among the nearest pixels. */
function kernelsOf<T>(ops: Ops<T>, { x, y }: BlurPath<T>, along: readonly T[]): T {
  const [count = 0] = ops.shape(x);
  const size = 2 * reach + 2;
  const at = ops.constant(
    [1, places, 1],
    Float32Array.from({ length: places }, (_, i) => placeOf(i)),
  );
  const pixels = ops.constant(
    [1, 1, size],
    Float32Array.from({ length: size }, (_, i) => reach - i),
  );
  /** How much each pixel has of each place: a triangle of the width of two pixels. */
  const shares = (component: T): T => {
    const distance = ops.add(ops.mul(ops.reshape(component, [count, 1, 1]), at), pixels);
    const away = ops.add(ops.relu(distance), ops.relu(ops.mul(distance, scalar(ops, -1, 3))));
    return ops.relu(ops.addScalar(ops.mul(away, scalar(ops, -1, 3)), 1));
  };
  const [across, down] = [shares(x), ops.transpose(shares(y), [0, 2, 1])];
  const kernels = along.map((taps) => ops.matmul(ops.mul(down, ops.reshape(taps, [1, 1, places])), across));
  return ops.reshape(ops.concat(kernels, 1), [count, along.length, size, size]);
}

/**
 * Kernels of pixels as kernels of cells, `[tiles · filters · pixels, 16, 5, 5]`: from some pixels of a cell to each pixel
 * of the cells around. A pixel's distance is all that counts, so both lie in one of 7×7 places of the kernel's own cells.
 */
function cellKernels<T>(ops: Ops<T>, kernels: T, pixels: readonly number[]): T {
  const [tiles = 0, count = 0, size = 0] = ops.shape(kernels);
  const cells = 2 * cellReach + 1;
  const own = ops.pixelUnshuffle(ops.reshape(kernels, [tiles * count, 1, size, size]), cell);
  const part = (x: T, axis: number, shift: number) => ops.slice(x, { axis, start: shift, end: shift + cells });
  const parts = [0, 1].flatMap((down) => [0, 1].map((across) => part(part(own, 2, down), 3, across)));
  const chosen = ops.linear(
    ops.concat(parts, 1),
    ops.constant([pixels.length * lumaBands, 4 * lumaBands], pairs(pixels)),
  );
  return ops.reshape(chosen, [tiles * count * pixels.length, lumaBands, cells, cells]);
}

/** For some pixels of a cell and each of another cell, which phase and shift of the kernel's cells is between them. */
function pairs(pixels: readonly number[]): Float32Array {
  const table = new Float32Array(pixels.length * lumaBands * 4 * lumaBands);
  const place = (from: number, to: number) => to - from + cell - 1;
  for (const [i, from] of pixels.entries()) {
    for (let to = 0; to < lumaBands; to += 1) {
      const row = place(Math.floor(from / cell), Math.floor(to / cell));
      const column = place(from % cell, to % cell);
      const shift = 2 * Math.floor(row / cell) + Math.floor(column / cell);
      const phase = (row % cell) * cell + (column % cell);
      table[(i * lumaBands + to) * 4 * lumaBands + shift * lumaBands + phase] = 1;
    }
  }
  return table;
}
