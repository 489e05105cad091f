/** A part of a plane of samples. */
export interface PlanePart {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Samples from one row of the plane to the next. */
  readonly stride: number;
}

/**
 * How sharp a picture is: the variance of its Laplacian (4 times a sample less its four neighbours), in squared code
 * values. After Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
 */
export function laplacianVariance(plane: ArrayLike<number>, { left, top, width, height, stride }: PlanePart): number {
  let sum = 0;
  let squares = 0;
  for (let y = top + 1; y < top + height - 1; y += 1) {
    for (let x = left + 1; x < left + width - 1; x += 1) {
      const at = y * stride + x;
      const value = 4 * plane[at]! - plane[at - 1]! - plane[at + 1]! - plane[at - stride]! - plane[at + stride]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = Math.max(1, (width - 2) * (height - 2));
  return squares / count - (sum / count) ** 2;
}
