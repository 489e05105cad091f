import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type * as tfjs from '@tensorflow/tfjs';
import { DeblurError, throwIfAborted } from '../../errors.js';
import { mimoUnet } from '../../models/mimo-unet.js';
import { parametersOf, parametersUsed, type Network } from '../../models/network.js';
import { elements, type Shape } from '../../models/ops.js';
import { patchGan } from '../../models/patchgan.js';
import { readCheckpoint } from '../../models/weights/checkpoint.js';
import { checkParameters, type Tensors, type WeightTensor } from '../../models/weights/tensors.js';
import { openSession } from '../../runtime/open-session.js';
import type { Backend } from '../../runtime/tensorflow/backend.js';
import { TensorflowOps } from '../../runtime/tensorflow/tf-ops.js';
import { Adam } from '../adam.js';
import { CheckpointStore, type TrainingState } from '../checkpoint.js';
import { combineLosses } from '../losses.js';
import { optimiserState, restoreOptimiser } from '../optimiser-state.js';
import { initialParameters, Parameters } from '../parameters.js';
import { Random } from '../random.js';
import { openPairSet } from '../sets/open-set.js';
import { bytesOf } from '../file-bytes.js';
import { exportModel, perceptualOptions, type TrainOptions, type TrainReport } from '../trainer.js';
import {
  adversarialStep,
  discriminatorStep,
  type DiscriminatorLosses,
  type Opponents,
  type Pulls,
  type StepLosses,
  type StepPictures,
} from './adversarial-step.js';
import { discriminatorOptions, generatorOptions, smallestCrop, type Blur2BlurConfig } from './config.js';
import { openKnownBlur } from './open-known-blur.js';
import { epochRate } from './epochs.js';
import { imitationStep } from './imitation.js';
import { matchingKernel } from './spectrum.js';
import { topKShare } from './top-k.js';
import { TranslationValidation, type TranslationScore } from './translation-validation.js';
import { UnpairedSampler, type UnpairedBatch } from './unpaired-sampler.js';
import { openUnpairedSet, scenesIn } from './unpaired-set.js';

/** Options of {@link trainBlur2Blur}. */
export interface TrainBlur2BlurOptions extends Omit<TrainOptions, 'config'> {
  readonly config: Blur2BlurConfig;
}

/** What a run did. */
export interface Blur2BlurReport extends TrainReport {
  /** The last test; absent where none was asked for. */
  readonly translation: TranslationScore | undefined;
}

/** The two networks in a checkpoint. */
const players = ['generator', 'discriminator'] as const;

/** Deviation of the weights that training begins with. */
const initialDeviation = 0.02;

/**
 * Trains a translator of blurs (Pham et al., "Blur2Blur: Blur Conversion for Unsupervised Image Deblurring on Unknown
 * Domains", CVPR 2024), or goes on with a run that was begun in the same folder: the losses are those of an unbroken
 * run, to the last digit, on the same machine. The translator is written as `model.safetensors`, which `openModel` takes.
 *
 * @throws DeblurError `TRAINING_FAILED` when a loss is no number; `INPUT_UNREADABLE`, `INPUT_NOT_FOUND` for the data;
 * `USAGE` for settings that don't fit each other; `CHECKPOINT_INVALID` for weights, or a folder with another run;
 * `MODEL_UNKNOWN`, `MODEL_MISSING` for the deblurring network; `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`.
 */
