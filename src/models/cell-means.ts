import type { Ops } from './ops.js';
import { cellMatrix } from './row-filter.js';

/**
 * Means over `cell × cell` samples: `[N, C, H, W]` to a sample a cell; those beyond the last whole cell are left out, or
 * are a smaller cell. Two products with banded matrices: several times quicker than AveragePool with so large a kernel.
 */
export function cellMeans<T>(ops: Ops<T>, x: T, cell: number, rest: 'left-out' | 'smaller-cell'): T {
  const [, , height = 0, width = 0] = ops.shape(x);
  const along = (picture: T, axis: 2 | 3, size: number) => {
    const { rows, columns, data } = cellMatrix(size, cell, rest);
    return ops.linear(picture, ops.constant([rows, columns], data), { axis });
  };
  return along(along(x, 3, width), 2, height);
}

/** A picture of one channel whose sides are multiples of `cell`, by a convolution: `[N, 1, H, W]` to `[N, 1, H/cell, W/cell]`. */
export function reduced<T>(ops: Ops<T>, luma: T, cell: number): T {
  const kernel = new Float32Array(cell * cell).fill(1 / (cell * cell));
  return ops.conv2d(luma, ops.constant([1, 1, cell, cell], kernel), { stride: cell });
}
