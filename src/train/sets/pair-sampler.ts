import { DeblurError } from '../../errors.js';
import type { Random } from '../random.js';
import { PictureCache, type DecodedPicture } from './picture-cache.js';
import type { FramePair, PairScene, PairSet } from './pair-set.js';

/** Options of {@link PairSampler}. */
export interface SamplerOptions {
  /** Samples of a batch. */
  readonly batch: number;
  /** Side of the square crops in pixels. */
  readonly crop: number;
  /** Blurry frames before the first and after the last restored one. Default 0. */
  readonly past?: number;
  readonly future?: number;
  /** Restored frames of a sample, one after the other. Default 1. */
  readonly clip?: number;
  /** Mirroring and turning by 90°. Default true. */
  readonly flip?: boolean;
  /** Reversing time: what follows comes before. Default true. */
  readonly reverse?: boolean;
  /** Gain of all channels and of each, as the largest deviation from 1. Default 0. */
  readonly colour?: number;
  /** Bytes of decoded pictures that are kept. Default 4 GiB. */
  readonly cache?: number;
  /** Pictures that may be unreadable, as a part of those read, at least 10. Default 0.01. */
  readonly unreadable?: number;
}

/** Crops of consecutive frames, each `[batch, crop, crop, 3]`, RGB in [0, 1]. */
export interface PairBatch {
  /** `past + clip + future` of them, in order of time. */
  readonly blur: readonly Float32Array[];
  /** `clip` of them. */
  readonly sharp: readonly Float32Array[];
}

const leastBudget = 10;

/** A place where a sample may begin. */
interface Place {
  readonly scene: PairScene;
  /** Index of the first restored frame. */
  readonly start: number;
  /** Length of the blur there, 0 where unknown. */
  readonly length: number;
}

/** Draws crops from a set. What a step gets depends on the seed and the step alone. */
export class PairSampler {
  readonly #options: Required<SamplerOptions>;
  readonly #random: Random;
  readonly #cache: PictureCache;
  /** By length of blur. */
  readonly #places: readonly Place[];
  readonly #failures = new Set<string>();
  #reads = 0;

  /** @throws DeblurError `INPUT_UNREADABLE` when no scene has enough frames. */
  constructor(set: PairSet, random: Random, options: SamplerOptions) {
    const { past = 0, future = 0, clip = 1, flip = true, reverse = true, colour = 0 } = options;
    const { cache = 4 * 2 ** 30, unreadable = 0.01 } = options;
    this.#options = { ...options, past, future, clip, flip, reverse, colour, cache, unreadable };
    this.#random = random;
    this.#cache = new PictureCache(cache);
    const needed = past + clip + future;
    this.#places = set.scenes
      .flatMap((scene) =>
        Array.from({ length: Math.max(0, scene.pairs.length - needed + 1) }, (_, i): Place => {
          const start = i + past;
          return { scene, start, length: scene.pairs[start]?.length ?? 0 };
        }),
      )
      .sort((a, b) => a.length - b.length);
    if (this.#places.length === 0) {
      throw new DeblurError('INPUT_UNREADABLE', `No scene of ${set.root} has ${needed} frames, which a sample needs.`);
    }
  }

  /** Pictures that could not be read so far. */
  get unreadable(): number {
    return this.#failures.size;
  }

  /**
   * The batch of a step.
   *
   * @param longest Blur beyond this many pixels is left out where another place can be had. Default: no limit.
   * @throws DeblurError `INPUT_UNREADABLE` when too many pictures can't be read, or one is smaller than the crop.
   */
  async batch(step: number, longest = Infinity): Promise<PairBatch> {
    const { batch, crop, past, future, clip } = this.#options;
    const size = crop * crop * 3;
    const arrays = (count: number) => Array.from({ length: count }, () => new Float32Array(batch * size));
    const result = { blur: arrays(past + clip + future), sharp: arrays(clip) };
    await Promise.all(
      Array.from({ length: batch }, (_, i) => this.#sample(this.#random.fork('sample', step, i), longest, result, i)),
    );
    return result;
  }

  async #sample(random: Random, longest: number, batch: PairBatch, index: number): Promise<void> {
    const { crop, past, future, clip, flip, reverse, colour } = this.#options;
    for (;;) {
      const { scene, start } = this.#draw(random, longest);
      const frames = scene.pairs.slice(start - past, start + clip + future);
      const backwards = reverse && random.chance(0.5);
      // A reversed sample has its restored frames where they were only if as many frames precede as follow.
      const ordered = backwards && past === future ? [...frames].reverse() : frames;
      const targets = ordered.slice(past, past + clip);
      const pictures = await this.#read([...ordered.map(({ blur }) => blur), ...targets.map(({ sharp }) => sharp)]);
      const [first] = pictures ?? [];
      if (!pictures || !first) continue;
      checkSizes(pictures, [...ordered, ...targets], ordered.length, crop);
      const cut = {
        left: random.below(first.width - crop + 1),
        top: random.below(first.height - crop + 1),
        crop,
        turn: flip ? random.below(8) : 0,
        gains: gains(random, colour),
      };
      pictures.forEach((picture, k) => {
        const target = k < ordered.length ? batch.blur[k] : batch.sharp[k - ordered.length];
        if (target) copyCrop(picture, cut, target, index * crop * crop * 3);
      });
      return;
    }
  }