export async function trainBlur2Blur(options: TrainBlur2BlurOptions): Promise<Blur2BlurReport> {
  const { config, folder, run, backend, onStep, onNote, signal } = options;
  throwIfAborted(signal);
  const { tf } = backend;
  const random = new Random(config.seed);
  const generator = mimoUnet(generatorOptions(config));
  checkCrop(config);
  const set = await openUnpairedSet(path.resolve(folder, config.data.folder), {
    ...(config.known.kind === 'pictures' ? { known: config.known.folder } : {}),
    ratio: config.data.ratio,
  });
  await using blur = await openKnownBlur(config, folder, signal);
  const { load, ...data } = config.data;
  const { temporal } = config;
  const sampler = new UnpairedSampler(set, random, {
    ...data,
    cache: data.cache * 2 ** 30,
    blur,
    ...(load === null ? {} : { load }),
    ...(temporal.weight > 0 ? { shift: temporal.shift } : {}),
  });
  await using validation = await openValidation(config, folder, generator);
  const store = new CheckpointStore(path.join(run, 'checkpoints'));
  const recipe = JSON.stringify({ generator: generatorOptions(config), discriminator: discriminatorOptions(config) });
  const saved = await store.latest((error) => onNote?.(`${error.message} The one before is used.`));
  if (saved && saved.recipe !== recipe) {
    throw new DeblurError('CHECKPOINT_INVALID', `${run} holds the run of other networks: ${saved.recipe}.`, {
      hint: 'Name another folder for this run.',
    });
  }
  const { betas, clip, average, rate: fullRate } = config.optimiser;
  const [savedGenerator, savedJudge] = players.map((player) => partOf(saved, player));
  const judgeShapes = discriminatorParameters(config);
  if (savedGenerator)
    checkParameters(savedGenerator.model, parametersOf(generator), 'The translator of the checkpoint');
  if (savedJudge) checkParameters(savedJudge.model, judgeShapes, 'The discriminator of the checkpoint');
  const begin = {
    generator: savedGenerator?.model ?? (await firstTranslator(config, folder, generator, random)),
    discriminator: savedJudge?.model ?? drawn(judgeShapes, random.fork('discriminator')),
  };
  using generatorParameters = new Parameters(tf, begin.generator);
  using judgeParameters = new Parameters(tf, begin.discriminator);
  using generatorAdam = new Adam(tf, generatorParameters, { betas, average, ...(clip === undefined ? {} : { clip }) });
  using judgeAdam = new Adam(tf, judgeParameters, { betas, average: 0 });
  if (savedGenerator) restoreOptimiser(tf, generatorAdam, generatorParameters, savedGenerator);
  // The discriminator has had an update each step, the translator none while the other was ahead.
  if (saved && savedJudge) restoreOptimiser(tf, judgeAdam, judgeParameters, { ...savedJudge, updates: saved.step });
  using reconstruction = combineLosses(
    tf,
    config.reconstruction.losses,
    await perceptualOptions({ losses: config.reconstruction.losses, vgg: config.vgg }, folder),
  );
  const opponents: Opponents = {
    ...{ generator, generatorParameters },
    ...{ discriminator: discriminatorOptions(config), discriminatorParameters: judgeParameters },
    sees: config.discriminator.sees,
  };
  const perEpoch = Math.ceil((config.epochLength ?? Math.max(set.unknown.length, set.known.length)) / data.batch);
  const { ahead, rate: judgeRate = fullRate } = config.discriminator;
  const steps = ahead + perEpoch * (config.epochs + config.decayEpochs);
  const log = options.log(saved?.step ?? 0);

  let step = saved?.step ?? 0;
  let score: TranslationScore | undefined;
  let scoredAt: number | undefined;
  const first = step;
  const started = performance.now();
  const save = () => {
    const state = {
      ...{ step, recipe },
      ...mergeParts({
        generator: optimiserState(tf, generatorAdam, generatorParameters),
        discriminator: optimiserState(tf, judgeAdam, judgeParameters),
      }),
    };
    return store.save(score && scoredAt === step ? { ...state, score: score.psnr } : state);
  };
  const measure = async () => {
    if (!validation) return;
    score = await validation.score(tf, generatorParameters, generatorAdam.average, async (name, picture) => {
      await log.picture(step, name, picture);
    });
    scoredAt = step;
    const known = Object.entries(score).filter(([, value]) => Number.isFinite(value));
    log.scalars(step, named('validation', Object.fromEntries(known)));
  };

  const kernel =
    config.generator.begin === 'spectrum' && step < ahead ? await kernelFor(tf, sampler, config) : undefined;
  let next = step < steps ? sampler.batch(step) : undefined;
  try {
    while (step < steps && next && !signal?.aborted) {
      // A batch that is ready is awaited without a turn of the event loop, and Ctrl-C would never be heard.
      await setImmediate();
      const batch: UnpairedBatch = await next;
      next = step + 1 < steps ? sampler.batch(step + 1) : undefined;
      // A failure is met where the batch is awaited.
      next?.catch(() => undefined);
      const since = step - ahead;
      const share = topKShare(config.topK, Math.max(0, since) * data.batch);
      const part = since < 0 ? 1 : epochRate(config, Math.floor(since / perEpoch) + 1);
      const rate = fullRate * part;
      const norms = { generator: 0, discriminator: NaN };
      const dropped = random.fork('dropout', step);
      const ops = new TensorflowOps(tf, { draw: () => dropped.unit() });
      const settings = {
        ...{ tf, ops, penaltyWeight: config.penalty },
        scaleWeights: config.reconstruction.scaleWeights.slice(0, config.scales),
        updateDiscriminator: (gradients: readonly tfjs.Tensor[]) => {
          norms.discriminator = judgeAdam.update(gradients, judgeRate * part);
        },
      };
      const pictures = picturesOf(tf, batch, config, random.fork('step', step));
      let losses: DiscriminatorLosses & Partial<StepLosses> & { readonly imitation?: number };
      let pulls: Pulls | undefined;
      try {
        if (since < 0) {
          losses = discriminatorStep(opponents, pictures, settings);
          if (kernel) {
            const { imitationRate } = config.generator;
            const imitation = imitationStep(opponents, pictures.unknown, { tf, ops, kernel, scales: config.scales });
            norms.generator = generatorAdam.update(imitation.gradients, imitationRate);
            tf.dispose(imitation.gradients);
            losses = { ...losses, imitation: imitation.loss };
          }
        } else {
          const result = adversarialStep(opponents, pictures, {
            ...{ ...settings, reconstruction, adversarialWeight: config.adversarial, temporalWeight: temporal.weight },
            ...{ share: config.topK.mode === 'paper' ? share : 1, topKOf: config.topK.of },
          });
          ({ losses, pulls } = result);
          norms.generator = generatorAdam.update(result.gradients, rate);
          tf.dispose(result.gradients);
        }
      } finally {
        tf.dispose([pictures.unknown, pictures.known, ...(pictures.moved ? [pictures.moved.pictures] : [])]);
      }
      const loss = losses.generator ?? losses.discriminator;
      const numbers = { ...named('loss', { ...losses }), ...named('norm', norms), ...named('pull', { ...pulls }) };
      checkNumbers(numbers, step);
      step += 1;
      const speed = (step - first) / ((performance.now() - started) / 1000);
      if (step % config.logEvery === 0 || step === steps) {
        log.scalars(step, { loss, ...numbers, rate, speed, ...(config.topK.mode === 'off' ? {} : { share }) });
      }
      onStep?.({ step, steps, loss, rate, speed, validation: usable(score) });
      if (validation && (step % (config.validation?.every ?? Infinity) === 0 || step === steps)) await measure();
      if (step % config.checkpointEvery === 0) await save();
    }
    if (step > first) await save();
    const model = path.join(run, 'model.safetensors');
    await exportModel(model, generatorParameters.unpack(generatorAdam.average), generator, step);
    const { unreadable } = sampler;
    return { steps: step, complete: step >= steps, model, validation: usable(score), translation: score, unreadable };
  } finally {
    await log.close();
  }
}

