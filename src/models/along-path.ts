import { nearness } from './arithmetic.js';
import { bandsOfPixels, cell, lumaBands, pixelsOfLuma } from './frame-bands.js';
import type { Ops } from './ops.js';
import { cutTiles, padToTiles, tileGrid } from './tiles.js';

/** Side of the tiles of which each has one path, in pixels. */
export const pathTile = 64;
/** The longest path that is followed, in pixels: what lies farther is out of a kernel's reach. */
export const longestPath = 8;
/** Cells that a kernel reaches to each side. */
const cellReach = longestPath / cell;
/** A kernel's samples to each side, so that it fits the cells at each of a cell's pixels; one more makes whole cells. */
const reach = cell * cellReach + cell - 1;
/** Places along a path at which a filter has a weight, evenly from one path's length before to one after. */
export const places = 17;

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
  const result = tilesAlong(ops, luma, path, { along: rowsOfTaps, pixels });
  const [side, channels] = [pathTile / cell, along.length * lumaBands];
  const grid = ops.reshape(result, [n, rows, columns, channels, side, side]);
  const joined = ops.reshape(ops.transpose(grid, [0, 3, 1, 4, 2, 5]), [n, channels, rows * side, columns * side]);
  const cropped = ops.slice(joined, { axis: 2, end: height / cell });
  return ops.slice(cropped, { axis: 3, end: width / cell });
}

/** What {@link tilesAlong} is asked for. */
export interface TileFilters<T> {
  /** Each filter's weights at a path's places, `[1, 17]`. */
  readonly along: readonly T[];
  /** Which pixels of each cell are asked for. */
  readonly pixels: readonly number[];
}

/** Tiles filtered along their paths, `[1, N · tiles · filters · pixels, 16, 16]`. */
export function tilesAlong<T>(ops: Ops<T>, luma: T, path: BlurPath<T>, { along, pixels }: TileFilters<T>): T {
  const kernels = cellKernels(ops, kernelsOf(ops, path, along), pixels);
  const grid = tileGrid(ops, luma, pathTile, longestPath);
  const cells = pixelsOfLuma(ops, padToTiles(ops, luma, grid));
  const tiles = cutTiles(ops, cells, { ...grid, side: pathTile / cell, margin: cellReach });
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
    return nearness(ops, ops.add(ops.mul(ops.reshape(component, [count, 1, 1]), at), pixels));
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
