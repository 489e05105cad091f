import path from 'node:path';
import { checked } from '../../checked.js';
import type { BackendName } from '../../runtime/tensorflow/backend.js';
import { blur2blurConfig, type Blur2BlurConfig } from '../blur2blur/config.js';

/** How much work an adaptation is. */
export interface AdaptEffort {
  /** Channels of the translator at full resolution. */
  readonly baseChannels: number;
  /** Channels of the discriminator after its first convolution. */
  readonly features: number;
  /** Side of the crops in pixels. */
  readonly crop: number;
  readonly batch: number;
  readonly steps: number;
  /** Pictures with known blur that are made beforehand. */
  readonly pictures: number;
}

const processor: AdaptEffort = { baseChannels: 8, features: 32, crop: 96, batch: 4, steps: 3000, pictures: 240 };
const card: AdaptEffort = { baseChannels: 16, features: 64, crop: 192, batch: 4, steps: 30_000, pictures: 1200 };
const plainJavaScript: AdaptEffort = { ...processor, features: 16, batch: 1, steps: 300, pictures: 60 };

/** What a backend can do in a night. */
export function effortFor(backend: BackendName): AdaptEffort {
  switch (backend) {
    case 'tensorflow-gpu':
    case 'webgpu':
      return card;
    case 'tensorflow':
      return processor;
    case 'cpu':
      return plainJavaScript;
  }
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

/** Steps over which the mean of the translator's parameters reaches back, and the part of a run that it may be. */
const [meanSteps, meanPart] = [1000, 1 / 20];

/** Fewest steps between tests: each takes as long as many steps. */
const testEvery = 250;

/**
 * The recipe of an adaptation, as `deblur train` takes it.
 * @throws DeblurError `USAGE` for numbers that are out of range.
 */
export function adaptRecipe(options: AdaptRecipeOptions): Blur2BlurConfig {
  const { seed, baseChannels, features, crop, batch, steps, model, vgg, data, pairs } = options;
  const full = Math.ceil(steps / 3);
  const value = {
    method: 'blur2blur',
    seed,
    generator: { baseChannels, begin: 'identity' },
    discriminator: { features },
    // Nothing is resized: the translator meets frames as they are when it is used.
    data: { folder: data, load: null, crop, batch },
    vgg: { file: vgg, depth: path.basename(vgg).includes('19') ? 19 : 16 },
    optimiser: { average: 1 - 1 / Math.max(2, Math.min(meanSteps, Math.ceil(steps * meanPart))) },
    // An epoch of one step each, so that the run has the steps that were asked for.
    epochLength: batch,
    ...{ epochs: full, decayEpochs: steps - full },
    validation: {
      ...(pairs === undefined ? {} : { folder: pairs }),
      ...{ model, frames: 4, pictures: 2, every: Math.max(testEvery, Math.ceil(steps / 6)) },
    },
    checkpointEvery: Math.max(1, Math.min(500, Math.ceil(steps / 10))),
    logEvery: Math.max(1, Math.min(20, Math.floor(steps / 100))),
  };
  return checked(blur2blurConfig, value, 'The settings of the adaptation are not right');
}
