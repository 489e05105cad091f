import { z } from 'zod';

const range = (low: number, high: number, least = 0, most = Infinity) =>
  z
    .strictObject({ min: z.number().min(least).max(most), max: z.number().min(least).max(most) })
    .refine(({ min, max }) => min <= max, 'min must not exceed max')
    .prefault({ min: low, max: high });

const split = z.enum(['train', 'val', 'test']);

/** Pictures or videos that blur is made from. */
const source = z.strictObject({
  /** A file, or a pattern with `*`, relative to the sources' folder. */
  files: z.string().min(1),
  /** `photo` is filmed by a virtual camera; `clip` is averaged over its own frames. */
  kind: z.enum(['photo', 'clip']),
  /** SPDX identifier, or in words. */
  licence: z.string().min(1),
  /** Which part of the set its sequences belong to. Default `train`. */
  split: split.default('train'),
});

/** What `deblur dataset build` makes. */
export const datasetConfig = z.strictObject({
  /** Everything random follows from it. Default 1. */
  seed: z.int().min(0).default(1),
  /** Size of the frames in pixels, multiples of 8. Default 480×272. */
  width: z.int().min(32).max(4096).multipleOf(8).default(480),
  height: z.int().min(32).max(4096).multipleOf(8).default(272),
  /** Frames of a sequence. Default 12. */
  frames: z.int().min(1).max(1000).default(12),
  /** Sequences of each split, dealt to its photos and clips in turn. */
  sequences: z
    .strictObject({
      train: z.int().min(0).default(100),
      val: z.int().min(0).default(0),
      test: z.int().min(0).default(10),
    })
    .prefault({}),
  /** Part of each split's sequences that is made from clips, where there are photos and clips. Default 0.2. */
  clips: z.number().min(0).max(1).default(0.2),
  /** Mean length of the blur in pixels, even on a logarithmic scale. Default 1-12. */
  blur: range(1, 12, 0.05, 200),
  /** Probability of a sequence that is nearly still. Default 0.1. */
  still: z.number().min(0).max(1).default(0.1),
  /** Part of the frame interval during which the shutter is open. Default 0.3-1. */
  exposure: range(0.3, 1, 0.01, 1),
  /** Width in pixels that a photo is reduced to before it is filmed. Default 900-1800. */
  photoWidth: range(900, 1800, 64, 8192),
  /** Probability of a moving foreground. Default 0.3. */
  foreground: z.number().min(0).max(1).default(0.3),
  /** Probability of a rolling shutter, whose rows are read over up to 0.6 of the frame interval. Default 0.2. */
  rollingShutter: z.number().min(0).max(1).default(0.2),
  /** Standard deviation of the sensor's noise at middle grey, as a part of full scale. Default 0-0.006. */
  noise: range(0, 0.006, 0, 0.2),
  /** Gain per colour channel and of all, as a factor's deviation from 1. Default 0.15. */
  whiteBalance: z.number().min(0).max(0.5).default(0.15),
  /** How the blurry frames are compressed. */
  compression: z
    .strictObject({
      /** Part of the sequences that is compressed. Default 0.5. */
      probability: z.number().min(0).max(1).default(0.5),
      /** Encoders to draw from. Default libx264. */
      codecs: z
        .array(z.enum(['libx264', 'libx265']))
        .min(1)
        .default(['libx264']),
      /** Default 14-24. */
      crf: range(14, 24, 0, 51),
    })
    .prefault({}),
  /** Clips and photos less sharp than this (variance of the Laplacian of 8-bit luma) are left out. Default 60. */
  sharpness: z.number().min(0).default(60),
  sources: z.array(source).min(1),
});

/** Settings of a data set, complete and checked. */
export type DatasetConfig = z.output<typeof datasetConfig>;
/** A part of a data set. */
export type Split = z.output<typeof split>;
/** A source of a data set. */
export type DatasetSource = z.output<typeof source>;