  #draw(random: Random, longest: number): Place {
    let count = this.#places.length;
    if (longest < Infinity) {
      let low = 0;
      while (low < count) {
        const middle = (low + count) >> 1;
        if ((this.#places[middle]?.length ?? 0) <= longest) low = middle + 1;
        else count = middle;
      }
      count = Math.max(1, low);
    }
    const place = this.#places[random.below(count)];
    if (!place) throw new RangeError('a sampler has no places');
    return place;
  }

  /** The pictures, or undefined when one can't be read. */
  async #read(files: readonly string[]): Promise<DecodedPicture[] | undefined> {
    const settled = await Promise.allSettled(files.map((file) => this.#cache.get(file)));
    this.#reads += files.length;
    const pictures: DecodedPicture[] = [];
    settled.forEach((outcome, i) => {
      if (outcome.status === 'fulfilled') pictures.push(outcome.value);
      else this.#failures.add(files[i] ?? '');
    });
    if (pictures.length === files.length) return pictures;
    if (this.#failures.size > Math.max(leastBudget, this.#options.unreadable * this.#reads)) {
      const names = [...this.#failures].slice(0, 3).join(', ');
      throw new DeblurError('INPUT_UNREADABLE', `${this.#failures.size} pictures can't be read, first ${names}.`, {
        hint: 'Build or copy the data set again.',
      });
    }
    return undefined;
  }
}

function checkSizes(
  pictures: readonly DecodedPicture[],
  pairs: readonly FramePair[],
  blurry: number,
  crop: number,
): void {
  const [first] = pictures;
  if (!first) return;
  pictures.forEach(({ width, height }, i) => {
    const file = (i < blurry ? pairs[i]?.blur : pairs[i]?.sharp) ?? '';
    if (width !== first.width || height !== first.height) {
      throw new DeblurError(
        'INPUT_UNREADABLE',
        `${file} is ${width}x${height} where the frames beside it are ${first.width}x${first.height}.`,
      );
    }
    if (width < crop || height < crop) {
      throw new DeblurError('INPUT_UNREADABLE', `${file} is ${width}x${height}, smaller than the crop of ${crop}.`, {
        hint: 'Choose a smaller "crop".',
      });
    }
  });
}

function gains(random: Random, colour: number): readonly [number, number, number] {
  if (colour === 0) return [1, 1, 1];
  const all = random.between(1 - colour, 1 + colour / 2);
  const own = () => all * random.between(1 - colour / 2, 1 + colour / 2);
  return [own(), own(), own()];
}

/** Copies a crop, mirrored and turned by one of the square's eight symmetries. */
function copyCrop(
  { data, width }: DecodedPicture,
  {
    left,
    top,
    crop,
    turn,
    gains: gain,
  }: {
    readonly left: number;
    readonly top: number;
    readonly crop: number;
    readonly turn: number;
    readonly gains: readonly [number, number, number];
  },
  target: Float32Array,
  offset: number,
): void {
  const [r, g, b] = [gain[0] / 255, gain[1] / 255, gain[2] / 255];
  const last = crop - 1;
  for (let y = 0; y < crop; y += 1) {
    for (let x = 0; x < crop; x += 1) {
      const [u, v] = (turn & 4) === 0 ? [x, y] : [y, x];
      const column = left + ((turn & 1) === 0 ? u : last - u);
      const row = top + ((turn & 2) === 0 ? v : last - v);
      const from = 3 * (row * width + column);
      const to = offset + 3 * (y * crop + x);
      target[to] = data[from]! * r;
      target[to + 1] = data[from + 1]! * g;
      target[to + 2] = data[from + 2]! * b;
    }
  }
}
