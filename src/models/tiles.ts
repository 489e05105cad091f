import type { Ops } from './ops.js';

/** How a picture is cut into squares. */
export interface TileGrid {
  readonly rows: number;
  readonly columns: number;
  /** Side of a tile in samples. */
  readonly side: number;
  /** Samples around each tile that are cut with it, at least one. */
  readonly margin: number;
}

/** The grid that covers a picture `[N, C, H, W]`; the tiles at the right and the bottom may reach beyond it. */
export function tileGrid<T>(ops: Ops<T>, x: T, side: number, margin: number): TileGrid {
  const [, , height = 0, width = 0] = ops.shape(x);
  return { rows: Math.ceil(height / side), columns: Math.ceil(width / side), side, margin };
}

/** A picture in the middle of a grid that has a tile more on each side; beyond its border the border is repeated. */
export function padToTiles<T>(ops: Ops<T>, x: T, { rows, columns, side }: TileGrid): T {
  const [, , height = 0, width = 0] = ops.shape(x);
  const [bottom, right] = [(rows + 1) * side - height, (columns + 1) * side - width];
  return ops.pad(x, { top: side, left: side, bottom, right }, 'replicate');
}

/**
 * The tiles of a picture of {@link padToTiles}, row by row, with their margins, which are not larger than a side:
 * `[N, C, (rows + 2) · side, (columns + 2) · side]` to `[N · rows · columns, C, side + 2m, side + 2m]`.
 */
export function cutTiles<T>(ops: Ops<T>, padded: T, { rows, columns, side, margin }: TileGrid): T {
  const [n = 0, channels = 0, , width = 0] = ops.shape(padded);
  const count = n * channels;
  const whole = side + 2 * margin;
  const lines = widened(ops, ops.reshape(padded, [count, rows + 2, side, width]), rows, margin);
  const blocks = ops.reshape(lines, [count * rows * whole, columns + 2, side, 1]);
  const both = ops.reshape(widened(ops, blocks, columns, margin), [n, channels, rows, whole, columns, whole]);
  return ops.reshape(ops.transpose(both, [0, 2, 4, 1, 3, 5]), [n * rows * columns, channels, whole, whole]);
}

/** Blocks with the ends of their neighbours: `[A, count + 2, side, B]` to `[A, count, side + 2m, B]`. */
function widened<T>(ops: Ops<T>, x: T, count: number, margin: number): T {
  const [, , side = 0] = ops.shape(x);
  const blocks = (of: T, shift: number) => ops.slice(of, { axis: 1, start: shift, end: shift + count });
  // The ends first: what is cut off afterwards is little.
  const before = blocks(ops.slice(x, { axis: 2, start: side - margin }), 0);
  const after = blocks(ops.slice(x, { axis: 2, end: margin }), 2);
  return ops.concat([before, blocks(x, 1), after], 2);
}
