import type { Gray } from '../metrics/gray.js';
import { patchPlaces, PatchSearch } from '../metrics/patch-search.js';
import { Places } from './places.js';

/** Side of the patches, which lie side by side. */
const side = 8;

/** Patches to each side that a patch's motion is compared with. */
const around = 2;
/** Pixels by which motions differ that belong together hardly any more. */
const together = 0.5;

/** How the patches of a picture move to another one, row by row. */
export interface MotionGrid {
  /** Where the patches' middles are, in pixels from the first pixel's. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Right, in pixels: what is at `x` is found at `x + u`. */
  readonly u: Float32Array;
  /** Down. */
  readonly v: Float32Array;
}

/**
 * The motion of patches of 8×8 pixels from one picture to another, by the search of {@link opticalFlow} without its
 * overlap: a twentieth of its time, for whoever needs no motion of each pixel. Where patches around one move about as it does, its
 * motion is the mean of theirs: what moves together is told more exactly by all of it than by eight pixels.
 *
 * @param from,to pyramids of pictures of the same size, see {@link pyramidOf}.
 */
export function motionGrid(from: readonly Gray[], to: readonly Gray[]): MotionGrid {
  let grid: MotionGrid | undefined;
  for (let level = from.length - 1; level >= 0; level -= 1) grid = refined(from[level]!, to[level]!, grid);
  if (!grid) throw new RangeError('a pyramid has no level');
  return evened(grid);
}

/** Searches at one size, from what was found at half of it. */
function refined(from: Gray, to: Gray, coarser: MotionGrid | undefined): MotionGrid {
  const [width, height] = [Math.min(side, from.width), Math.min(side, from.height)];
  const [lefts, tops] = [patchPlaces(from.width, side, side), patchPlaces(from.height, side, side)];
  const x = lefts.map((left) => left + (width - 1) / 2);
  const y = tops.map((top) => top + (height - 1) / 2);
  const columns = x.length;
  const u = new Float32Array(columns * y.length);
  const v = new Float32Array(columns * y.length);
  const halves = (places: readonly number[]) => places.map((place) => (place - 0.5) / 2);
  const start = coarser && new GridSampler(coarser, halves(x), halves(y));
  const search = new PatchSearch(from, to, width, height);
  for (let r = 0, i = 0; r < y.length; r += 1) {
    for (let c = 0; c < columns; c += 1, i += 1) {
      search.take(lefts[c]!, tops[r]!);
      if (start) {
        start.take(c, r);
        search.offer(2 * start.u, 2 * start.v);
      }
      search.offer(0, 0);
      if (c > 0) search.offer(u[i - 1]!, v[i - 1]!);
      if (r > 0) search.offer(u[i - columns]!, v[i - columns]!);
      search.descend();
      u[i] = search.u;
      v[i] = search.v;
    }
  }
  return { x, y, u, v };
}

/** Motions as means of those like them around. */
function evened(grid: MotionGrid): MotionGrid {
  const [columns, rows] = [grid.x.length, grid.y.length];
  const u = new Float32Array(grid.u.length);
  const v = new Float32Array(grid.v.length);
  for (let r = 0, i = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1, i += 1) {
      let [sum, right, down] = [0, 0, 0];
      for (let y = Math.max(r - around, 0); y <= Math.min(r + around, rows - 1); y += 1) {
        for (let x = Math.max(c - around, 0); x <= Math.min(c + around, columns - 1); x += 1) {
          const at = y * columns + x;
          const distance = (grid.u[at]! - grid.u[i]!) ** 2 + (grid.v[at]! - grid.v[i]!) ** 2;
          const share = 1 / (1 + distance / together ** 2) ** 2;
          sum += share;
          right += share * grid.u[at]!;
          down += share * grid.v[at]!;
        }
      }
      u[i] = right / sum;
      v[i] = down / sum;
    }
  }
  return { ...grid, u, v };
}

/** The motion between a grid's patches, at places that are known beforehand, by linear interpolation; the border goes on outside. */
export class GridSampler {
  /** The motion at the place taken last. */
  u = 0;
  v = 0;
  readonly #grid: MotionGrid;
  readonly #columns: Places;
  readonly #rows: Places;

  /** @param x,y the places' columns and rows, ascending. */
  constructor(grid: MotionGrid, x: readonly number[], y: readonly number[]) {
    this.#grid = grid;
    this.#columns = new Places(grid.x, x);
    this.#rows = new Places(grid.y, y);
  }

  /** Looks at the place in column `c` and row `r`. */
  take(c: number, r: number): void {
    const { u, v, x } = this.#grid;
    const [left, right, fx] = [this.#columns.before[c]!, this.#columns.after[c]!, this.#columns.part[c]!];
    const [top, bottom, fy] = [this.#rows.before[r]! * x.length, this.#rows.after[r]! * x.length, this.#rows.part[r]!];
    const between = (values: Float32Array) => {
      const above = values[top + left]! + fx * (values[top + right]! - values[top + left]!);
      const below = values[bottom + left]! + fx * (values[bottom + right]! - values[bottom + left]!);
      return above + fy * (below - above);
    };
    this.u = between(u);
    this.v = between(v);
  }
}
