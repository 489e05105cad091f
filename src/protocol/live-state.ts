import { z } from 'zod';

/** Where the source of a live stream stands. */
export const sourceStates = ['connecting', 'live', 'reconnecting', 'ended', 'failed', 'resting'] as const;

/** Where a live stream stands: told on every change. */
export const liveState = z.object({
  source: z.enum(sourceStates),
  /** What to tell a person, as when a source was lost. */
  message: z.string().optional(),
  /** Which attempt to reconnect this is, from 1. */
  attempt: z.number().int().optional(),
  /** RFC 6381 name of the stream's codec, such as `avc1.64001f`; undefined before the first picture. */
  codec: z.string().optional(),
  /** Width of one picture in pixels; 0 before the first one. */
  width: z.number().int().nonnegative(),
  /** Height of ONE picture; the stream's is twice that: the original on top, the result below. */
  height: z.number().int().nonnegative(),
  model: z.string(),
  translator: z.string().optional(),
  /** How much of the result is used: 0 is the source, 1 the network's result. */
  strength: z.number().min(0).max(1),
  paused: z.boolean(),
  recording: z.boolean(),
  /** Size that the network works at; smaller than the picture where the machine is too slow. */
  processing: z.object({ width: z.number().int().nonnegative(), height: z.number().int().nonnegative() }),
  /** Whether size and model stay as they are, however slow the machine. */
  fixed: z.boolean(),
});

/** Where a live stream stands. */
export type LiveState = z.output<typeof liveState>;

/** Figures of a live stream, told about once a second. */
export const liveStatistics = z.object({
  /** Frames that came from the source so far. */
  framesIn: z.number().int().nonnegative(),
  /** Frames that went out so far. */
  framesOut: z.number().int().nonnegative(),
  /** Frames that were left out to keep up. */
  dropped: z.number().int().nonnegative(),
  /** Frames per second going out, lately. */
  fps: z.number().nonnegative(),
  /** Milliseconds from capture to send over the last seconds; 0 where nothing was sent. */
  latency: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }),
  viewers: z.number().int().nonnegative(),
});

/** Figures of a live stream. */
export type LiveStatistics = z.output<typeof liveStatistics>;
