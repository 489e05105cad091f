import sharp from 'sharp';
import type { DecodedPicture } from '../sets/picture-cache.js';

/** A part of a frame, cut out of several pictures of it. */
export interface Cut {
  readonly left: number;
  readonly top: number;
  /** PNG files. */
  readonly pictures: readonly Uint8Array[];
}

/** A frame's cut: blurry, the results, sharp. */
export interface Crop extends Cut {
  readonly scene: string;
  readonly index: number;
  /** By which it was chosen: the higher the better. */
  readonly value: number;
}

/** A frame that may be shown. */
export interface Candidate {
  readonly scene: string;
  readonly index: number;
  readonly value: number;
  readonly blur: DecodedPicture;
  readonly sharp: DecodedPicture;
  readonly results: readonly DecodedPicture[];
}

/** Side of a crop, and of the cells by which its place is chosen, in pixels. */
const [cropSide, cell] = [192, 16];

/** Keeps crops of the frames with the lowest and highest values. */
export class Showcase {
  readonly #count: number;
  /** Most of one scene, so that one does not fill the page. */
  readonly #share: number;
  #worst: Crop[] = [];
  #best: Crop[] = [];

  /**
   * @param count Crops of each kind.
   * @param scenes How many scenes there are.
   */
  constructor(count: number, scenes: number) {
    this.#count = count;
    this.#share = Math.ceil(count / Math.max(1, scenes));
  }

  /** The lowest values, lowest first. */
  get worst(): readonly Crop[] {
    return this.#worst;
  }

  /** The highest values, highest first. */
  get best(): readonly Crop[] {
    return this.#best;
  }

  /** Looks at a frame; keeps a crop of it if it is among the best or worst so far. */
  async offer(candidate: Candidate): Promise<void> {
    this.#worst = await this.#with(this.#worst, candidate, 1);
    this.#best = await this.#with(this.#best, candidate, -1);
  }

  async #with(crops: Crop[], candidate: Candidate, sign: 1 | -1): Promise<Crop[]> {
    const order = (a: { value: number }, b: { value: number }) => sign * (a.value - b.value);
    const entry = { scene: candidate.scene, value: candidate.value };
    const ranked = this.#first([...crops, entry].sort(order));
    if (!ranked.includes(entry)) return crops;
    const crop = await cut(candidate, sign);
    return this.#first([...crops, crop].sort(order));
  }

  #first<T extends { readonly scene: string }>(ranked: readonly T[]): T[] {
    const counts = new Map<string, number>();
    return ranked
      .filter(({ scene }) => {
        const count = (counts.get(scene) ?? 0) + 1;
        counts.set(scene, count);
        return count <= this.#share;
      })
      .slice(0, this.#count);
  }
}

/** Cuts out where the result lost most against the input (sign 1), or gained most (sign -1). */
async function cut(candidate: Candidate, sign: 1 | -1): Promise<Crop> {
  const { blur, sharp: truth, results, scene, index, value } = candidate;
  const middle = extremeCell(costs(blur, results[0], truth), sign);
  return { scene, index, value, ...(await cutAround(middle, [blur, ...results, truth])) };
}

/**
 * Cuts out where one picture differs most from another.
 *
 * @param pictures all of one size: these are cut.
 */
export async function cutDifference(
  one: DecodedPicture,
  other: DecodedPicture,
  pictures: readonly DecodedPicture[],
): Promise<Cut> {
  return cutAround(extremeCell(costs(one, undefined, other), 1), pictures);
}

async function cutAround(middle: { left: number; top: number }, pictures: readonly DecodedPicture[]): Promise<Cut> {
  const { width, height } = pictures[0] ?? { width: 0, height: 0 };
  const [w, h] = [Math.min(cropSide, width), Math.min(cropSide, height)];
  const left = Math.min(Math.max(0, middle.left - (w >> 1)), width - w);
  const top = Math.min(Math.max(0, middle.top - (h >> 1)), height - h);
  const cuts = pictures.map(({ data }) =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .extract({ left, top, width: w, height: h })
      .png()
      .toBuffer(),
  );
  return { left, top, pictures: await Promise.all(cuts) };
}

interface CellMap {
  readonly values: Float64Array;
  readonly columns: number;
  readonly rows: number;
}

/** Per cell, by how much the result's squared error is above the input's; the input's own where there is no result. */
function costs(blur: DecodedPicture, result: DecodedPicture | undefined, truth: DecodedPicture): CellMap {
  const { width, height } = blur;
  const [columns, rows] = [Math.ceil(width / cell), Math.ceil(height / cell)];
  const values = new Float64Array(columns * rows);
  for (let y = 0, at = 0; y < height; y += 1) {
    const row = Math.floor(y / cell) * columns;
    for (let x = 0; x < width; x += 1) {
      const into = row + Math.floor(x / cell);
      for (let c = 0; c < 3; c += 1, at += 1) {
        const input = (blur.data[at]! - truth.data[at]!) ** 2;
        values[into]! += result ? (result.data[at]! - truth.data[at]!) ** 2 - input : input;
      }
    }
  }
  return { values, columns, rows };
}

/** The middle, in pixels, of the crop with the highest (sign 1) or lowest sum. */
function extremeCell({ values, columns, rows }: CellMap, sign: 1 | -1): { left: number; top: number } {
  const reach = cropSide / cell;
  const [across, down] = [Math.min(reach, columns), Math.min(reach, rows)];
  let [most, left, top] = [-Infinity, 0, 0];
  for (let r = 0; r + down <= rows; r += 1) {
    for (let c = 0; c + across <= columns; c += 1) {
      let sum = 0;
      for (let y = r; y < r + down; y += 1) {
        for (let x = c; x < c + across; x += 1) sum += sign * values[y * columns + x]!;
      }
      if (sum > most) [most, left, top] = [sum, c, r];
    }
  }
  return { left: (left + across / 2) * cell, top: (top + down / 2) * cell };
}
