import { z } from 'zod';

/** Where a job stands. */
export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;

/** What a job may be told: a part of the settings of `deblur run`. */
export const jobSettings = z.strictObject({
  /** A model's name. Default: the server's. */
  model: z.string().min(1).max(128).optional().describe('A model’s name; the server’s own by default.'),
  /** A translator's name, or null for none. Default: the server's. */
  translator: z
    .string()
    .min(1)
    .max(128)
    .nullable()
    .optional()
    .describe('A translator’s name, or null for none; the server’s own by default.'),
  /** How much of the result to use, from 0 to 1. Default: 1. */
  strength: z.number().min(0).max(1).optional().describe('How much of the result to use, from 0 to 1.'),
  /** Constant quality on the encoder's own scale. */
  crf: z.number().min(0).max(63).optional().describe('Constant quality on the encoder’s own scale.'),
  /** Extension of the result's container. Default: the input's where it is one of these, else `mkv`. */
  container: z
    .enum(['mp4', 'mkv', 'mov', 'webm'])
    .optional()
    .describe('Container of the result; the input’s where it is one of these, else mkv.'),
});

/** What a job may be told. */
export type JobSettings = z.output<typeof jobSettings>;

/** A request for a job on a file below the server's root. */
export const jobRequest = z.strictObject({
  /** Path of the input, relative to the root. */
  path: z.string().min(1).max(4096).describe('Path of the input, relative to the server’s root.'),
  settings: jobSettings.optional(),
});

/** A request for a job on a file below the server's root. */
export type JobRequest = z.output<typeof jobRequest>;

/** A video to deblur, its place in the queue and what became of it. */
export const job = z.object({
  id: z.string(),
  /** Name of the input, for a person. */
  name: z.string(),
  state: z.enum(jobStates),
  /** Jobs before it in the queue: 0 is next; undefined when it is not queued. */
  position: z.number().int().nonnegative().optional(),
  settings: jobSettings,
  /** When it was asked for, in milliseconds since the epoch. */
  created: z.number(),
  started: z.number().optional(),
  finished: z.number().optional(),
  progress: z
    .object({
      /** Frames written. */
      frames: z.number().int().nonnegative(),
      /** Frames the container promises, where it does. */
      total: z.number().int().nonnegative().optional(),
      /** Frames per second so far. */
      rate: z.number().nonnegative(),
      /** Seconds still to go, where the total is known. */
      remaining: z.number().nonnegative().optional(),
    })
    .optional(),
  /** Why it failed. */
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
  /** The result, when it is done. */
  result: z.object({ name: z.string(), bytes: z.number().int().nonnegative(), type: z.string() }).optional(),
});

/** A video to deblur, its place in the queue and what became of it. */
export type Job = z.output<typeof job>;

/** An address that a result can be fetched at without a token, for a while: what a browser's own download needs. */
export const jobLink = z.object({
  /** Path on the server. */
  href: z.string(),
  /** When it ends, in milliseconds since the epoch. */
  expires: z.number(),
});

/** An address that a result can be fetched at without a token, for a while. */
export type JobLink = z.output<typeof jobLink>;
