/** The product of two row-major matrices, `[rows, inner]` by `[inner, columns]`. */
export function matrixProduct(a: Float32Array, b: Float32Array, inner: number): Float32Array {
  const rows = a.length / inner;
  const columns = b.length / inner;
  const result = new Float32Array(rows * columns);
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row += 1) {
    sums.fill(0);
    for (let i = 0; i < inner; i += 1) {
      const factor = a[row * inner + i] ?? 0;
      for (let column = 0; column < columns; column += 1) {
        sums[column] = (sums[column] ?? 0) + factor * (b[i * columns + column] ?? 0);
      }
    }
    result.set(sums, row * columns);
  }
  return result;
}

/** A row-major matrix with rows and columns exchanged. */
export function transposed(matrix: Float32Array, columns: number): Float32Array {
  const rows = matrix.length / columns;
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      result[column * rows + row] = matrix[row * columns + column] ?? 0;
    }
  }
  return result;
}
