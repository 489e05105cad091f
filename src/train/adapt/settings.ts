import path from 'node:path';
import { checked, readJson } from '../../checked.js';
import { lightestModel } from '../../models/catalogue.js';
import { packagePath } from '../../package-root.js';
import type { BackendName } from '../../runtime/tensorflow/backend.js';
import { blur2blurConfig, type Blur2BlurConfig } from '../blur2blur/config.js';

/** How much work an adaptation is. */
export interface AdaptEffort {
  /** Channels of the translator at full resolution. */
  readonly baseChannels: number;
  /** Residual blocks in each of the translator's encoders and decoders. */
  readonly residualBlocks: number;
  /** Channels of the discriminator after its first convolution. */
  readonly features: number;
  /** Side of the crops in pixels. */
  readonly crop: number;
  readonly batch: number;
  /** Steps of training in all. */
  readonly steps: number;
  /** Pictures with known blur that are made beforehand. */
  readonly pictures: number;
}

/** The recipe that is varied: what came best out of docs/blur2blur.md. */
function tunedRecipe(): Blur2BlurConfig {
  const file = packagePath('config/train/blur2blur-camera.json');
  return checked(blur2blurConfig, readJson(file), `${file} is not right`);
}

/** Pictures of the tuned recipe, over which its top-k share falls. */
function lengthOf({ epochs, decayEpochs, epochLength = 1 }: Blur2BlurConfig): number {
  return (epochs + decayEpochs) * epochLength;
}

/** What a backend can do in hours: the tuned recipe on a processor, a larger one on a card. */
export function effortFor(backend: BackendName): AdaptEffort {
  const recipe = tunedRecipe();
  const { generator, discriminator, data } = recipe;
  const processor: AdaptEffort = {
    ...{ baseChannels: generator.baseChannels, residualBlocks: generator.residualBlocks ?? 8 },
    ...{ features: discriminator.features, crop: data.crop, batch: data.batch },
    ...{ steps: discriminator.ahead + Math.ceil(lengthOf(recipe) / data.batch), pictures: 240 },
  };
  switch (backend) {
    case 'tensorflow-gpu':
    case 'webgpu':
      return {
        ...processor,
        baseChannels: 16,
        residualBlocks: 8,
        features: 64,
        crop: 192,
        steps: 20_000,
        pictures: 1200,
      };
    case 'tensorflow':
      return processor;
    case 'cpu':
      return { ...processor, batch: 1, steps: 300, pictures: 60 };
  }
}

const light = new Set(['light', lightestModel]);

/**
 * Lengths of the blur that a network knows, in pixels: the light networks were trained on short ones, others on those of
 * GoPro and REDS.
 */
export function knownLengths(model: string): { readonly min: number; readonly max: number } {
  return light.has(model) ? { min: 1, max: 10 } : { min: 3, max: 24 };
}

/** What {@link adaptRecipe} is made from. Paths are absolute, or relative to the recipe. */
export interface AdaptRecipeOptions extends AdaptEffort {
  readonly seed: number;
  /** The deblurring network: a name, or a path. */
  readonly model: string;
  /** Weights of a VGG; a file with 19 in its name is a VGG19. */
  readonly vgg: string;
  /** Folder of trainA, trainC and testA. */
  readonly data: string;
  /** Pairs with truth for the tests during the run. Default: testA, without one. */
  readonly pairs?: string | undefined;
}

/** Most of a run that the mean of the translator's parameters reaches back over, and that the discriminator learns ahead. */
const [meanPart, aheadPart] = [1 / 20, 49 / 50];
/** Fewest steps between tests: each takes as long as many steps. */
const testEvery = 250;

/**
 * The recipe of an adaptation, as `deblur train` takes it.
 * @throws DeblurError `USAGE` for numbers that are out of range.
 */
export function adaptRecipe(options: AdaptRecipeOptions): Blur2BlurConfig {
  const { seed, baseChannels, residualBlocks, features, crop, batch, steps, model, vgg, data, pairs } = options;
  const tuned = tunedRecipe();
  const ahead = Math.min(tuned.discriminator.ahead, Math.floor(steps * aheadPart));
  const full = Math.ceil((steps - ahead) * (tuned.epochs / (tuned.epochs + tuned.decayEpochs)));
  const value: unknown = {
    ...tuned,
    seed,
    generator: {
      ...{ ...tuned.generator, baseChannels, residualBlocks },
      // A single step leaves nothing to learn the spectrum in.
      begin: ahead > 0 ? tuned.generator.begin : 'identity',
    },
    discriminator: { ...tuned.discriminator, features, ahead },
    // Nothing is resized: the translator meets frames as they are when it is used.
    data: { ...tuned.data, folder: data, load: null, crop, batch },
    known: { kind: 'pictures' },
    vgg: { ...tuned.vgg, file: vgg, depth: path.basename(vgg).includes('19') ? 19 : 16 },
    topK: { ...tuned.topK, every: Math.max(1, Math.round((tuned.topK.every * steps * batch) / lengthOf(tuned))) },
    optimiser: {
      ...tuned.optimiser,
      average: Math.min(tuned.optimiser.average, 1 - 1 / Math.max(2, Math.ceil(steps * meanPart))),
    },
    // An epoch of one step each, so that the run has the steps that were asked for.
    epochLength: batch,
    ...{ epochs: full, decayEpochs: steps - ahead - full },
    validation: {
      ...(pairs === undefined ? {} : { folder: pairs }),
      ...{ model, frames: 4, pictures: 2, every: Math.max(testEvery, Math.ceil(steps / 6)) },
    },
    checkpointEvery: Math.max(1, Math.min(500, Math.ceil(steps / 10))),
    logEvery: Math.max(1, Math.min(20, Math.floor(steps / 100))),
  };
  return checked(blur2blurConfig, value, 'The settings of the adaptation are not right');
}
