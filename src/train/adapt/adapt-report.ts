import type { GroupEvaluation } from '../evaluate/evaluation.js';
import type { AdaptStages } from './adapt-folder.js';
import type { AdaptEffort } from './settings.js';
import type { Measures } from './measure.js';

/** What an adaptation did, and what came of it: the content of `report.json`. */
export interface AdaptReport {
  readonly program: string;
  readonly footage: readonly string[];
  /** The deblurring network. */
  readonly model: string;
  /** The file that `deblur run --translate` takes. */
  readonly translator: string;
  /** How to use it. */
  readonly command: string;
  readonly effort: AdaptEffort;
  readonly stages: AdaptStages;
  /** Sharpness of the camera's sharp frames, by the measure of {@link tested}. */
  readonly sharpFrames: number;
  /** The source, the model alone, the translated source, and both networks, on frames of the footage. */
  readonly tested: Omit<Measures, 'cuts'>;
  /** The blurry frames, the model alone and both networks, on pairs with truth; absent where there are none. */
  readonly scored?: { readonly root: string } & GroupEvaluation;
  /** What a person should know of the result. */
  readonly remarks: readonly string[];
}

/** The part of a report that {@link remarksOn} judges by. */
export type JudgedReport = Pick<AdaptReport, 'model' | 'sharpFrames' | 'tested' | 'scored' | 'effort'>;

/** A result is as sharp as the camera's sharp frames from this part of their sharpness on. */
const asSharp = 0.95;
/** A change of sharpness that is more than chance. */
const noticeable = 1.02;
/** Flicker beyond this many times that of the model alone shows. */
const flickers = 1.25;
/** A likeness in dB below which a translator changes more than blur does. */
const leastLikeness = 22;
/** A likeness in dB above which a translator does nearly nothing. */
const nearlySame = 45;

/** What the numbers say, in sentences. */
export function remarksOn({ model, sharpFrames, tested, scored, effort }: JudgedReport): string[] {
  const [source, alone, translated, both] = tested.subjects;
  const remarks: string[] = [];
  if (source && alone && translated && both) {
    const times = (value: number, by: number) => value > by * alone.sharpness;
    if (alone.sharpness >= asSharp * sharpFrames) {
      remarks.push(
        `${model} alone makes the footage as sharp as its sharp frames: it may not need a translator. Compare the pictures.`,
      );
    }
    if (!times(both.sharpness, noticeable)) {
      remarks.push(
        `The translator does not make results sharper than ${model} alone does. ${effort.steps} steps may be too few (--steps), or the footage too uniform.`,
      );
    }
    if (times(both.sharpness, 1) && both.sharpness > 1.15 * sharpFrames) {
      remarks.push("Results are sharper than the camera's own sharp frames: look for edges that ring.");
    }
    if ((translated.likeness ?? Infinity) > nearlySame) {
      remarks.push('The translator changes next to nothing: it has learned too little yet.');
    }
    if ((translated.likeness ?? Infinity) < leastLikeness) {
      remarks.push('The translator changes pictures a lot: look for things in the results that are not in the source.');
    }
    if ((both.flicker ?? 0) > flickers * Math.max(alone.flicker ?? 0, source.flicker ?? 0)) {
      remarks.push(`Results flicker more than those of ${model} alone.`);
    }
  }
  const [, unaided, aided] = scored?.subjects ?? [];
  if (unaided && aided) {
    const gain = aided.psnr - unaided.psnr;
    remarks.push(
      gain > 0
        ? `On the pairs with truth, translation adds ${gain.toFixed(2)} dB to ${model} alone.`
        : `On the pairs with truth, ${model} alone is better by ${(-gain).toFixed(2)} dB: do not use the translator as it is.`,
    );
  }
  return remarks;
}

/** The command that uses a translator. */
export function useCommand(translator: string, model: string): string {
  return ['deblur', 'run', '--translate', translator, '--model', model, 'in.mp4', 'out.mp4'].map(quoted).join(' ');
}

/** An argument as a shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
