import { DeblurError } from '../errors.js';
import type { PictureGeometry } from './frame-session.js';
import { oneTile, planTiles, type TilePlan, type TileRules } from './tile-plan.js';

/** How a network wants to be tiled. */
export interface TilingNeeds {
  /** Tile sizes should be multiples of this. */
  readonly multiple: number;
  /** Pixels at which an input still changes an output, or `global`. */
  readonly reach: number | 'global';
  /** Overlap of neighbouring tiles in pixels that hides their borders. */
  readonly overlap: number;
}

/** What a network's run takes. */
export interface NetworkMemory {
  /** Bytes that grow with the picture, per pixel. */
  readonly perPixel: number;
  /** Bytes that do not. */
  readonly fixed: number;
}

/** Edge of the picture on which a network's memory is estimated; from there it grows with the area. */
const sampleEdge = 256;
/** Float RGB pictures alive at once around a tiled network: source, result, difference and their planes. */
const picturesAroundTiles = 6;
/** Narrowest blend of neighbouring tiles, in pixels. */
const narrowestFeather = 8;

/** Edge of the square picture on which to measure {@link NetworkMemory}. */
export function sampleEdgeFor({ multiple }: TilingNeeds): number {
  return Math.ceil(sampleEdge / multiple) * multiple;
}

/**
 * The grid of tiles, as few as possible, with which a network's run keeps a memory budget in bytes.
 * @param measure is asked only where there is a budget.
 * @throws DeblurError `MEMORY_BUDGET` that says what would be enough.
 */
export function planForBudget(
  { multiple, reach, overlap }: TilingNeeds,
  { width, height }: PictureGeometry,
  budget: number,
  measure: () => NetworkMemory,
): TilePlan {
  if (budget === Infinity) return oneTile(height, width);
  const memory = measure();
  const fixed = memory.fixed + width * height * 3 * Float32Array.BYTES_PER_ELEMENT * picturesAroundTiles;
  const margin = reach === 'global' ? overlap >> 2 : reach;
  const rules: TileRules = { multiple, margin, feather: Math.max(narrowestFeather, overlap - 2 * margin) };
  const round = (size: number) => Math.ceil(size / multiple) * multiple;
  const cost = (tileHeight: number, tileWidth: number) => round(tileHeight) * round(tileWidth) * memory.perPixel;
  const plan = planTiles(height, width, rules, budget - fixed, cost);
  if (plan) return plan;
  const edge = 2 * (2 * margin + rules.feather) + multiple;
  throw new DeblurError(
    'MEMORY_BUDGET',
    `A ${width}x${height} frame can't be processed within ${megabytes(budget)}, however small the tiles.`,
    { hint: `Allow about --memory ${megabytes(fixed + cost(edge, edge))}.` },
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}M`;
}
