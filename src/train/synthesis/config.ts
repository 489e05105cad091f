import { z } from 'zod';

const range = (low: number, high: number, least = 0, most = Infinity) =>
  z
    .strictObject({ min: z.number().min(least).max(most), max: z.number().min(least).max(most) })
    .refine(({ min, max }) => min <= max, 'min must not exceed max')
    .prefault({ min: low, max: high });

const counts = (train: number, test: number) =>
  z
    .strictObject({
      train: z.int().min(0).max(100_000).default(train),
      val: z.int().min(0).max(100_000).default(0),
      test: z.int().min(0).max(100_000).default(test),
    })
    .prefault({});

const split = z.enum(['train', 'val', 'test']);

/** Pictures or videos that blur is made from. */
const source = z.strictObject({
  /** A file, a folder, or a pattern with `*`, relative to the sources' folder. */
  files: z.string().min(1),
  /** `photo` is filmed by a virtual camera; `clip` is averaged over its own frames. */
  kind: z.enum(['photo', 'clip']),
  /** SPDX identifier, or in words, of those that the table `licences` does not name. */
  licence: z.string().min(1),
  /** Which part of the set its sequences belong to. Default `train`. */
  split: split.default('train'),
});

/** What `deblur dataset build` makes. */
export const datasetConfig = z.strictObject({
  /** The folder to write, relative to the config's. Default: the command's argument. */
  out: z.string().min(1).optional(),
  /** Everything random follows from it. Default 1. */
  seed: z.int().min(0).default(1),
  /** Size of the frames in pixels, multiples of 8. Default 480×272. */
  width: z.int().min(32).max(4096).multipleOf(8).default(480),
  height: z.int().min(32).max(4096).multipleOf(8).default(272),
  /** Frames of a sequence. Default 12. */
  frames: z.int().min(1).max(1000).default(12),
  /** How many sequences are made, dealt to the sources of each split in turn. */
  sequences: z
    .strictObject({
      /** From photos. Default 100 to train on and 10 to test with. */
      photos: counts(100, 10),
      /** From clips. Default none. */
      clips: counts(0, 0),
    })
    .prefault({}),
  /** Mean length of the blur in pixels, even on a logarithmic scale. Default 1.5-16. */
  blur: range(1.5, 16, 0.05, 200),
  /** Probability of a sequence that is nearly still. Default 0.08. */
  still: z.number().min(0).max(1).default(0.08),
  /** Part of the frame interval during which the shutter is open. Default 0.25-1. */
  exposure: range(0.25, 1, 0.01, 1),
  /**
   * Probability of a sequence with a fast shutter, open for 0.05 of the interval up to `exposure.min`, whose blur is shorter
   * in proportion: motion alone does not tell how a frame is blurred. Default 0.
   */
  fast: z.number().min(0).max(1).default(0),
  /** Width in pixels that a photo is reduced to before it is filmed, where it is wider. Default 900-1800. */
  photoWidth: range(900, 1800, 64, 8192),
  /** Probability of a moving foreground in a sequence from a photo. Default 0.35. */
  foreground: z.number().min(0).max(1).default(0.35),
  /**
   * Probability of a rolling shutter, whose rows are read over 0.1-0.6 of the frame interval, in a sequence from a
   * photo. Default 0.25.
   */
  rollingShutter: z.number().min(0).max(1).default(0.25),
  /** Probability that what a photo shows as white was up to 4 times brighter. Default 0.4. */
  highlights: z.number().min(0).max(1).default(0.4),
  /** Standard deviation of the sensor's noise at middle grey, as a part of full scale. Default 0-0.012. */
  noise: range(0, 0.012, 0, 0.2),
  /** How far the lens of the blurry frames is out of focus: deviation of its Gaussian in pixels. Default: not at all. */
  defocus: range(0, 0, 0, 20),
  /**
   * What a lens in focus and the area of a sensor's pixels pass of a photo, in its truth too: deviation of a Gaussian in
   * pixels. Without it a sharp frame is crisp where its pixels happen to meet the photo's and soft where they don't.
   * Default 0.45-0.65.
   */
  optics: range(0.45, 0.65, 0.3, 2),
  /** Gain per colour channel and of all, as a factor's deviation from 1. Default 0.15. */
  whiteBalance: z.number().min(0).max(0.5).default(0.15),
  /** How the blurry frames are compressed. */
  compression: z
    .strictObject({
      /** Part of the sequences that is compressed. Default 0.6. */
      probability: z.number().min(0).max(1).default(0.6),
      /** Encoders to draw from. Default libx264 and libx265. */
      codecs: z
        .array(z.enum(['libx264', 'libx265']))
        .min(1)
        .default(['libx264', 'libx265']),
      /** Constant rate factor. Default 16-28. */
      crf: range(16, 28, 0, 51),
    })
    .prefault({}),
  /**
   * Frames of a clip that are less sharp than this (variance of the Laplacian of 8-bit luma,
   * at the size of the result) are never a truth; of a photo, parts that are sharper are preferred. Default 60.
   */
  sharpness: z.number().min(0).default(60),
  /**
   * A table of tab-separated values, relative to the sources' folder, whose columns `file` and `licence` tell the licence
   * of single files. Default: none.
   */
  licences: z.string().min(1).optional(),
  sources: z.array(source).min(1),
});

/** Settings of a data set, complete and checked. */
export type DatasetConfig = z.output<typeof datasetConfig>;
/** A part of a data set: its frames come from sources of its own. */
export type Split = z.output<typeof split>;
/** A source of a data set. */
export type DatasetSource = z.output<typeof source>;
