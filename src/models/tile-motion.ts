import { column, nearness } from './arithmetic.js';
import { reduced } from './cell-means.js';
import type { Ops } from './ops.js';
import { cutTiles, padToTiles, tileGrid } from './tiles.js';

/** Side of a tile in pixels. */
export const motionTile = 32;
/** Pixels per sample where the whole motion is searched, and where it is told more exactly afterwards. */
const [coarse, fine] = [4, 2] as const;
/** Samples of the coarser level that are searched to each side; the outermost are no answers. */
const searched = 4;
/** How far a step by the gradients goes at most, in samples. */
const longestStep = 1;

/** What a difference counts against a tile's own contrast: the least one is taken nearly alone. */
const decision = 8;
/** Part of the contrast that noise and blur are expected to change. */
const tolerance = 0.02;
const leastContrast = 2e-5;
/** Keeps a place without gradients where it is. */
const damping = 1e-5;

/** Where the things of each tile are in another frame. */
export interface TileMotion<T> {
  /** Right and down in pixels, `[N · tiles, 2]`, tiles row by row. */
  readonly vectors: T;
  /**
   * Half the logarithms of the mean squared gradients across and down, which is how firmly each part is told, and of
   * the squared difference that is left: `[N · tiles, 3]`.
   */
  readonly firmness: T;
}

/**
 * How each tile of a frame moves to each of some other frames: the least squared difference within 12 pixels at a
 * quarter of the size, then a step by the gradients there and one at half the size (Lucas and Kanade, 1981), each with
 * the other frame moved by what is known. Nothing here is learned.
 *
 * @param frame,others luma, `[N, 1, H, W]`; both sides are multiples of 8.
 */
export function tileMotion<T>(ops: Ops<T>, frame: T, others: readonly T[]): TileMotion<T>[] {
  const all = ops.concat(others, 0);
  /** Tiles at a size, where things are at most `reach` samples away before the step. */
  const tilesAt = (size: number, reach: number): Tiles<T> => {
    const margin = reach + longestStep + 2;
    const own = tilesOf(ops, reduced(ops, frame, size), motionTile / size, 1);
    const here = ops.concat(
      others.map(() => own),
      0,
    );
    return { here, there: tilesOf(ops, reduced(ops, all, size), motionTile / size, margin), margin };
  };
  const first = tilesAt(coarse, searched);
  const found = refined(ops, first, search(ops, first));
  const finer = coarse / fine;
  const second = tilesAt(fine, (searched + longestStep) * finer);
  const { motion, firmness } = refined(ops, second, ops.scale(found.motion, finer));
  const vectors = ops.scale(motion, fine);
  const count = (ops.shape(vectors)[0] ?? 0) / others.length;
  const part = (of: T, i: number) => ops.slice(of, { axis: 0, start: i * count, end: (i + 1) * count });
  return others.map((_, i) => ({ vectors: part(vectors, i), firmness: part(firmness, i) }));
}

/** The tiles of a frame and of others, `[N · tiles, 1, h, w]`. */
interface Tiles<T> {
  /** With a margin of one sample. */
  readonly here: T;
  readonly there: T;
  /** Of those of the others. */
  readonly margin: number;
}

/** Tiles with a margin around them, `[N · tiles, 1, side + 2m, side + 2m]`. */
function tilesOf<T>(ops: Ops<T>, x: T, side: number, margin: number): T {
  const grid = tileGrid(ops, x, side, margin);
  return cutTiles(ops, padToTiles(ops, x, grid), grid);
}

/** The inside of tiles, without `margin` samples on each side. */
function inner<T>(ops: Ops<T>, x: T, margin: number): T {
  const [, , size = 0] = ops.shape(x);
  const rows = ops.slice(x, { axis: 2, start: margin, end: size - margin });
  return ops.slice(rows, { axis: 3, start: margin, end: size - margin });
}

