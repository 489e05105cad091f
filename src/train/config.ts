import { z } from 'zod';
import { lossKinds } from './losses.js';
import { recordFields, testFields } from './record-fields.js';

const positive = z.number().positive();

const lossTerm = z
  .strictObject({ kind: z.enum(lossKinds), weight: positive.default(1), harm: positive.optional() })
  .refine(({ kind, harm }) => harm === undefined || kind === 'gain', {
    path: ['harm'],
    message: 'is for "gain" alone',
  });

const recipe = z.strictObject({
  /** Everything random follows from it. Default 1. */
  seed: z.int().min(0).default(1),
  /** The network's family and its options, as in the catalogue. */
  network: z.looseObject({ name: z.string().min(1) }),
  /** Weights to begin with: a checkpoint of the same network. Default: drawn. */
  initial: z.string().min(1).optional(),
  /**
   * Beginnings of the names of the parameters that are learned, for instance `["gate."]`; the others stay as `initial`
   * has them, which may lack those that are learned. Default: all of them.
   */
  learn: z.array(z.string().min(1)).min(1).optional(),
  data: z.strictObject({
    /** The set's folder, relative to the recipe's, or several that are one set together; one that is named twice counts twice. */
    folder: z.union([z.string().min(1), z.tuple([z.string().min(1)], z.string().min(1))]),
    /** Its published layout. Default: recognised. */
    layout: z.string().min(1).optional(),
    /** Default `train`. */
    split: z.string().min(1).default('train'),
    /** Side of the square crops in pixels. Default 256. */
    crop: z.int().min(8).max(2048).default(256),
    /** Samples of a batch. Default 4. */
    batch: z.int().min(1).max(1024).default(4),
    /** Other crops and batches from a step on, in order: larger crops late in a run (Restormer's progressive learning). Default: none. */
    progressive: z
      .array(
        z.strictObject({
          at: z.int().min(1),
          crop: z.int().min(8).max(2048),
          batch: z.int().min(1).max(1024),
        }),
      )
      .default([]),
    /** Frames restored per sample, one after the other; gradients reach back this far. Default 1. */
    clip: z.int().min(1).max(64).default(1),
    /** Mirroring and turning, or only mirroring left and right. Default true. */
    flip: z.union([z.boolean(), z.literal('horizontal')]).default(true),
    /** Reversing time. Default true. */
    reverse: z.boolean().default(true),
    /** Windows over a scene's ends are avoided where the scene is long enough, or repeat its nearest frame. Default `avoid`. */
    edges: z.enum(['avoid', 'repeat']).default('avoid'),
    /** Colour jitter: largest deviation of gains, saturation and gamma from 1. Default 0. */
    colour: z.number().min(0).max(0.5).default(0),
    /** Whether colour channels change places. Default false. */
    swap: z.boolean().default(false),
    /** PSNR in decibels above which a crop is too near to its truth to be learned from, and is drawn again. Default 60: none is. */
    sharpest: positive.default(60),
    /** Part of the samples whose blurry frames are their truths, and are to come out as they went in. Default 0. */
    sharp: z.number().min(0).max(0.9).default(0),
    /**
     * Where a network that estimates the blur's path does so: in each `crops` by itself, or, as in use, in whole
     * `frames`, once and before the run; such a network has its estimate from `initial` and does not learn it ("learn"),
     * and crops are whole tiles of it. Default `crops`.
     */
    paths: z.enum(['crops', 'frames']).default('crops'),
    /** Gigabytes of decoded pictures kept. Default 4. */
    cache: positive.default(4),
    /** Longest blur in pixels at the beginning, growing to all of it at the given part of the run. Default: no limit. */
    curriculum: z
      .strictObject({ from: positive, to: positive, until: z.number().min(0).max(1).default(0.5) })
      .optional(),
  }),
  /** Losses and their weights, summed over a network's scales; none where the estimate of the blur alone is learned ("reblur"). */
  losses: z.array(lossTerm).default([{ kind: 'l1', weight: 1 }]),
  /**
   * How much the restored frames of a sample may flicker against their truth, beside the losses; "data.clip" is then 2
   * or more. Default: flicker does not count.
   */
  temporal: positive.optional(),
  /**
   * Whether a frame is judged with its part of the one before it, as the temporal filter shows it in use; "data.clip" is then
   * 2 or more, and a sample's first frame is not judged. Default false.
   */
  steady: z.boolean().default(false),
  /**
   * How much it counts that the truth, blurred as the network estimates the blur, is the blurred frame, in nepers
   * of error; for networks that estimate it. Default: it does not count.
   */
  reblur: positive.optional(),
  /** Weights of a VGG for the perceptual loss, relative to the recipe's folder. */
  vgg: z
    .strictObject({ file: z.string().min(1), depth: z.union([z.literal(16), z.literal(19)]).default(16) })
    .optional(),
  optimiser: z
    .strictObject({
      /** Default 0.9 and 0.999. */
      betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
      /** Default 1e-8. */
      epsilon: positive.default(1e-8),
      /** Decoupled weight decay (AdamW). Default 0. */
      weightDecay: z.number().min(0).default(0),
      /** Longest gradient. Default: no limit. */
      clip: positive.optional(),
      /** Weight of the past in the mean of the parameters that is evaluated and exported. Default 0.999. */
      average: z.number().min(0).lt(1).default(0.999),
      /** Batches whose gradients are summed up for one update. Default 1. */
      accumulate: z.int().min(1).max(1024).default(1),
    })
    .prefault({}),
  schedule: z.strictObject({
    kind: z.enum(['constant', 'cosine', 'linear', 'steps']).default('cosine'),
    rate: positive,
    warmup: z.int().min(0).default(0),
    hold: z.int().min(0).default(0),
    end: z.number().min(0).default(0),
    factor: positive.default(0.5),
    at: z.array(z.int().min(0)).default([]),
  }),
  /** Updates of the parameters in all. */
  steps: z.int().min(1),
  /** Tests during the run. */
  validation: z
    .strictObject({
      /** Default: the data's. */
      folder: z.string().min(1).optional(),
      /** Default `test`. */
      split: z.string().min(1).default('test'),
      /** In place of a folder and a split: the part of the data's scenes that is not learned from. */
      holdBack: z.number().gt(0).lt(1).optional(),
      /** Frames that are measured, spread over the scenes. Default 24. */
      frames: z.int().min(1).default(24),
      ...testFields,
    })
    .optional(),
  ...recordFields,
  /** Stop when a loss is this many times the mean of the last ones. Default 100. */
  explosion: positive.default(100),
});

/** A recipe for `deblur train`. */
export const trainConfig = recipe
  .refine(({ temporal, data }) => temporal === undefined || data.clip > 1, {
    path: ['temporal'],
    message: 'flicker is told from two frames of a sample: "data.clip" must be 2 or more',
  })
  .refine(({ steady, data }) => !steady || data.clip > 1, {
    path: ['steady'],
    message: 'a frame takes a part of the one before it: "data.clip" must be 2 or more',
  })
  .refine(({ losses, reblur, temporal }) => losses.length > 0 || (reblur !== undefined && temporal === undefined), {
    path: ['losses'],
    message: 'there must be one, but for a recipe that has "reblur" and no "temporal"',
  });

/** A recipe, complete and checked. */
export type TrainConfig = z.output<typeof trainConfig>;
