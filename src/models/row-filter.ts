/** A linear filter of a row of samples: output `i` is `Σⱼ data[i · columns + j] · sample[j]`. */
export interface RowFilter {
  /** Samples that come out. */
  readonly rows: number;
  /** Samples that go in. */
  readonly columns: number;
  readonly data: Float32Array;
}

/** Output `i` is the mean of the samples from `i` to `i + window - 1`. */
export function boxMatrix(size: number, window: number): RowFilter {
  const rows = size - window + 1;
  const data = new Float32Array(rows * size);
  for (let i = 0; i < rows; i += 1) data.fill(1 / window, i * size + i, i * size + i + window);
  return { rows, columns: size, data };
}

/**
 * Output `i` is the mean of the `i`-th `cell` samples. Samples beyond the last whole cell are left out, or are a smaller
 * cell.
 */
export function cellMatrix(size: number, cell: number, rest: 'left-out' | 'smaller-cell'): RowFilter {
  const rows = rest === 'left-out' ? Math.floor(size / cell) : Math.ceil(size / cell);
  const data = new Float32Array(rows * size);
  for (let i = 0; i < rows; i += 1) {
    const end = Math.min(size, (i + 1) * cell);
    data.fill(1 / (end - i * cell), i * size + i * cell, i * size + end);
  }
  return { rows, columns: size, data };
}

/** The weights of `Ops.resizeBilinear` along one axis. */
export function resizeMatrix(size: number, ratio: number): RowFilter {
  const rows = size * ratio;
  const data = new Float32Array(rows * size);
  const support = Math.max(1, 1 / ratio);
  for (let i = 0; i < rows; i += 1) {
    const centre = (i + 0.5) / ratio - 0.5;
    const weights = new Map<number, number>();
    for (let j = Math.ceil(centre - support); j <= Math.floor(centre + support); j += 1) {
      const weight = 1 - Math.abs(j - centre) / support;
      // Enlarging repeats the border; reducing leaves out what is outside and normalises.
      const at = ratio >= 1 ? Math.min(Math.max(j, 0), size - 1) : j;
      if (weight > 0 && at >= 0 && at < size) weights.set(at, (weights.get(at) ?? 0) + weight);
    }
    const sum = [...weights.values()].reduce((total, weight) => total + weight, 0);
    for (const [j, weight] of weights) data[i * size + j] = weight / sum;
  }
  return { rows, columns: size, data };
}
