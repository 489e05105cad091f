import { column, nearness } from './arithmetic.js';
import { bandsOfCell, cell, lumaBands, pixelsOfCell, pixelsOfLuma, type CellOutputs } from './frame-bands.js';
import type { Ops } from './ops.js';
import { cutTiles, padToTiles } from './tiles.js';

/** Side of the tiles of which each has one path, in pixels. */
export const pathTile = 64;
/** The longest path that is followed, in pixels: what lies farther is out of a kernel's reach. */
export const longestPath = 8;
/** Keeps the direction of a path of no length finite. */
export const leastLength = 1e-3;
/** Cells that a kernel reaches to each side. */
const cellReach = longestPath / cell;
/** Places in a path's length. */
const density = 8;
/** Places at which a measure has a weight, evenly from one path's length before to one after. */
export const measurePlaces = 2 * density + 1;
/** Places at which a view has one, from two lengths before to two after. */
const viewPlaces = 4 * density + 1;

/** Ways in which the frame is seen along the path; each is a filter's weight at a place, in path's lengths. */
const shapes = {
  here: (at: number) => (at === 0 ? 1 : 0),
  // What an exposure does to a thing at rest, and again.
  once: (at: number) => (Math.abs(at) < 0.5 ? 1 : Math.abs(at) === 0.5 ? 0.5 : 0),
  twice: (at: number) => Math.max(0, 1 - Math.abs(at)),
  ends: (at: number) => (Math.abs(at) === 0.5 ? 1 : 0),
  farEnds: (at: number) => (Math.abs(at) === 1 ? 1 : 0),
};
/** What blur takes is a small part of a frame: as bands of their own, differences are of the size of the others. */
const gain = 8;
const views = (
  [
    ['here', 'once'],
    ['once', 'twice'],
    ['once', 'ends'],
    ['once', 'farEnds'],
  ] as const
).map(([one, other]) => {
  const [from, taken] = [tapsOf(shapes[one], viewPlaces), tapsOf(shapes[other], viewPlaces)];
  return from.map((tap, i) => gain * (tap - (taken[i] ?? 0)));
});

/** Shape of the weights that {@link alongPath} learns. */
export const alongShape = [views.length, viewPlaces] as const;
/** Bands of {@link alongPath}. */
export const alongBands = views.length * lumaBands;

/** A filter's weights at some places, whose sum is one. */
function tapsOf(shape: (at: number) => number, places: number): number[] {
  const taps = Array.from({ length: places }, (_, i) => shape(placeOf(i, places)));
  const sum = taps.reduce((a, b) => a + b, 0);
  return taps.map((tap) => tap / sum);
}

/** In path's lengths. */
function placeOf(i: number, places: number): number {
  return (i - (places - 1) / 2) / density;
}

/** Vectors in pixels. */
export interface Vectors<T> {
  /** Across, `[N · tiles, 1]`, tiles row by row. */
  readonly x: T;
  /** Down, of the same shape. */
  readonly y: T;
}

/** The straight way that things go in each tile of a frame while the shutter is open, in pixels. */
export interface BlurPath<T> extends Vectors<T> {
  readonly rows: number;
  readonly columns: number;
}

/** Paths as a picture of two channels, `[N, 2, rows, columns]`. */
export function gridOfPath<T>(ops: Ops<T>, { x, y, rows, columns }: BlurPath<T>): T {
  const vectors = ops.concat([x, y], 1);
  const [count = 0] = ops.shape(vectors);
  const grid = ops.reshape(vectors, [count / (rows * columns), rows, columns, 2]);
  return ops.transpose(grid, [0, 3, 1, 2]);
}

/** The inverse of {@link gridOfPath}. */
export function pathOfGrid<T>(ops: Ops<T>, grid: T): BlurPath<T> {
  const [n = 0, , rows = 0, columns = 0] = ops.shape(grid);
  const vectors = ops.reshape(ops.transpose(grid, [0, 2, 3, 1]), [n * rows * columns, 2]);
  return { x: column(ops, vectors, 0), y: column(ops, vectors, 1), rows, columns };
}