/** A score for the view, where there is a truth. */
function usable(score: TranslationScore | undefined): TranslationScore | undefined {
  return score && Number.isFinite(score.psnr) ? score : undefined;
}

function named(group: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${group}/${name}`, value]));
}

function checkCrop(config: Blur2BlurConfig): void {
  const least = smallestCrop(config);
  if (config.data.crop >= least) return;
  throw new DeblurError(
    'USAGE',
    `Crops of ${config.data.crop} pixels are too small to be judged at ${config.scales} scales.`,
    {
      hint: `Take crops of ${least} at least, fewer "scales", or fewer layers of the discriminator.`,
    },
  );
}

function checkNumbers(values: Readonly<Record<string, number>>, step: number): void {
  const wrong = Object.entries(values).find(([, value]) => !Number.isFinite(value));
  if (!wrong) return;
  throw new DeblurError(
    'TRAINING_FAILED',
    `${wrong[0]} is not a number at step ${step + 1}; the last checkpoint is as it was.`,
    {
      hint: 'Halve the learning rate ("optimiser.rate") and run again: it goes on from the checkpoint.',
    },
  );
}

/** Crops of each kind whose spectra are compared. */
const spectra = 1500;

async function kernelFor(
  tf: Backend['tf'],
  sampler: UnpairedSampler,
  { data }: Blur2BlurConfig,
): Promise<Float32Array> {
  const { batch, crop } = data;
  const batches: UnpairedBatch[] = [];
  for (let i = 0; i * batch < spectra; i += 1) batches.push(await sampler.batch(i));
  const [unknown, known] = [batches.map((each) => each.unknown), batches.map((each) => each.known)];
  return matchingKernel(tf, { batch, crop, unknown, known });
}

/** The pictures of a step; the moved ones get noise of their own. */
function picturesOf(
  tf: Backend['tf'],
  { unknown, known, moved }: UnpairedBatch,
  { data: { batch, crop }, temporal: { noise } }: Blur2BlurConfig,
  random: Random,
): StepPictures {
  const picture = (values: Float32Array) => tf.tensor4d(values, [batch, crop, crop, 3]);
  const draw = random.fork('shares');
  const shares = Array.from({ length: batch }, () => draw.unit());
  const shake = random.fork('noise');
  return {
    ...{ unknown: picture(unknown), known: picture(known), shares },
    ...(moved
      ? { moved: { ...moved, pictures: picture(moved.pictures.map((value) => value + noise * shake.normal())) } }
      : {}),
  };
}

function discriminatorParameters(config: Blur2BlurConfig): Map<string, Shape> {
  const options = discriminatorOptions(config);
  return parametersUsed((ops, weights) => patchGan(ops, weights, [1, 3, 256, 256], options));
}

/** Kernels normally distributed about 0, biases 0. */
function drawn(shapes: ReadonlyMap<string, Shape>, random: Random): Tensors {
  return new Map(
    [...shapes].map(([name, shape]): [string, WeightTensor] => {
      const data = new Float32Array(elements(shape));
      const draw = random.fork(name);
      if (shape.length > 1) for (let i = 0; i < data.length; i += 1) data[i] = initialDeviation * draw.normal();
      return [name, { shape, data }];
    }),
  );
}

/** Sets the convolutions that give the pictures of the three scales to zero. */
function identity(tensors: ReadonlyMap<string, WeightTensor>): Tensors {
  return new Map(
    [...tensors].map(([name, tensor]) =>
      /^(feat_extract\.5|ConvsOut\.\d)\./.test(name)
        ? [name, { ...tensor, data: new Float32Array(tensor.data.length) }]
        : [name, tensor],
    ),
  );
}

async function firstTranslator(
  { generator: { initial, begin } }: Blur2BlurConfig,
  folder: string,
  network: Network,
  random: Random,
): Promise<Tensors> {
  const shapes = parametersOf(network);
  if (initial === undefined) {
    const draw = random.fork('generator');
    return begin === 'normal' ? drawn(shapes, draw) : identity(initialParameters(network, draw));
  }
  const file = path.resolve(folder, initial);
  const tensors = readCheckpoint(await bytesOf(file), file);
  checkParameters(tensors, shapes, path.basename(file));
  return tensors;
}

async function openValidation(
  { data, validation }: Blur2BlurConfig,
  folder: string,
  generator: Network,
): Promise<TranslationValidation | undefined> {
  if (!validation) return undefined;
  const { model, folder: pairs, split, frames, pictures } = validation;
  const root = path.resolve(folder, data.folder);
  const set =
    pairs === undefined
      ? {
          ...{ layout: 'pictures', root },
          scenes: (await scenesIn(root, 'testA')).map(({ name, files }) => ({
            name,
            pairs: files.map((file) => ({ blur: file, sharp: file })),
          })),
        }
      : await openPairSet(path.resolve(folder, pairs), { split });
  const file = /\.(onnx|safetensors)$/i.test(model) ? path.resolve(folder, model) : model;
  return new TranslationValidation(generator, {
    ...{ set, truth: pairs !== undefined, frames, pictures },
    open: (geometry) => openSession({ model: file, geometry, options: { memory: process.availableMemory() / 4 } }),
  });
}

type Player = (typeof players)[number];
type Parts = Pick<TrainingState, 'updates' | 'model' | 'average' | 'mean' | 'square'>;

/** Both networks' states as one, each name with the network's before it. Both have had as many updates. */
function mergeParts(states: Readonly<Record<Player, Parts>>): Parts {
  const merged = (part: Exclude<keyof Parts, 'updates'>) =>
    new Map(
      players.flatMap((player) =>
        [...states[player][part]].map(([name, tensor]) => [`${player}/${name}`, tensor] as const),
      ),
    );
  return {
    updates: states.generator.updates,
    ...{ model: merged('model'), average: merged('average'), mean: merged('mean'), square: merged('square') },
  };
}

function partOf(saved: TrainingState | undefined, player: Player): Parts | undefined {
  if (!saved) return undefined;
  const own = (tensors: Tensors) =>
    new Map(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(`${player}/`) ? [[name.slice(player.length + 1), tensor] as const] : [],
      ),
    );
  const { updates, model, average, mean, square } = saved;
  return { updates, model: own(model), average: own(average), mean: own(mean), square: own(square) };
}
