import type { Random } from '../random.js';
import { copyCrop, drawColourChange, type Crop } from '../sets/crop.js';
import type { KnownBlur } from '../known-blur/known-blur.js';
import { smallerThanCrop } from '../sets/pair-sampler.js';
import { PictureReader } from '../sets/picture-reader.js';
import type { DecodedPicture } from '../sets/picture-cache.js';
import type { UnpairedSet } from './unpaired-set.js';

/** Options of {@link UnpairedSampler}. */
export interface UnpairedSamplerOptions {
  /** Samples of a batch. */
  readonly batch: number;
  /** Side of the square crops in pixels. */
  readonly crop: number;
  /** Gives the known pictures their blur. Default: they have it. */
  readonly blur?: KnownBlur | undefined;
  /** Pixels of the shorter side to which pictures are resized. Default: as they are. */
  readonly load?: number;
  /** Mirroring left and right, half of the samples. Default true. */
  readonly flip?: boolean;
  /** Bytes of decoded pictures that are kept. Default 4 GiB. */
  readonly cache?: number;
  /** Farthest move, in pixels, of the second crop around each one with unknown blur. Default: there is no second one. */
  readonly shift?: number;
}

/** Crops, each `[batch, crop, crop, 3]`, RGB in [0, 1]. */
export interface UnpairedBatch {
  readonly unknown: Float32Array;
  readonly known: Float32Array;
  /** The crops with unknown blur once more, cut some pixels to the right and down of where they were. */
  readonly moved: { readonly pictures: Float32Array; readonly right: number; readonly down: number } | undefined;
}

/** A part of a picture. */
interface Cut {
  readonly picture: DecodedPicture;
  readonly place: Crop;
}

/** Pixels around a crop that are blurred with it, so that its borders show what moves into it. */
const margin = 32;
/** Pictures that are tried for one sample. */
const mostAttempts = 50;

/**
 * Draws crops of pictures with unknown and with known blur that have nothing to do with each other. What a step gets
 * depends on the seed and the step alone. In an epoch each picture with unknown blur comes once (again, where the epoch
 * is longer than there are pictures); its partner is drawn.
 */
export class UnpairedSampler {
  readonly #set: UnpairedSet;
  readonly #random: Random;
  readonly #options: UnpairedSamplerOptions;
  readonly #reader: PictureReader;
  readonly #colour: ReturnType<typeof drawColourChange>;
  #round: { readonly index: number; readonly order: readonly number[] } | undefined;

  constructor(set: UnpairedSet, random: Random, options: UnpairedSamplerOptions) {
    this.#set = set;
    this.#random = random;
    this.#options = options;
    const { cache, load } = options;
    this.#reader = new PictureReader({
      ...(cache === undefined ? {} : { cache }),
      ...(load === undefined ? {} : { shortSide: load }),
    });
    this.#colour = drawColourChange(random, { colour: 0, swap: false });
  }

  /** Pictures that could not be read so far. */
  get unreadable(): number {
    return this.#reader.unreadable;
  }

  /**
   * The batch of a step.
   *
   * @throws DeblurError `INPUT_UNREADABLE` when too many pictures can't be read, or one is smaller than the crop.
   */
  async batch(step: number): Promise<UnpairedBatch> {
    const { batch, crop, shift, flip = true } = this.#options;
    const { unknown, known } = this.#set;
    const crops = () => new Float32Array(batch * crop * crop * 3);
    const move = this.#random.fork('move', step);
    const [right = 0, down = 0] = [0, 1].map(() => (shift === undefined ? 0 : move.below(2 * shift + 1) - shift));
    const moved = shift === undefined ? undefined : { pictures: crops(), right, down };
    const result = { unknown: crops(), known: crops(), moved };
    const settings = { crop, flip, reader: this.#reader };
    await Promise.all(
      Array.from({ length: batch }, async (_, i) => {
        const random = this.#random.fork('sample', step, i);
        const first = this.#unknownAt(step * batch + i);
        const [cut, movedCut] = await cutsOf(unknown, {
          ...settings,
          random: random.fork('unknown'),
          first,
          move: moved,
        });
        this.#copy(cut, result.unknown, i);
        if (moved) this.#copy(movedCut, moved.pictures, i);
        const [sharp] = await cutsOf(known, { ...settings, random: random.fork('known') });
        this.#copy(await this.#blurred(sharp, random.fork('blur')), result.known, i);
      }),
    );
    return result;
  }

  /** The cut once its surroundings are blurred. */
  async #blurred(cut: Cut | undefined, random: Random): Promise<Cut | undefined> {
    const { blur, crop } = this.#options;
    if (!blur || !cut) return cut;
    const { picture, place } = cut;
    const span = (start: number, size: number) =>
      [Math.max(0, start - margin), Math.min(size, start + crop + margin)] as const;
    const [[left, right], [top, bottom]] = [span(place.left, picture.width), span(place.top, picture.height)];
    const surroundings = {
      data: new Uint8Array((right - left) * (bottom - top) * 3),
      width: right - left,
      height: bottom - top,
    };
    for (let y = top; y < bottom; y += 1) {
      const row = picture.data.subarray((y * picture.width + left) * 3, (y * picture.width + right) * 3);
      surroundings.data.set(row, (y - top) * surroundings.width * 3);
    }
    const blurred = await blur.blur(surroundings, random);
    return { picture: blurred, place: { ...place, left: place.left - left, top: place.top - top } };
  }

  /** Which picture with unknown blur an item shows: a new order each time that all were shown. */
  #unknownAt(item: number): number {
    const count = this.#set.unknown.length;
    const index = Math.floor(item / count);
    if (this.#round?.index !== index)
      this.#round = { index, order: shuffled(count, this.#random.fork('order', index)) };
    return this.#round.order[item % count] ?? 0;
  }

  #copy(cut: Cut | undefined, target: Float32Array, index: number): void {
    if (cut) copyCrop(cut.picture, cut.place, this.#colour, target, index * cut.place.size ** 2 * 3);
  }
}

/** Options of {@link cutsOf}. */
interface CutOptions {
  readonly random: Random;
  readonly reader: PictureReader;
  /** The picture that is tried first. Default: drawn. */
  readonly first?: number;
  /** Side of the cut. */
  readonly crop: number;
  readonly flip: boolean;
  /** How far off it is cut a second time. */
  readonly move?: { readonly right: number; readonly down: number } | undefined;
}

/** A cut of one of the pictures, and the one where the move leads. */
async function cutsOf(
  files: readonly string[],
  { random, reader, first, crop, flip, move }: CutOptions,
): Promise<readonly [Cut, Cut]> {
  let index = first ?? random.below(files.length);
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const file = files[index] ?? '';
    const [picture] = (await reader.read([file])) ?? [];
    index = random.below(files.length);
    if (!picture) continue;
    const turn = flip && random.chance(0.5) ? 1 : 0;
    // In a mirrored picture, right is left.
    const right = (move?.right ?? 0) * (turn === 1 ? -1 : 1);
    const down = move?.down ?? 0;
    const [free, below] = [picture.width - crop - Math.abs(right), picture.height - crop - Math.abs(down)];
    if (free < 0 || below < 0) throw smallerThanCrop(file, picture.width, picture.height, crop);
    const left = random.below(free + 1) + Math.max(0, -right);
    const top = random.below(below + 1) + Math.max(0, -down);
    return [
      { picture, place: { left, top, size: crop, turn } },
      { picture, place: { left: left + right, top: top + down, size: crop, turn } },
    ];
  }
  throw reader.tooManyFailures();
}

/** The numbers below a count in an order that is drawn (Fisher and Yates). */
function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
