import type { Ops } from '../../models/ops.js';

/** Where the samples of a smaller plane sit along an axis: on a sample of the larger one, or between two. */
export type Siting = 'cosited' | 'centred';

/** Options of {@link PictureOps.enlarge}. */
export interface EnlargeOptions {
  /** 2, the height, or 3, the width. */
  readonly axis: 2 | 3;
  /** A power of two. */
  readonly factor: number;
  readonly siting: Siting;
}

/** A filter along one axis. */
export interface AxisFilter {
  readonly taps: readonly number[];
  /** Keep every `stride`-th position. */
  readonly stride: number;
}

/**
 * The vocabulary of networks and what a frame needs on its way to a network and back. The operators that
 * are added here need no gradient.
 */
export interface PictureOps<T> extends Ops<T> {
  /** Every element moved into a range. */
  clip(x: T, min: number, max: number): T;
  /** The nearest whole number, of two the even one. */
  round(x: T): T;
  /** 1 where two tensors of one shape differ by less than `tolerance`, else 0. */
  isNear(a: T, b: T, tolerance: number): T;
  /** Linear interpolation of `[N, C, H, W]` along one axis. The border is repeated. */
  enlarge(x: T, options: EnlargeOptions): T;
  /** Filters every channel of `[N, C, H, W]` with the outer product of two rows of taps, at the positions where they fit. */
  stencil(x: T, rows: AxisFilter, columns: AxisFilter): T;
}
