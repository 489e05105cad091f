import { mean, meanScore, type MeanScore, type Score } from '../../metrics/compare.js';
import { psnrCeiling } from '../../metrics/psnr.js';
import type { SsimKind } from '../../metrics/ssim.js';

/** Scores of one picture against its sharp truth. */
export interface PictureScore extends Score {
  /** LPIPS on AlexNet, 0 for identical; absent where it was not asked for or the picture is too small. */
  readonly lpips?: number;
  /** Mean absolute difference to the frame before, moved onto this one, in 8-bit codes; absent where there is none. */
  readonly warping?: number;
  /** How long the network took. */
  readonly milliseconds?: number;
}

/** Scores of one frame. */
export interface FrameEvaluation {
  readonly scene: string;
  /** Position in the scene. */
  readonly index: number;
  readonly width: number;
  readonly height: number;
  /** One per subject, in the order of {@link Evaluation.subjects}. */
  readonly scores: readonly PictureScore[];
  /** The warping error of the truth: what motion estimation and noise leave over. */
  readonly truthWarping?: number;
}

/** Means over frames. */
export interface SubjectMean extends MeanScore {
  /** What is measured. */
  readonly name: string;
  /** Mean less the input's; absent for the input itself. */
  readonly gain?: Score;
  /** The frame that lost most against the input, or gained least, in dB. */
  readonly worst?: { readonly scene: string; readonly index: number; readonly gain: number };
  readonly lpips?: number;
  readonly warping?: number;
  readonly milliseconds?: number;
}

/** A group of frames. */
export interface GroupEvaluation {
  readonly frames: number;
  /** One per subject. */
  readonly subjects: readonly SubjectMean[];
  readonly truthWarping?: number;
}

/** What `evaluateSet` found. */
export interface Evaluation {
  readonly set: { readonly root: string; readonly layout: string };
  /** `input`, then the models. */
  readonly subjects: readonly string[];
  /** Execution providers of the models. */
  readonly providers: readonly (string | undefined)[];
  readonly ssimKind: SsimKind;
  readonly frames: readonly FrameEvaluation[];
  readonly scenes: readonly ({ readonly name: string } & GroupEvaluation)[];
  /** By how blurry the input is. */
  readonly bands: readonly ({ readonly name: string } & GroupEvaluation)[];
  /** Over all frames. */
  readonly mean: GroupEvaluation;
  /** What a reader of the numbers should know. */
  readonly notes: readonly string[];
}

/** What a frame's subject gained over the input, in dB. */
export function gainOf({ scores }: FrameEvaluation, subject: number): number {
  const [input, result] = [scores[0]?.psnr ?? NaN, scores[subject]?.psnr ?? NaN];
  return Math.min(psnrCeiling, result) - Math.min(psnrCeiling, input);
}

/** Strong blur, mild to medium blur, hardly any, none: by the PSNR of the input in dB. */
const bandEdges = [
  ['below 24 dB', -Infinity, 24],
  ['24-30 dB', 24, 30],
  ['30-36 dB', 30, 36],
  ['above 36 dB', 36, Infinity],
] as const;

/** The means of frames whose inputs are about equally blurry. */
export function summariseBands(names: readonly string[], frames: readonly FrameEvaluation[]): Evaluation['bands'] {
  return bandEdges.flatMap(([name, low, high]) => {
    const own = frames.filter(({ scores }) => (scores[0]?.psnr ?? NaN) >= low && (scores[0]?.psnr ?? NaN) < high);
    return own.length > 0 ? [{ name, ...summarise(names, own) }] : [];
  });
}

/** The means of some frames. */
export function summarise(names: readonly string[], frames: readonly FrameEvaluation[]): GroupEvaluation {
  const input = meanScore(scoresOf(frames, 0));
  const subjects = names.map((name, i): SubjectMean => {
    const scores = scoresOf(frames, i);
    const total = meanScore(scores);
    const further = {
      ...optional('lpips', known(scores, 'lpips')),
      ...optional('warping', known(scores, 'warping')),
      ...optional('milliseconds', known(scores, 'milliseconds')),
    };
    if (i === 0) return { name, ...total, ...further };
    const gain = { psnr: total.psnr - input.psnr, ssim: total.ssim - input.ssim };
    const worst = frames
      .map((frame) => ({ scene: frame.scene, index: frame.index, gain: gainOf(frame, i) }))
      .reduce((least, each) => (each.gain < least.gain ? each : least));
    return { name, ...total, gain, worst, ...further };
  });
  const truth = frames.flatMap(({ truthWarping }) => truthWarping ?? []);
  return { frames: frames.length, subjects, ...optional('truthWarping', truth) };
}

function scoresOf(frames: readonly FrameEvaluation[], subject: number): PictureScore[] {
  return frames.flatMap(({ scores }) => scores[subject] ?? []);
}

function known(scores: readonly PictureScore[], key: 'lpips' | 'warping' | 'milliseconds'): number[] {
  return scores.flatMap((score) => score[key] ?? []);
}

function optional<K extends string>(key: K, values: readonly number[]): Partial<Record<K, number>> {
  return values.length > 0 ? ({ [key]: mean(values) } as Record<K, number>) : {};
}