/**
 * The bands of what luma has more, seen along the path in one way, than in another: as it is, blurred as an exposure blurs
 * it, blurred so twice, and the means of the path's two ends and of those of a path twice as long. They tell a network the
 * blur's direction and length in the frame's own terms: it is such differences that a sharpening along the path, and of
 * its length, would add.
 *
 * @param luma `[N, 1, H, W]`; both sides are multiples of 4.
 * @param learned what is added to the filters' weights, `alongShape`.
 * @returns `[N, 64, H/4, W/4]`.
 */
export function alongPath<T>(ops: Ops<T>, luma: T, path: BlurPath<T>, learned: T): T {
  const taps = ops.add(ops.constant(alongShape, Float32Array.from(views.flat())), learned);
  return filtered(ops, luma, path, { taps, count: views.length, outputs: bandsOfCell });
}

/** Luma blurred along the path as an exposure blurs it: `[N, 1, H, W]` to the pixels of each cell, `[N, 16, H/4, W/4]`. */
export function blurAlong<T>(ops: Ops<T>, luma: T, path: BlurPath<T>): T {
  const taps = ops.constant([1, measurePlaces], Float32Array.from(tapsOf(shapes.once, measurePlaces)));
  return filtered(ops, luma, path, { taps, count: 1, outputs: pixelsOfCell });
}

interface Filters<T> {
  /** Weights at places along a path, `[count, places]`. */
  readonly taps: T;
  readonly count: number;
  readonly outputs: CellOutputs;
}

/** Each tile filtered with kernels of its own, `[N, 16 · filters, H/4, W/4]`. */
function filtered<T>(ops: Ops<T>, luma: T, path: BlurPath<T>, { taps, count, outputs }: Filters<T>): T {
  const [n = 0, , height = 0, width = 0] = ops.shape(luma);
  const { rows, columns } = path;
  const result = convolvedTiles(ops, luma, path, cellKernels(ops, path, taps, outputs));
  const [side, channels] = [pathTile / cell, count * outputs.length];
  const grid = ops.reshape(result, [n, rows, columns, channels, side, side]);
  const joined = ops.reshape(ops.transpose(grid, [0, 3, 1, 4, 2, 5]), [n, channels, rows * side, columns * side]);
  const cropped = ops.slice(joined, { axis: 2, end: height / cell });
  return ops.slice(cropped, { axis: 3, end: width / cell });
}

/**
 * Tiles filtered along some ways through each, at the first pixel of each cell: `[1, N · tiles · ways · filters, 16, 16]`.
 *
 * @param along each filter's weights at a way's places, `[filters, 17]`.
 */
export function detailAlong<T>(ops: Ops<T>, luma: T, ways: readonly [BlurPath<T>, ...BlurPath<T>[]], along: T): T {
  const reach = cell * cellReach;
  const size = reach + cell * (cellReach + 1);
  const [count, filters] = [ops.shape(ways[0].x)[0] ?? 0, ops.shape(along)[0] ?? 0];
  const kernels = ways.map((way) =>
    ops.reshape(kernelsOf(ops, way, along, { reach, size }), [count, filters, size, size]),
  );
  const all = ops.reshape(ops.concat(kernels, 1), [count * ways.length * filters, 1, size, size]);
  return convolvedTiles(ops, luma, ways[0], pixelsOfLuma(ops, all));
}

/** Each tile with kernels of its own, `[tiles · outputs, 16, 5, 5]`: `[1, tiles · outputs, 16, 16]`. */
function convolvedTiles<T>(ops: Ops<T>, luma: T, { rows, columns }: BlurPath<T>, kernels: T): T {
  const grid = { rows, columns, side: pathTile, margin: longestPath };
  const cells = pixelsOfLuma(ops, padToTiles(ops, luma, grid));
  const tiles = cutTiles(ops, cells, { ...grid, side: pathTile / cell, margin: cellReach });
  const [count = 0, channels = 0, size = 0] = ops.shape(tiles);
  const input = ops.reshape(tiles, [1, count * channels, size, size]);
  return ops.conv2d(input, kernels, { groups: count });
}

/** Where a kernel lies. */
interface KernelPlace {
  /** Samples before its middle. */
  readonly reach: number;
  /** Of its side. */
  readonly size: number;
}

