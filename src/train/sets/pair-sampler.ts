import { DeblurError } from '../../errors.js';
import { psnrCeiling } from '../../metrics/psnr.js';
import type { Random } from '../random.js';
import { copyPaths, type BlurPaths } from './blur-paths.js';
import { copyCrop, cropPsnr, drawColourChange } from './crop.js';
import type { DecodedPicture } from './picture-cache.js';
import { PictureReader } from './picture-reader.js';
import { neighbour, sharpPair, type FramePair, type PairScene, type PairSet } from './pair-set.js';

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
  /**
   * What becomes of a window that reaches over a scene's end: `avoid` draws none where the scene is long enough for
   * another, `repeat` gives the scene's nearest frame in the place of the missing ones. Default `avoid`.
   */
  readonly edges?: 'avoid' | 'repeat';
  /** Mirroring and turning by 90°, or only mirroring left and right. Default true. */
  readonly flip?: boolean | 'horizontal';
  /** Reversing time: what follows comes before. Default true. */
  readonly reverse?: boolean;
  /** Colour jitter: largest deviation of gains, saturation and gamma from 1. Default 0. */
  readonly colour?: number;
  /** Whether colour channels change places. Default false. */
  readonly swap?: boolean;
  /**
   * PSNR of the sharpest crops that are wanted, in decibels: a crop that is nearer to its truth is drawn again, up to
   * 11 times. Most places of a video are nearly sharp, and there is little to learn from them. Default 60: all are.
   */
  readonly sharpest?: number;
  /**
   * Part of the samples whose blurry frames are their truths: what a fast shutter takes of the same motion, and is to come out as
   * it went in. Default 0.
   */
  readonly sharp?: number;
  /** The blur's paths, which samples then have too; crops lie on multiples of their tiles. Default: none. */
  readonly paths?: BlurPaths | undefined;
  /** Bytes of decoded pictures that are kept. Default 4 GiB. */
  readonly cache?: number;
  /** Pictures that may be unreadable, as a part of those read, at least 10. Default 0.01. */
  readonly unreadable?: number;
}

type CompleteOptions = Required<Omit<SamplerOptions, 'paths'>> & Pick<SamplerOptions, 'paths'>;

/** Options of {@link PairSampler.batch}. */
export interface BatchOptions {
  /** Blur beyond this many pixels is left out where another place can be had. Default: no limit. */
  readonly longest?: number;
  /** Samples. Default: the sampler's. */
  readonly batch?: number;
  /** Side of the crops in pixels. Default: the sampler's. */
  readonly crop?: number;
}

/** Crops of consecutive frames, each `[batch, crop, crop, 3]`, RGB in [0, 1]. */
export interface PairBatch {
  /** Samples. */
  readonly batch: number;
  /** Side of the crops in pixels. */
  readonly crop: number;
  /** `past + clip + future` of them, in order of time. */
  readonly blur: readonly Float32Array[];
  /** `clip` of them. */
  readonly sharp: readonly Float32Array[];
  /** Where the sampler has them: the blur's paths in the `clip` restored frames, `[batch, tiles, tiles, 2]` each. */
  readonly paths?: readonly Float32Array[];
}

/** Places that are tried for one sample before the set is taken for unreadable, however few pictures it has. */
const mostAttempts = 50;
/** Places of which the last is taken even if it is sharper than wanted. */
const mostDraws = 12;

/** A place where a sample may begin. */
interface Place {
  readonly scene: PairScene;
  /** Index of the block's first frame; outside of the scene where its ends are repeated. */
  readonly first: number;
  /** Length of the blur there, 0 where unknown. */
  readonly length: number;
}

/**
 * Draws crops from a set. What a step gets depends on the seed and the step alone, so that a run that goes on gets
 * what an unbroken one would have got. All frames of a sample, blurry and sharp, are cut and changed alike.
 */
export class PairSampler {
  readonly #options: CompleteOptions;
  readonly #random: Random;
  readonly #reader: PictureReader;
  /** By length of blur. */
  readonly #places: readonly Place[];

  /** @throws DeblurError `INPUT_UNREADABLE` when no scene has enough frames. */
  constructor(set: PairSet, random: Random, options: SamplerOptions) {
    const { past = 0, future = 0, clip = 1, edges = 'avoid', flip = true, reverse = true } = options;
    const { colour = 0, swap = false, sharpest = psnrCeiling, cache = 4 * 2 ** 30, unreadable = 0.01 } = options;
    const { sharp = 0, paths } = options;
    const rest = { past, future, clip, edges, flip, reverse, colour, swap, sharpest, sharp, paths, cache, unreadable };
    this.#options = { ...options, ...rest };
    this.#random = random;
    this.#reader = new PictureReader({ cache, unreadable });
    this.#places = set.scenes.flatMap((scene) => placesIn(scene, this.#options)).sort((a, b) => a.length - b.length);
    if (this.#places.length === 0) {
      throw new DeblurError('INPUT_UNREADABLE', `No scene of ${set.root} has the ${clip} frames that a sample needs.`, {
        hint: 'Choose a shorter "clip", or a set of videos.',
      });
    }
  }

  /** Pictures that could not be read so far. */
  get unreadable(): number {
    return this.#reader.unreadable;
  }

