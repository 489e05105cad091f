import type { TilePlan, TileSpan } from '../tile-plan.js';
import type { GraphBuilder, Value } from './graph.js';
import { OnnxOps } from './onnx-ops.js';

/** Cuts `[N, C, H, W]` into the plan's tiles, row by row. */
export function cutTiles(builder: GraphBuilder, picture: Value, { rows, columns }: TilePlan): Value[] {
  const ops = new OnnxOps(builder);
  const cut = (value: Value, axis: number, { start, length }: TileSpan) =>
    ops.slice(value, { axis, start, end: start + length });
  return rows.flatMap((row) => {
    const band = cut(picture, 2, row);
    return columns.map((column) => cut(band, 3, column));
  });
}

/** Puts tiles together again, each fading into the next over the plan's feather. */
export function joinTiles(builder: GraphBuilder, tiles: readonly Value[], { rows, columns }: TilePlan): Value {
  const bands = rows.map((_, i) =>
    joinAxis(builder, tiles.slice(i * columns.length, (i + 1) * columns.length), columns, 3),
  );
  return joinAxis(builder, bands, rows, 2);
}

function joinAxis(builder: GraphBuilder, tiles: readonly Value[], spans: readonly TileSpan[], axis: 2 | 3): Value {
  const ops = new OnnxOps(builder);
  const cut = (i: number, from: number, to: number): Value[] => {
    const [tile, span] = [tiles[i], spans[i]];
    if (!tile || !span) throw new RangeError(`there is no tile ${i}`);
    return from < to ? [ops.slice(tile, { axis, start: from - span.start, end: to - span.start })] : [];
  };
  let done = 0;
  const parts = spans.flatMap(({ start, length, fade }, i): Value[] => {
    const from = done;
    if (!fade) return cut(i, from, start + length);
    done = fade.start + fade.length;
    const own = cut(i, from, fade.start);
    const [leaving, arriving] = [...cut(i, fade.start, done), ...cut(i + 1, fade.start, done)];
    if (!leaving || !arriving) return own;
    const ramp = Float32Array.from({ length: fade.length }, (_, k) => (k + 0.5) / fade.length);
    const shape = axis === 3 ? [1, 1, 1, fade.length] : [1, 1, fade.length, 1];
    const weight = (values: Float32Array) => builder.constant('float32', shape, values);
    const blended = ops.add(ops.mul(leaving, weight(ramp.map((w) => 1 - w))), ops.mul(arriving, weight(ramp)));
    return [...own, blended];
  });
  const [only] = parts;
  return parts.length === 1 && only ? only : ops.concat(parts, axis);
}
