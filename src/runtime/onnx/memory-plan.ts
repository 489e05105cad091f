import { DeblurError } from '../../errors.js';
import type { PictureGeometry } from '../frame-session.js';
import { planTiles, type TilePlan, type TileRules } from '../tile-plan.js';
import { networkGraph } from './frame-graphs.js';
import type { NetworkStage } from './network-stage.js';

/** Edge of the picture on which a network's memory is estimated; from there it grows with the area. */
const sampleEdge = 256;
/** Most that a run was seen to hold, as a multiple of what its buffers need: 2.35 for MAXIM, 1.6 for NAFNet (docs/benchmarks.md). */
const overhead = 2.5;
/** A model's constants are held by the serialised graph while it loads, and by the session. */
const copiesOfConstants = 2;
/** Float RGB pictures alive at once around a tiled network: source, result, difference and their planes. */
const picturesAroundTiles = 6;
/** Narrowest blend of neighbouring tiles, in pixels. */
const narrowestFeather = 8;

/**
 * The grid of tiles, as few as possible, with which a network's run keeps a memory budget in bytes.
 * @throws DeblurError `MEMORY_BUDGET` that says what would be enough.
 */
export function planForBudget(stage: NetworkStage, { width, height }: PictureGeometry, budget: number): TilePlan {
  if (budget === Infinity) return wholePicture(height, width);
  const { perPixel, constants } = memoryOf(stage);
  const fixed = constants + width * height * 3 * Float32Array.BYTES_PER_ELEMENT * picturesAroundTiles;
  const margin = stage.reach === 'global' ? stage.overlap >> 2 : stage.reach;
  const rules: TileRules = {
    multiple: stage.multiple,
    margin,
    feather: Math.max(narrowestFeather, stage.overlap - 2 * margin),
  };
  const round = (size: number) => Math.ceil(size / stage.multiple) * stage.multiple;
  const cost = (tileHeight: number, tileWidth: number) => round(tileHeight) * round(tileWidth) * perPixel;
  const plan = planTiles(height, width, rules, budget - fixed, cost);
  if (plan) return plan;
  const edge = 2 * (2 * margin + rules.feather) + stage.multiple;
  throw new DeblurError(
    'MEMORY_BUDGET',
    `A ${width}x${height} frame can't be processed within ${megabytes(budget)}, however small the tiles.`,
    { hint: `Allow about --memory ${megabytes(fixed + cost(edge, edge))}.` },
  );
}

function wholePicture(height: number, width: number): TilePlan {
  return {
    rows: [{ start: 0, length: height, fade: undefined }],
    columns: [{ start: 0, length: width, fade: undefined }],
  };
}

/** Bytes of activations per pixel and of constants, from the graph of a small picture. */
function memoryOf(stage: NetworkStage): { perPixel: number; constants: number } {
  const edge = Math.ceil(sampleEdge / stage.multiple) * stage.multiple;
  const graph = networkGraph(stage, edge, edge);
  return {
    perPixel: stage.bytesPerPixel ?? (graph.activationBytes() / edge ** 2) * overhead,
    constants: graph.constantBytes() * copiesOfConstants,
  };
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}M`;
}
