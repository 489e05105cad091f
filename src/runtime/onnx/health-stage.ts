import { cellMatrix } from '../../models/row-filter.js';
import type { GraphBuilder, Value } from './graph.js';
import { OnnxOps } from './onnx-ops.js';

/** Largest edge of a cell of {@link OutputHealth}'s maps, in pixels. */
const largestCell = 16;
/** Neighbouring pixels closer than this count as equal: far below one step of 8 or 10 bits. */
const equal = 1e-5;

/** Edge of a health map's cells for a picture of that size. */
export function healthCell(height: number, width: number): number {
  return Math.min(largestCell, height, width);
}

/**
 * Means over `cell × cell` pixels, `[1, C, H/cell, W/cell]`; pixels beyond the last whole cell are left out. Two
 * products with banded matrices: several times quicker than AveragePool with so large a kernel. A pixel that is not
 * finite shows in the whole row of cells.
 */
export function cellMeans(builder: GraphBuilder, picture: Value, cell: number): Value {
  const ops = new OnnxOps(builder);
  const [, , height = 0, width = 0] = picture.shape;
  const along = (x: Value, axis: 2 | 3, size: number) => {
    const { rows, columns, data } = cellMatrix(size, cell);
    return ops.linear(x, ops.constant([rows, columns], data), { axis });
  };
  return along(along(picture, 3, width), 2, height);
}

/** Fraction of pixels per cell whose green (or only) sample equals their right neighbour's, `[1, 1, H/cell, W/cell]`. */
export function cellFlatness(builder: GraphBuilder, picture: Value, cell: number): Value {
  const ops = new OnnxOps(builder);
  const green = picture.shape[1] === 1 ? picture : ops.slice(picture, { axis: 1, start: 1, end: 2 });
  const widened = ops.pad(green, { top: 0, bottom: 0, left: 0, right: 1 }, 'replicate');
  const neighbour = ops.slice(widened, { axis: 3, start: 1 });
  const difference = builder.node('Sub', [green, neighbour], { type: 'float32', shape: green.shape });
  const distance = builder.node('Abs', [difference], { type: 'float32', shape: green.shape });
  const same = builder.node('Less', [distance, builder.scalar(equal)], { type: 'bool', shape: green.shape });
  const ones = builder.node(
    'Cast',
    [same],
    { type: 'float32', shape: green.shape },
    { attributes: { to: { int: 1 } } },
  );
  return cellMeans(builder, ones, cell);
}
