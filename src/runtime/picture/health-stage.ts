import { cellMeans } from '../../models/cell-means.js';
import type { OutputHealth } from '../frame-session.js';
import type { PictureOps } from './picture-ops.js';

/** The maps of {@link OutputHealth}. */
export const healthMaps = ['sourceMean', 'resultMean', 'sourceFlat', 'resultFlat'] as const;

/** A frame's maps, `[1, C, H/cell, W/cell]` each. */
export type HealthMaps<T> = Readonly<Record<(typeof healthMaps)[number], T>>;

/** Largest edge of a cell of {@link OutputHealth}'s maps, in pixels. */
const largestCell = 16;
/** Neighbouring pixels closer than this count as equal: far below one step of 8 or 10 bits. */
const equal = 1e-5;

/** Edge of a health map's cells for a picture of that size. */
export function healthCell(height: number, width: number): number {
  return Math.min(largestCell, height, width);
}

/**
 * The maps that tell a sound result from a broken one.
 * @param source `[1, C, H, W]`.
 * @param result the network's result before clamping, same shape.
 * @param clamped the result as it is written.
 */
export function healthOf<T>(ops: PictureOps<T>, source: T, result: T, clamped: T): HealthMaps<T> {
  return {
    sourceMean: healthMeans(ops, source),
    resultMean: healthMeans(ops, result),
    sourceFlat: cellFlatness(ops, source),
    resultFlat: cellFlatness(ops, clamped),
  };
}

/** A frame's health from its maps' elements. */
export function toHealth(maps: HealthMaps<Float32Array>, height: number, width: number): OutputHealth {
  return { cell: healthCell(height, width), ...maps };
}

/** Means over a frame's cells. A pixel that is not finite shows in the whole row of cells. */
function healthMeans<T>(ops: PictureOps<T>, picture: T): T {
  const [, , height = 0, width = 0] = ops.shape(picture);
  return cellMeans(ops, picture, healthCell(height, width), 'left-out');
}

/** Fraction of pixels per cell whose green (or only) sample equals their right neighbour's. */
function cellFlatness<T>(ops: PictureOps<T>, picture: T): T {
  const green = ops.shape(picture)[1] === 1 ? picture : ops.slice(picture, { axis: 1, start: 1, end: 2 });
  const widened = ops.pad(green, { top: 0, bottom: 0, left: 0, right: 1 }, 'replicate');
  const neighbour = ops.slice(widened, { axis: 3, start: 1 });
  return healthMeans(ops, ops.isNear(green, neighbour, equal));
}