/** Kernels `[tiles · filters, 1, size, size]`: each filter's weights laid along the path, shared among the nearest pixels. */
function kernelsOf<T>(ops: Ops<T>, { x, y }: Vectors<T>, along: T, { reach, size }: KernelPlace): T {
  const [count = 0] = ops.shape(x);
  const [filters = 0, places = 0] = ops.shape(along);
  const at = placesWithin(ops, { x, y }, places);
  const pixels = ops.constant(
    [1, 1, size],
    Float32Array.from({ length: size }, (_, i) => reach - i),
  );
  /** How much each pixel has of each place: a triangle of the width of two pixels. */
  const shares = (component: T): T =>
    nearness(ops, ops.add(ops.mul(ops.reshape(component, [count, 1, 1]), at), pixels));
  const down = ops.reshape(ops.transpose(shares(y), [0, 2, 1]), [count, 1, size, places]);
  const weighted = ops.mul(down, ops.reshape(along, [1, filters, 1, places]));
  const kernels = ops.matmul(ops.reshape(weighted, [count, filters * size, places]), shares(x));
  return ops.reshape(kernels, [count * filters, 1, size, size]);
}

/** Places of filters in path's lengths, `[tiles, places, 1]` or for all tiles alike; what is out of a kernel's reach is moved to its edge. */
function placesWithin<T>(ops: Ops<T>, { x, y }: Vectors<T>, places: number): T {
  const at = Float32Array.from({ length: places }, (_, i) => placeOf(i, places));
  const constant = (value: (place: number) => number) => ops.constant([1, places, 1], at.map(value));
  const all = constant((place) => place);
  // No path is longer than a kernel reaches.
  if (places <= measurePlaces) return all;
  const farthest = ops.scale(ops.inverseNorm(ops.concat([x, y], 1), leastLength), -longestPath);
  const [count = 0] = ops.shape(x);
  const excess = ops.relu(ops.add(constant(Math.abs), ops.reshape(farthest, [count, 1, 1])));
  return ops.sub(all, ops.mul(excess, constant(Math.sign)));
}

/**
 * Kernels of pixels as kernels of cells, `[tiles · filters · outputs, 16, 5, 5]`: from outputs of a cell to each pixel of
 * the cells around. A pixel's distance is all that counts, so both lie in one of 7×7 places of the kernel's own cells.
 */
function cellKernels<T>(ops: Ops<T>, path: BlurPath<T>, along: T, outputs: CellOutputs): T {
  // So that they fit the cells at each of a cell's pixels; one sample more makes whole cells.
  const reach = cell * cellReach + cell - 1;
  const own = pixelsOfLuma(ops, kernelsOf(ops, path, along, { reach, size: 2 * reach + 2 }));
  const [count = 0] = ops.shape(own);
  const cells = 2 * cellReach + 1;
  const part = (x: T, axis: number, shift: number) => ops.slice(x, { axis, start: shift, end: shift + cells });
  const parts = [0, 1].flatMap((down) => [0, 1].map((across) => part(part(own, 2, down), 3, across)));
  const chosen = ops.linear(
    ops.concat(parts, 1),
    ops.constant([outputs.length * lumaBands, 4 * lumaBands], pairs(outputs)),
  );
  return ops.reshape(chosen, [count * outputs.length, lumaBands, cells, cells]);
}

/** For outputs of a cell and each pixel of another cell, what of which phase and shift of the kernel's cells is between them. */
function pairs(outputs: CellOutputs): Float32Array {
  const table = new Float32Array(outputs.length * lumaBands * 4 * lumaBands);
  const place = (from: number, to: number) => to - from + cell - 1;
  for (const [i, pixels] of outputs.entries()) {
    for (const [from, share] of pixels.entries()) {
      for (let to = 0; to < lumaBands; to += 1) {
        const row = place(Math.floor(from / cell), Math.floor(to / cell));
        const column = place(from % cell, to % cell);
        const shift = 2 * Math.floor(row / cell) + Math.floor(column / cell);
        const phase = (row % cell) * cell + (column % cell);
        table[(i * lumaBands + to) * 4 * lumaBands + shift * lumaBands + phase] = share;
      }
    }
  }
  return table;
}
