import type { OutputHealth } from '../runtime/frame-session.js';

/** What is wrong with a network's result. */
export type GuardReason = 'nan' | 'black' | 'mosaic';

/** A result whose mean is below this where the source's is above `litMean` is black. */
const blackMean = 0.01;
const litMean = 0.03;
/** Deblurring moves light by a blur's length; the mean of a whole cell hardly changes. */
const strayedMean = 0.2;
/** So many cells may stray (a hard edge moving between cells) before the picture counts as a mosaic. */
const strayedCells = 0.1;
/** A cell of the result is a flat block when this much more of it is flat than of the source. */
const flatterBy = 0.5;
const flatCells = 0.25;

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Fraction of positions at which `far(a[i] - b[i])` holds. */
function fraction(a: Float32Array, b: Float32Array, far: (difference: number) => boolean): number {
  let count = 0;
  for (let i = 0; i < a.length; i += 1) if (far((a[i] ?? 0) - (b[i] ?? 0))) count += 1;
  return count / a.length;
}

/**
 * Judges a network's result: NaN or infinity anywhere; black where the source is not; a mosaic, that
 * is cells that no longer hold the source's light, or that became flat blocks. These are what broken
 * drivers, half-precision overflow and wrong weights produce. Undefined for a sound result.
 */
export function judge(health: OutputHealth): GuardReason | undefined {
  const { sourceMean, resultMean, sourceFlat, resultFlat } = health;
  if (!resultMean.every(Number.isFinite)) return 'nan';
  if (mean(resultMean) < blackMean && mean(sourceMean) > litMean) return 'black';
  if (fraction(resultMean, sourceMean, (d) => Math.abs(d) > strayedMean) > strayedCells) return 'mosaic';
  if (fraction(resultFlat, sourceFlat, (d) => d > flatterBy) > flatCells) return 'mosaic';
  return undefined;
}
