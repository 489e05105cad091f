import { analysisOfLuma, bandsOfPixels, lumaBands, pixelsOfLuma } from './frame-bands.js';
import { conv } from './layers.js';
import type { Ops, Weights } from './ops.js';
import { poolMatrix, type RowFilter } from './row-filter.js';

/** Side of the tiles of which each has one path, in pixels. */
const tile = 64;
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
 * Estimates the blur's path from what a frame's details have lost: the energies of filters over all frames of a
 * window, of two sizes, in each tile. The sign of a path can't be told and does not matter.
 *
 * Parameters: `fine`, `coarse`, `all`, `N` (0 to 2), `last`.
 *
 * @param lumas `[N, 1, H, W]` each; both sides are multiples of 8.
 * @param width channels of the estimate.
 */
export function estimatePath<T>(ops: Ops<T>, weights: Weights<T>, lumas: readonly T[], width: number): BlurPath<T> {
  const fine = energies(ops, weights, lumas, { name: 'fine', width, cells: tile / cell });
  const halves = lumas.map((luma) => half(ops, luma));
  const coarse = energies(ops, weights, halves, { name: 'coarse', width, cells: tile / cell / 2 });
  let x = ops.leakyRelu(conv(ops, weights, ops.concat([fine, coarse], 1), '0', width), slope);
  // A shaken camera moves the whole frame: what all tiles say counts beside what each one does.
  x = ops.add(x, conv(ops, weights, ops.globalMean(x), 'all', width, { kernel: 1 }));
  for (const name of ['1', '2']) x = ops.add(x, ops.leakyRelu(conv(ops, weights, x, name, width), slope));
  const doubled = conv(ops, weights, x, 'last', 2, { kernel: 1 });
  const [, , rows = 0, columns = 0] = ops.shape(doubled);
  return { ...halved(ops, doubled), rows, columns };
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
  const [, , height = 0, across = 0] = ops.shape(filtered);
  const squares = ops.mul(filtered, filtered);
  const rows = ops.linear(squares, matrix(ops, poolMatrix(across, cells)), { axis: 3 });
  const pooled = ops.linear(rows, matrix(ops, poolMatrix(height, cells)), { axis: 2 });
  return ops.mul(ops.log(ops.addScalar(pooled, leastEnergy)), scalar(ops, 0.5, 4));
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
  const scaled = ops.mul(length, scalar(ops, lengthScale, 2));
  const excess = ops.relu(ops.addScalar(scaled, -longest));
  const limited = ops.add(scaled, ops.mul(excess, scalar(ops, -1, 2)));
  const vector = ops.mul(unit, limited);
  return { x: part(vector, 0), y: part(vector, 1) };
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
  const { rows, columns } = path;
  const [n = 0, , height = 0, width = 0] = ops.shape(luma);
  const kernels = cellKernels(ops, kernelsOf(ops, path, along));
  const margins = {
    top: longest,
    left: longest,
    bottom: rows * tile - height + longest,
    right: columns * tile - width + longest,
  };
  const pixels = pixelsOfLuma(ops, ops.pad(luma, margins, 'replicate'));
  const side = tile / cell;
  const cut = (x: T, axis: number, i: number) =>
    ops.slice(x, { axis, start: i * side, end: (i + 1) * side + 2 * cellReach });
  const lines = Array.from({ length: rows }, (_, row) => cut(pixels, 2, row));
  const tiles = lines.flatMap((line) => Array.from({ length: columns }, (_, column) => cut(line, 3, column)));
  const count = n * rows * columns;
  const whole = side + 2 * cellReach;
  const channels = along.length * lumaBands;
  const input = ops.reshape(ops.concat(tiles, 1), [1, count * lumaBands, whole, whole]);
  const result = ops.conv2d(input, kernels, { groups: count });
  const apart = ops.reshape(result, [n * rows, columns, channels, side * side]);
  // Tile by tile to row by row, in two steps of few axes.
  const grid = ops.reshape(apart, [n, rows, columns, channels, side, side]);
  const joined = ops.reshape(ops.transpose(grid, [0, 3, 1, 4, 2, 5]), [n, channels, rows * side, columns * side]);
  const cropped = ops.slice(joined, { axis: 2, end: height / cell });
  return ops.slice(cropped, { axis: 3, end: width / cell });
}

/** Kernels `[tiles, filters, 24, 24]`, the middle at 11: each filter's weights laid along the path, shared among the nearest pixels. */
function kernelsOf<T>(ops: Ops<T>, { x, y }: BlurPath<T>, along: readonly (readonly number[])[]): T {
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
  const kernels = along.map((taps) =>
    ops.matmul(ops.mul(down, ops.constant([1, 1, places], Float32Array.from(taps))), across),
  );
  return ops.reshape(ops.concat(kernels, 1), [count, along.length, size, size]);
}

/**
 * Kernels of pixels as kernels of cells, `[tiles · filters · 16, 16, 5, 5]`: from each pixel of a cell to each pixel of
 * the cells around. A pixel's distance is all that counts, so both lie in one of 7×7 places of the kernel's own cells.
 */
function cellKernels<T>(ops: Ops<T>, kernels: T): T {
  const [tiles = 0, count = 0, size = 0] = ops.shape(kernels);
  const cells = 2 * cellReach + 1;
  const own = ops.pixelUnshuffle(ops.reshape(kernels, [tiles * count, 1, size, size]), cell);
  const part = (x: T, axis: number, shift: number) => ops.slice(x, { axis, start: shift, end: shift + cells });
  const parts = [0, 1].flatMap((down) => [0, 1].map((across) => part(part(own, 2, down), 3, across)));
  const chosen = ops.linear(ops.concat(parts, 1), ops.constant([lumaBands ** 2, 4 * lumaBands], pairs()));
  return ops.reshape(chosen, [tiles * count * lumaBands, lumaBands, cells, cells]);
}

/** For each pixel of a cell and each of another cell, which phase and shift of the kernel's cells is between them. */
function pairs(): Float32Array {
  const table = new Float32Array(lumaBands ** 2 * 4 * lumaBands);
  const place = (from: number, to: number) => to - from + cell - 1;
  for (let from = 0; from < lumaBands; from += 1) {
    for (let to = 0; to < lumaBands; to += 1) {
      const row = place(Math.floor(from / cell), Math.floor(to / cell));
      const column = place(from % cell, to % cell);
      const shift = 2 * Math.floor(row / cell) + Math.floor(column / cell);
      const phase = (row % cell) * cell + (column % cell);
      table[(from * lumaBands + to) * 4 * lumaBands + shift * lumaBands + phase] = 1;
    }
  }
  return table;
}
