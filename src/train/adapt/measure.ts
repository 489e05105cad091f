import { throwIfAborted } from '../../errors.js';
import { grayOf } from '../../metrics/gray.js';
import { continuation, warpingError, type Continuation } from '../../metrics/warping-error.js';
import type { EvaluatedModel } from '../evaluate/evaluate-set.js';
import { Restorer, type RestoredPlace } from '../evaluate/restorer.js';
import { ScenePictures } from '../evaluate/scene-pictures.js';
import { cutDifference, type Cut } from '../evaluate/showcase.js';
import { decodePicture, type DecodedPicture } from '../sets/picture-cache.js';
import type { PairSet } from '../sets/pair-set.js';
import { edgeSharpness } from '../split/edge-sharpness.js';
import { cappedPsnr } from '../validation.js';
import { middleOf, spread } from './test-frames.js';

/** What can be measured of a picture without knowing how it should be: means over the frames. */
export interface SubjectMeasure {
  readonly name: string;
  /** How steep its edges are ({@link edgeSharpness}): about 0.5 and more for edges as steep as pixels allow. */
  readonly sharpness: number;
  /** Warping error by the motion of the source, in 8-bit codes; absent where no frames follow one another. */
  readonly flicker?: number;
  /** PSNR with regard to the source in dB, at most 60; absent for the source itself. */
  readonly likeness?: number;
  /** How long the networks took; absent for the source itself. */
  readonly milliseconds?: number;
}

/** Cuts of a tested frame: source, then one per model. */
export interface MeasuredCut extends Cut {
  readonly scene: string;
  readonly index: number;
}

/** What {@link measureFrames} found. */
export interface Measures {
  readonly frames: number;
  /** The source, then the models. */
  readonly subjects: readonly SubjectMeasure[];
  /** One per scene, where the last model's result differs most from the source. */
  readonly cuts: readonly MeasuredCut[];
  /** Pictures that could not be used, and broken results. */
  readonly notes: readonly string[];
}

/** Options of {@link measureFrames}. */
export interface MeasureOptions {
  readonly models: readonly EvaluatedModel[];
  /** Called after each frame. */
  readonly onFrame?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Name of the source among the subjects. */
export const sourceName = 'source';
/** Neighbouring frames of which less than this share continues are no neighbours in time. */
const related = 0.3;

/**
 * Measures models on frames whose truth nobody knows.
 *
 * @param set its blurry pictures are looked at.
 * @throws DeblurError `INPUT_UNREADABLE` when more than one picture can't be read; whatever opening and running the
 * models throws; `CANCELLED`.
 */
export async function measureFrames(set: PairSet, { models, onFrame, signal }: MeasureOptions): Promise<Measures> {
  const pictures = new ScenePictures(1);
  const restorers = models.map(({ open }) => new Restorer(open));
  const sums = [sourceName, ...models.map(({ name }) => name)].map((name) => new SubjectSum(name));
  const cuts: MeasuredCut[] = [];
  const broken = models.map(() => 0);
  const total = set.scenes.reduce((sum, { pairs }) => sum + pairs.length, 0);
  let [frames, done] = [0, 0];
  try {
    for (const scene of set.scenes) {
      let before: readonly DecodedPicture[] | undefined;
      let announced: RestoredPlace | undefined;
      for (const [index, pair] of scene.pairs.entries()) {
        throwIfAborted(signal);
        const source = (await pictures.pair(pair))?.blur;
        done += 1;
        if (!source) {
          before = undefined;
          continue;
        }
        const place = announced ?? pictures.place(scene, index, source);
        announced = await pictures.nextPlace(scene, index, source);
        const looked = [source];
        for (const [m, restorer] of restorers.entries()) {
          const result = await restorer.restore(place, announced);
          looked.push(result.picture);
          if (result.broken) broken[m]! += 1;
          if (result.milliseconds !== undefined) sums[m + 1]?.time.add(result.milliseconds);
        }
        const flow = before && flowFrom(before[0], source);
        for (const [i, picture] of looked.entries()) {
          const sum = sums[i];
          sum?.sharpness.add(edgeSharpness(grayOf(picture)).middle);
          if (i > 0) sum?.likeness.add(cappedPsnr(source, picture));
          const earlier = before?.[i];
          if (flow && earlier) sum?.flicker.add(warpingError(earlier.data, picture.data, flow));
        }
        if (index === scene.pairs.length >> 1) {
          cuts.push({
            ...{ scene: scene.name, index },
            ...(await cutDifference(source, looked[looked.length - 1] ?? source, looked)),
          });
        }
        before = looked;
        frames += 1;
        onFrame?.({ done, total });
      }
    }
  } finally {
    for (const restorer of restorers) await restorer[Symbol.asyncDispose]();
  }
  const notes = [
    ...pictures.failures.map((failure) => `left out: ${failure}`),
    ...broken.flatMap((count, m) =>
      count > 0 ? [`${models[m]?.name ?? ''}: ${count} results are broken (NaN, black or a mosaic).`] : [],
    ),
  ];
  return { frames, subjects: sums.map((sum) => sum.measure()), cuts, notes };
}

/** Most sharp pictures that are looked at. */
const mostSharp = 24;

/** The mean sharpness of pictures, by the same measure and of the same part of each. */
export async function meanSharpness(files: readonly string[], signal?: AbortSignal): Promise<number> {
  const mean = new Mean();
  for (const file of spread(files, mostSharp)) {
    throwIfAborted(signal);
    mean.add(edgeSharpness(grayOf(middleOf(await decodePicture(file)))).middle);
  }
  return mean.value ?? NaN;
}

function flowFrom(before: DecodedPicture | undefined, now: DecodedPicture): Continuation | undefined {
  if (before?.width !== now.width || before.height !== now.height) return undefined;
  const found = continuation(grayOf(before), grayOf(now));
  return found.share < related ? undefined : found;
}

/** A mean over numbers, those that are none left out. */
class Mean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#sum += value;
    this.#count += 1;
  }

  get value(): number | undefined {
    return this.#count > 0 ? this.#sum / this.#count : undefined;
  }
}

class SubjectSum {
  readonly sharpness = new Mean();
  readonly flicker = new Mean();
  readonly likeness = new Mean();
  readonly time = new Mean();

  constructor(readonly name: string) {}

  measure(): SubjectMeasure {
    const [flicker, likeness, milliseconds] = [this.flicker.value, this.likeness.value, this.time.value];
    return {
      ...{ name: this.name, sharpness: this.sharpness.value ?? NaN },
      ...(flicker === undefined ? {} : { flicker }),
      ...(likeness === undefined ? {} : { likeness }),
      ...(milliseconds === undefined ? {} : { milliseconds }),
    };
  }
}
