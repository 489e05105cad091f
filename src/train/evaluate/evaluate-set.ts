import { DeblurError, throwIfAborted } from '../../errors.js';
import { grayOf } from '../../metrics/gray.js';
import { pictureFromArray, type Picture } from '../../metrics/picture.js';
import { psnr } from '../../metrics/psnr.js';
import { ssim, type SsimKind } from '../../metrics/ssim.js';
import { continuation, warpingError, type Continuation } from '../../metrics/warping-error.js';
import type { PairSet } from '../sets/pair-set.js';
import type { DecodedPicture } from '../sets/picture-cache.js';
import {
  gainOf,
  summarise,
  summariseBands,
  type Evaluation,
  type FrameEvaluation,
  type PictureScore,
} from './evaluation.js';
import { PerceptualMeter } from './perceptual-meter.js';
import { Restorer, type OpenSession, type Restored, type RestoredPlace } from './restorer.js';
import { ScenePictures, type PicturePair } from './scene-pictures.js';
import { Showcase } from './showcase.js';

/** A model to evaluate. */
export interface EvaluatedModel {
  /** What it is called in tables. */
  readonly name: string;
  readonly open: OpenSession;
  /** How much a result takes of the one before it. Default: what suits the model. */
  readonly temporalFilter?: number | undefined;
}

/** Options of {@link evaluateSet}. */
export interface EvaluateOptions {
  /** Default: none, so that the blurry frames themselves are scored. */
  readonly models?: readonly EvaluatedModel[];
  /** Most frames of a scene, from its beginning. Default: all. */
  readonly limit?: number;
  /** Which SSIM. Default `3d`. */
  readonly ssim?: SsimKind;
  /** File with the weights of LPIPS (see `readLpipsWeights`). Default: LPIPS is left out. */
  readonly lpips?: string;
  /** Whether flicker is measured between neighbouring frames. Default true. */
  readonly temporal?: boolean;
  /** Crops of the worst frames, and as many of the best. Default 0. */
  readonly crops?: number;
  /** Share of the pictures that may be unreadable; one may in any case. Default 0.05. */
  readonly unreadable?: number;
  /** Called after each scored frame. */
  readonly onFrame?: (progress: EvaluationProgress) => void;
  /** Ends the evaluation with `CANCELLED`. */
  readonly signal?: AbortSignal;
}

/** How far an evaluation is. */
export interface EvaluationProgress {
  /** Frames looked at. */
  readonly done: number;
  readonly total: number;
  readonly frame: FrameEvaluation;
}

/** Neighbouring frames of which less than this share continues are no neighbours in time. */
const related = 0.3;

/**
 * Scores models on a set: PSNR, SSIM, LPIPS and flicker of the blurry frames and of each model's results against the
 * sharp ones, and the time that a model takes.
 *
 * @throws DeblurError `INPUT_UNREADABLE` when too many pictures can't be used; `INPUT_NOT_FOUND`, `CHECKPOINT_INVALID`
 * for the weights of LPIPS; whatever opening and running the models throws; `CANCELLED`.
 */
export async function evaluateSet(
  set: PairSet,
  options: EvaluateOptions = {},
): Promise<{ readonly evaluation: Evaluation; readonly showcase: Showcase }> {
  const { models = [], limit = Infinity, lpips, unreadable = 0.05, crops = 0, onFrame, signal } = options;
  const targets = set.scenes.flatMap((scene) =>
    scene.pairs.slice(0, limit).map((pair, index) => ({ scene, pair, index })),
  );
  const total = targets.length;
  const budget = Math.max(1, Math.floor(2 * total * unreadable));
  const pictures = new ScenePictures(budget);
  const showcase = new Showcase(crops, set.scenes.length);
  const meter = lpips === undefined ? undefined : await PerceptualMeter.open(lpips);
  const restorers = models.map(({ open, temporalFilter }) => new Restorer(open, temporalFilter));
  const frames: FrameEvaluation[] = [];
  const tally = { broken: models.map(() => 0), unrelated: 0 };
  try {
    let before: Looked | undefined;
    let announced: RestoredPlace | undefined;
    for (const [i, { scene, pair, index }] of targets.entries()) {
      throwIfAborted(signal);
      const read = await pictures.pair(pair);
      if (index === 0 || scene.stills || !read) before = undefined;
      if (!read) continue;
      const own = announced ?? pictures.place(scene, index, read.blur);
      announced = index + 1 < limit ? await pictures.nextPlace(scene, index, read.blur) : undefined;
      const restored = await restoreAll(restorers, own, announced);
      restored.forEach(({ broken }, m) => (tally.broken[m]! += broken ? 1 : 0));
      const looked: Looked = { ...read, results: restored.map(({ picture }) => picture) };
      const flow = (options.temporal ?? true) && before ? continuationOf(before, looked) : undefined;
      if (flow === 'unrelated') tally.unrelated += 1;
      const place = { scene: scene.name, index, width: read.blur.width, height: read.blur.height };
      const still = { ...place, scores: await scoresOf(looked, restored, meter, options.ssim) };
      const frame = before && flow && flow !== 'unrelated' ? withWarping(still, before, looked, flow) : still;
      frames.push(frame);
      if (crops > 0) await showcase.offer({ ...looked, ...place, value: valueOf(frame) });
      before = looked;
      onFrame?.({ done: i + 1, total, frame });
    }
    const reason = pictures.failures[0] ?? 'it has none.';
    if (frames.length === 0) {
      throw new DeblurError('INPUT_UNREADABLE', `No frame of ${set.root} can be evaluated: ${reason}`);
    }
    const subjects = ['input', ...models.map(({ name }) => name)];
    const evaluation: Evaluation = {
      set: { root: set.root, layout: set.layout },
      subjects,
      providers: restorers.map(({ provider }) => provider),
      ssimKind: options.ssim ?? '3d',
      frames,
      scenes: set.scenes.flatMap(({ name }) => {
        const own = frames.filter(({ scene }) => scene === name);
        return own.length > 0 ? [{ name, ...summarise(subjects, own) }] : [];
      }),
      bands: summariseBands(subjects, frames),
      mean: summarise(subjects, frames),
      notes: notesOf(subjects, frames, pictures.failures, tally),
    };
    return { evaluation, showcase };
  } finally {
    for (const owned of [...restorers, meter]) await owned?.[Symbol.asyncDispose]();
  }
}

