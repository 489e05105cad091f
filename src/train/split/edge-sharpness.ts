import { halved, type Gray } from '../../metrics/gray.js';

/** How sharp a picture's edges are. */
export interface EdgeSharpness {
  /**
   * The middle cell's share of detail that is left at the finest scale: 0.5 and more where edges are as steep as pixels
   * allow, below 0.3 where they are spread over several pixels in some direction. It says nothing of how much detail
   * there is, how bright or how contrasty the picture is.
   */
  readonly middle: number;
  /** The same of the cell that a quarter of the cells are below. */
  readonly lower: number;
  /** Part of the picture's cells that have enough detail to be judged. */
  readonly judged: number;
  /** Deviation of the noise, in code values. */
  readonly noise: number;
}

/** Pixels of a cell's side. */
const side = 32;
/** Steps of the second differences: along the rows, the columns and both diagonals. */
const directions = [
  [1, 0],
  [0, 1],
  [1, 1],
  [1, -1],
] as const;
/** Mean square of a second difference of white noise of variance 1: 1 + 4 + 1. */
const ofNoise = 6;
/** Variance that quartering leaves of white noise. */
const reducedNoise = 1 / 16;
/** A cell is judged in a direction where its detail, at a quarter of the size, has at least this mean square … */
const leastDetail = 12;
/** … and this many times what the noise has. */
const overNoise = 6;
/** A direction with less than this part of the detail of the strongest one is left out: there are no edges to judge. */
const leastShare = 0.1;

/**
 * Measures how steep a picture's edges are, by what second differences are at its own size against a quarter of it, in
 * the direction in which that is least: motion blurs only the edges that it crosses. What noise adds is taken off.
 * Contrast and brightness cancel.
 *
 * @param luma from 0 to 255, at least 64 pixels on each side.
 */
export function edgeSharpness(luma: Gray): EdgeSharpness {
  const reduced = halved(halved(luma));
  const [fine, coarse] = [cellEnergies(luma, side), cellEnergies(reduced, side / 4)];
  const noise = noiseVariance(fine);
  const ratios: number[] = [];
  fine.forEach((cell, i) => {
    const there = coarse[i];
    if (!there) return;
    const below = there.map((energy) => energy - ofNoise * noise * reducedNoise);
    const strongest = Math.max(...below);
    const judged = directions.flatMap((_, d) => {
      const [detail, detailBelow] = [Math.max(0, cell[d]! - ofNoise * noise), below[d]!];
      const enough =
        detailBelow >= leastDetail &&
        detailBelow >= overNoise * ofNoise * noise * reducedNoise &&
        detailBelow >= leastShare * strongest;
      return enough ? [Math.sqrt(detail / detailBelow)] : [];
    });
    if (judged.length > 0) ratios.push(Math.min(...judged));
  });
  ratios.sort((a, b) => a - b);
  const at = (part: number) => ratios[Math.floor(part * ratios.length)] ?? 0;
  return {
    middle: at(0.5),
    lower: at(0.25),
    judged: ratios.length / Math.max(1, fine.length),
    noise: Math.sqrt(noise),
  };
}

/** Mean squares of the second differences of each whole cell, in each direction. */
function cellEnergies({ data, width, height }: Gray, size: number): number[][] {
  const cells: number[][] = [];
  for (let top = 0; top + size <= height; top += size) {
    for (let left = 0; left + size <= width; left += size) {
      cells.push(
        directions.map(([dx, dy]) => {
          let sum = 0;
          let count = 0;
          for (let y = Math.max(1, top); y < Math.min(height - 1, top + size); y += 1) {
            for (let x = Math.max(1, left); x < Math.min(width - 1, left + size); x += 1) {
              const at = y * width + x;
              const step = dy * width + dx;
              const value = data[at - step]! - 2 * data[at]! + data[at + step]!;
              sum += value * value;
              count += 1;
            }
          }
          return sum / count;
        }),
      );
    }
  }
  return cells;
}

/** The noise's variance: what the flattest cells, one in twenty, still show. */
function noiseVariance(cells: readonly (readonly number[])[]): number {
  const energies = cells.map((cell) => Math.min(...cell)).sort((a, b) => a - b);
  return (energies[Math.floor(energies.length / 20)] ?? 0) / ofNoise;
}
