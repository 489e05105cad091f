import type { Rational } from '../io/frame.js';
import type { PictureSize } from './state.js';

/** The smallest picture that is encoded. */
const smallest = 16;

/** The nearest even number, as 4:2:0 pictures need it, and not less than the encoder takes. */
function even(value: number): number {
  return Math.max(smallest, 2 * Math.round(value / 2));
}

/**
 * The size at which a source's pictures are shown: its own with square pixels, or the largest of the same shape within
 * the limit. Width and height are even.
 */
export function shownSize({ width, height }: PictureSize, aspect: Rational, limit: PictureSize): PictureSize {
  const ratio = aspect.num > 0 && aspect.den > 0 ? aspect.num / aspect.den : 1;
  const wide = ratio > 1 / 4 && ratio < 4 ? width * ratio : width;
  const scale = Math.min(1, limit.width / wide, limit.height / height);
  return { width: even(wide * scale), height: even(height * scale) };
}

/** A size scaled down for the network; not scaled for 1. */
export function processingSize(size: PictureSize, scale: number): PictureSize {
  if (scale === 1) return size;
  return { width: even(size.width * scale), height: even(size.height * scale) };
}

/** Whether two sizes are the same. */
export function sameSize(a: PictureSize, b: PictureSize): boolean {
  return a.width === b.width && a.height === b.height;
}