  /**
   * The batch of a step. Called before it is needed, it is read while the step before is computed.
   *
   * @throws DeblurError `INPUT_UNREADABLE` when too many pictures can't be read, one is smaller than the crop, or two
   * of a sample differ in size.
   */
  async batch(step: number, options: BatchOptions = {}): Promise<PairBatch> {
    const { past, future, clip, paths } = this.#options;
    const { longest = Infinity, batch = this.#options.batch, crop = this.#options.crop } = options;
    const size = crop * crop * 3;
    const arrays = (count: number) => Array.from({ length: count }, () => new Float32Array(batch * size));
    const ofPaths = paths && Array.from({ length: clip }, () => new Float32Array(batch * pathSize(paths, crop)));
    const pictures = { blur: arrays(past + clip + future), sharp: arrays(clip) };
    const result = { batch, crop, ...pictures, ...(ofPaths && { paths: ofPaths }) };
    await Promise.all(
      Array.from({ length: batch }, (_, i) => this.#sample(this.#random.fork('sample', step, i), longest, result, i)),
    );
    return result;
  }

  async #sample(random: Random, longest: number, batch: PairBatch, index: number): Promise<void> {
    const { past, clip, flip, reverse, sharpest, sharp, paths } = this.#options;
    const { crop } = batch;
    const fast = sharp > 0 && random.chance(sharp);
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const place = this.#draw(random, longest);
      const drawn = this.#frames(place, reverse && random.chance(0.5));
      const frames = fast ? drawn.map(sharpPair) : drawn;
      const targets = frames.slice(past, past + clip);
      const files = [...frames.map(({ blur }) => blur), ...targets.map(({ sharp }) => sharp)];
      const pictures = await this.#reader.read(files);
      const [first] = pictures ?? [];
      if (!pictures || !first) continue;
      checkSizes(pictures, files, crop);
      const align = paths?.tile ?? 1;
      const cut = {
        left: align * random.below(Math.floor((first.width - crop) / align) + 1),
        top: align * random.below(Math.floor((first.height - crop) / align) + 1),
        size: crop,
        turn: flip === true ? random.below(8) : flip === 'horizontal' ? random.below(2) : 0,
      };
      if (!fast && sharpest < psnrCeiling && attempt < mostDraws - 1) {
        const restored = pictures.slice(past, past + clip);
        if (cropPsnr(restored, pictures.slice(frames.length), cut) > sharpest) continue;
      }
      const change = drawColourChange(random, this.#options);
      pictures.forEach((picture, k) => {
        const target = k < frames.length ? batch.blur[k] : batch.sharp[k - frames.length];
        if (target) copyCrop(picture, cut, change, target, index * crop * crop * 3);
      });
      if (paths) {
        targets.forEach(({ blur }, k) => {
          const [grid, target] = [paths.get(blur), batch.paths?.[k]];
          if (!grid || !target) throw new TypeError(`the paths of ${blur} are not known`);
          copyPaths(grid, cut, paths.tile, target, index * pathSize(paths, crop));
        });
      }
      return;
    }
    throw this.#reader.tooManyFailures();
  }

  /** The frames at a place, in the order in which the sample has them. */
  #frames({ scene, first }: Place, backwards: boolean): FramePair[] {
    const { past, future, clip } = this.#options;
    const needed = past + clip + future;
    return Array.from({ length: needed }, (_, k) => {
      // Of a still, the restored frame is every frame.
      const middle = scene.stills ? first + past : 0;
      return neighbour(scene, middle, first - middle + (backwards ? needed - 1 - k : k));
    });
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
}

/** Numbers that a crop's paths are. */
function pathSize({ tile }: BlurPaths, crop: number): number {
  return 2 * (crop / tile) ** 2;
}

/** Where samples may begin in a scene. */
function placesIn(scene: PairScene, { past, future, clip, edges }: CompleteOptions): Place[] {
  const { pairs, stills = false } = scene;
  const whole = pairs.length - (past + clip + future) + 1;
  const repeated = stills || edges === 'repeat' || whole <= 0;
  const count = repeated ? pairs.length - clip + 1 : whole;
  if (count <= 0 || (stills && clip > 1)) return [];
  return Array.from({ length: count }, (_, i) => {
    const first = repeated ? i - past : i;
    // Where time may run backwards, the restored frames lie as far from the other end.
    const [from, to] = [first + Math.min(past, future), first + Math.max(past, future) + clip];
    const lengths = pairs.slice(Math.max(0, from), to).map(({ length = 0 }) => length);
    return { scene, first, length: Math.max(...lengths) };
  });
}

function checkSizes(pictures: readonly DecodedPicture[], files: readonly string[], crop: number): void {
  const [first] = pictures;
  if (!first) return;
  pictures.forEach(({ width, height }, i) => {
    const file = files[i] ?? '';
    if (width !== first.width || height !== first.height) {
      throw new DeblurError(
        'INPUT_UNREADABLE',
        `${file} is ${width}x${height} where ${files[0]} is ${first.width}x${first.height}.`,
      );
    }
    if (width < crop || height < crop) throw smallerThanCrop(file, width, height, crop);
  });
}

/** The error for a picture that no crop fits into. */
export function smallerThanCrop(file: string, width: number, height: number, crop: number): DeblurError {
  return new DeblurError('INPUT_UNREADABLE', `${file} is ${width}x${height}, smaller than the crop of ${crop}.`, {
    hint: 'Choose a smaller "crop".',
  });
}