/** A frame's pictures. */
interface Looked extends PicturePair {
  readonly results: readonly DecodedPicture[];
}

async function restoreAll(
  restorers: readonly Restorer[],
  place: RestoredPlace,
  next: RestoredPlace | undefined,
): Promise<Restored[]> {
  const restored: Restored[] = [];
  // One after the other: each has the machine for itself while its time is taken.
  for (const restorer of restorers) restored.push(await restorer.restore(place, next));
  return restored;
}

async function scoresOf(
  { blur, sharp, results }: Looked,
  restored: readonly Restored[],
  meter: PerceptualMeter | undefined,
  kind: SsimKind | undefined,
): Promise<PictureScore[]> {
  const truth = view(sharp);
  const scores: PictureScore[] = [];
  for (const [i, picture] of [blur, ...results].entries()) {
    const shown = view(picture);
    const distance = await meter?.measure(sharp, picture);
    const milliseconds = restored[i - 1]?.milliseconds;
    scores.push({
      psnr: psnr(truth, shown),
      ssim: ssim(truth, shown, kind),
      ...(distance === undefined || Number.isNaN(distance) ? {} : { lpips: distance }),
      ...(milliseconds === undefined ? {} : { milliseconds }),
    });
  }
  return scores;
}

function view({ data, width, height }: DecodedPicture): Picture {
  return pictureFromArray(data, { width, height });
}

function continuationOf(before: Looked, { sharp }: Looked): Continuation | 'unrelated' | undefined {
  if (before.sharp.width !== sharp.width || before.sharp.height !== sharp.height) return undefined;
  const found = continuation(grayOf(before.sharp), grayOf(sharp));
  return found.share < related ? 'unrelated' : found;
}

function withWarping(frame: FrameEvaluation, before: Looked, now: Looked, flow: Continuation): FrameEvaluation {
  const [earlier, later] = [
    [before.blur, ...before.results],
    [now.blur, ...now.results],
  ];
  const error = (a: DecodedPicture | undefined, b: DecodedPicture | undefined) =>
    a && b ? warpingError(a.data, b.data, flow) : NaN;
  return {
    ...frame,
    scores: frame.scores.map((score, i) => ({ ...score, warping: error(earlier[i], later[i]) })),
    truthWarping: error(before.sharp, now.sharp),
  };
}

/** By which frames are shown: what the first model gained; without one, how near the input is. */
function valueOf(frame: FrameEvaluation): number {
  return frame.scores.length > 1 ? gainOf(frame, 1) : Math.min(1000, frame.scores[0]?.psnr ?? NaN);
}

function notesOf(
  subjects: readonly string[],
  frames: readonly FrameEvaluation[],
  failures: readonly string[],
  { broken, unrelated }: { readonly broken: readonly number[]; readonly unrelated: number },
): string[] {
  const identical = frames.filter(({ scores }) => scores.some((score) => !Number.isFinite(score.psnr))).length;
  return [
    ...failures.map((failure) => `left out: ${failure}`),
    ...broken.flatMap((count, i) =>
      count > 0
        ? [
            `${subjects[i + 1]}: ${count} results are broken (NaN, black or a mosaic); "deblur run" would keep the source.`,
          ]
        : [],
    ),
    ...(unrelated > 0 ? [`${unrelated} frames do not continue the one before; their flicker was not measured.`] : []),
    ...(identical > 0
      ? [`${identical} frames have a picture identical to its truth; the mean PSNR is over the others.`]
      : []),
  ];
}
