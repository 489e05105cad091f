import type { Ops } from '../../models/ops.js';
import type { TilePlan, TileSpan } from '../tile-plan.js';

/** Cuts `[N, C, H, W]` into the plan's tiles, row by row. */
export function cutTiles<T>(ops: Ops<T>, picture: T, { rows, columns }: TilePlan): T[] {
  const cut = (value: T, axis: number, { start, length }: TileSpan) =>
    ops.slice(value, { axis, start, end: start + length });
  return rows.flatMap((row) => {
    const band = cut(picture, 2, row);
    return columns.map((column) => cut(band, 3, column));
  });
}

/** Puts tiles together again, each fading into the next over the plan's feather. */
export function joinTiles<T>(ops: Ops<T>, tiles: readonly T[], { rows, columns }: TilePlan): T {
  const bands = rows.map((_, i) =>
    joinAxis(ops, tiles.slice(i * columns.length, (i + 1) * columns.length), columns, 3),
  );
  return joinAxis(ops, bands, rows, 2);
}

function joinAxis<T>(ops: Ops<T>, tiles: readonly T[], spans: readonly TileSpan[], axis: 2 | 3): T {
  const cut = (i: number, from: number, to: number): T[] => {
    const [tile, span] = [tiles[i], spans[i]];
    if (tile === undefined || !span) throw new RangeError(`there is no tile ${i}`);
    return from < to ? [ops.slice(tile, { axis, start: from - span.start, end: to - span.start })] : [];
  };
  let done = 0;
  const parts = spans.flatMap(({ start, length, fade }, i): T[] => {
    const from = done;
    if (!fade) return cut(i, from, start + length);
    done = fade.start + fade.length;
    const own = cut(i, from, fade.start);
    const [leaving, arriving] = [...cut(i, fade.start, done), ...cut(i + 1, fade.start, done)];
    if (leaving === undefined || arriving === undefined) return own;
    const ramp = Float32Array.from({ length: fade.length }, (_, k) => (k + 0.5) / fade.length);
    const shape = axis === 3 ? [1, 1, 1, fade.length] : [1, 1, fade.length, 1];
    const weight = (values: Float32Array) => ops.constant(shape, values);
    const blended = ops.add(ops.mul(leaving, weight(ramp.map((w) => 1 - w))), ops.mul(arriving, weight(ramp)));
    return [...own, blended];
  });
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : ops.concat(parts, axis);
}