/** The offset whose samples differ least, `[N · tiles, 2]`. */
function search<T>(ops: Ops<T>, { here, there, margin }: Tiles<T>): T {
  const own = inner(ops, here, 1);
  const [count = 0, , side = 0] = ops.shape(own);
  const mean = ops.globalMean(own);
  const a = ops.sub(own, mean);
  const b = ops.sub(inner(ops, there, margin - searched), mean);
  const whole = side + 2 * searched;
  const row = ops.reshape(b, [1, count, whole, whole]);
  const products = ops.conv2d(row, a, { groups: count });
  const squares = ops.boxMean(ops.mul(row, row), [side, side]);
  const difference = ops.add(squares, ops.scale(products, -2 / (side * side)));
  const offsets = 2 * searched + 1;
  const all = offsets * offsets;
  const contrast = ops.reshape(ops.globalMean(ops.mul(a, a)), [count, 1]);
  const expected = ops.addScalar(ops.scale(contrast, tolerance), leastContrast);
  const told = ops.mul(ops.reshape(difference, [count, all]), ops.inverseNorm(expected, 1e-9));
  const place = (i: number) => [(i % offsets) - searched, Math.floor(i / offsets) - searched] as const;
  const table = (value: (i: number) => number, rows = 1) =>
    ops.constant(
      [rows, all],
      Float32Array.from({ length: rows * all }, (_, i) => value(i)),
    );
  const outermost = table((i) => (place(i).some((part) => Math.abs(part) === searched) ? -1000 : 0));
  const shares = ops.softmax(ops.add(ops.scale(told, -decision), outermost));
  return ops.linear(
    shares,
    table((i) => place(i % all)[Math.floor(i / all)] ?? 0, 2),
  );
}

interface Refined<T> {
  readonly motion: T;
  readonly firmness: T;
}

/** One step by the gradients, with the other frame's tile moved by what is known. */
function refined<T>(ops: Ops<T>, { here, there, margin }: Tiles<T>, motion: T): Refined<T> {
  const moved = move(ops, there, margin, motion);
  const [count = 0] = ops.shape(moved);
  const mean = ops.scale(ops.add(moved, here), 0.5);
  const [x, y] = [gradient(ops, mean, 3), gradient(ops, mean, 2)];
  const left = inner(ops, ops.sub(moved, here), 1);
  const products = [
    ops.mul(x, x),
    ops.mul(x, y),
    ops.mul(y, y),
    ops.mul(x, left),
    ops.mul(y, left),
    ops.mul(left, left),
  ];
  const means = ops.reshape(ops.globalMean(ops.concat(products, 1)), [count, products.length]);
  const part = (i: number) => column(ops, means, i);
  const trace = ops.addScalar(ops.scale(ops.add(part(0), part(2)), 0.01), damping);
  const [xx, xy, yy] = [ops.add(part(0), trace), part(1), ops.add(part(2), trace)];
  const determinant = ops.sub(ops.mul(xx, yy), ops.mul(xy, xy));
  const across = ops.sub(ops.mul(xy, part(4)), ops.mul(yy, part(3)));
  const down = ops.sub(ops.mul(xy, part(3)), ops.mul(xx, part(4)));
  const step = ops.mul(ops.concat([across, down], 1), ops.inverseNorm(determinant, 1e-12));
  const firm = ops.concat([part(0), part(2), part(5)], 1);
  return {
    motion: ops.add(motion, limited(ops, step)),
    firmness: ops.scale(ops.log(ops.addScalar(firm, damping)), 0.5),
  };
}

/** No part longer than a step. */
function limited<T>(ops: Ops<T>, x: T): T {
  const above = ops.relu(ops.addScalar(x, longestStep));
  const beyond = ops.relu(ops.addScalar(x, -longestStep));
  return ops.addScalar(ops.sub(above, beyond), -longestStep);
}

/** Half the difference of the neighbours along an axis, inside a margin of one sample. */
function gradient<T>(ops: Ops<T>, x: T, axis: 2 | 3): T {
  const [, , size = 0] = ops.shape(x);
  const lines = ops.slice(x, { axis: 5 - axis, start: 1, end: size - 1 });
  const after = ops.slice(lines, { axis, start: 2, end: size });
  const before = ops.slice(lines, { axis, start: 0, end: size - 2 });
  return ops.scale(ops.sub(after, before), 0.5);
}

/** Tiles with a margin of one sample, seen `motion` farther in the larger ones, by linear interpolation. */
function move<T>(ops: Ops<T>, there: T, margin: number, motion: T): T {
  const [count = 0, , whole = 0] = ops.shape(there);
  const size = whole - 2 * margin + 2;
  const shares = (axis: number): T => {
    const offset = ops.reshape(column(ops, motion, axis), [count, 1, 1]);
    const places = Float32Array.from(
      { length: size * whole },
      (_, i) => Math.floor(i / whole) + margin - 1 - (i % whole),
    );
    return nearness(ops, ops.add(ops.constant([1, size, whole], places), offset));
  };
  const lines = ops.matmul(shares(1), ops.reshape(there, [count, whole, whole]));
  return ops.reshape(ops.matmul(lines, ops.transpose(shares(0), [0, 2, 1])), [count, 1, size, size]);
}
