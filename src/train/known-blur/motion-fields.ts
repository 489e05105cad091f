import { DeblurError, throwIfAborted } from '../../errors.js';
import type { FrameFilter } from '../../io/node-av/frame-filter.js';
import { openVideo } from '../../io/open.js';
import type { Gray } from '../../metrics/gray.js';
import { opticalFlow } from '../../metrics/optical-flow.js';
import { CutDetector } from '../../pipeline/scene-cut.js';
import { lumaOfFrame } from '../synthesis/clip-analysis.js';
import { lumaSteps } from '../synthesis/clip-filters.js';

/**
 * Where what a frame of a clip shows was one frame before, and is one frame after, relative to where it is: two pairs
 * `(u, v)` per cell, row by row, as parts of the picture's width.
 */
export interface MotionField {
  readonly width: number;
  readonly height: number;
  readonly before: Float32Array;
  readonly after: Float32Array;
  /** Middle length of the ways over both intervals, as a part of the picture's width. */
  readonly length: number;
}

/** Options of {@link readMotionFields}. */
export interface MotionFieldOptions {
  /** Most fields of a clip. Default 24. */
  readonly perClip?: number;
  readonly signal?: AbortSignal;
}

/** Width in pixels of the pictures that motion is sought on. */
const analysisWidth = 192;
/** Frames of a clip from one field to the next. */
const apart = 4;
/** A field whose middle way is shorter, in pixels of {@link analysisWidth}, leaves most of a picture sharp. */
const shortest = 0.15;

/**
 * Takes motion from clips: each field is the optical flow from a frame to the ones before and after it, in one shot.
 *
 * @throws DeblurError `INPUT_UNREADABLE` for a clip, or when nothing moves in any of them; `CANCELLED`.
 */
export async function readMotionFields(
  clips: readonly string[],
  { perClip = 24, signal }: MotionFieldOptions = {},
): Promise<MotionField[]> {
  const fields: MotionField[] = [];
  for (const clip of clips) fields.push(...(await fieldsOf(clip, perClip, signal)));
  if (fields.length > 0) return fields;
  throw new DeblurError('INPUT_UNREADABLE', `Nothing moves in ${clips.join(', ')}.`, {
    hint: 'Name clips in which the camera or something before it moves.',
  });
}

async function fieldsOf(clip: string, most: number, signal: AbortSignal | undefined): Promise<MotionField[]> {
  const filters = await import('../../io/node-av/frame-filter.js');
  await using reader = await openVideo(clip, { ...(signal && { signal }) });
  const cuts = new CutDetector();
  const fields: MotionField[] = [];
  let filter: FrameFilter | undefined;
  let shot: Gray[] = [];
  let since = 0;
  try {
    for await (const frame of reader.frames()) {
      using decoded = frame;
      throwIfAborted(signal);
      filter ??= await filters.FrameFilter.open(decoded, lumaSteps(reader.video, analysisWidth));
      const [reduced] = await filter.push(decoded);
      if (!reduced) throw new RangeError('a filter without memory kept a frame');
      using picture = reduced;
      if (cuts.next(decoded) !== undefined) shot = [];
      shot = [...shot.slice(-2), lumaOfFrame(picture)];
      const [first, middle, last] = shot;
      since += 1;
      if (!first || !middle || !last || since < apart) continue;
      since = 0;
      const field = fieldBetween(first, middle, last);
      if (field.length * analysisWidth >= shortest) fields.push(field);
      if (fields.length === most) break;
    }
  } finally {
    filter?.[Symbol.dispose]();
  }
  return fields;
}

/** The motion of the middle one of three frames. */
export function fieldBetween(first: Gray, middle: Gray, last: Gray): MotionField {
  const { width, height } = middle;
  const [before, after] = [first, last].map((other) => {
    const { u, v } = opticalFlow(middle, other);
    const pairs = new Float32Array(2 * width * height);
    for (let i = 0; i < u.length; i += 1) {
      pairs[2 * i] = u[i]! / width;
      pairs[2 * i + 1] = v[i]! / width;
    }
    return pairs;
  }) as [Float32Array, Float32Array];
  const lengths = Float32Array.from(
    { length: width * height },
    (_, i) => Math.hypot(before[2 * i]!, before[2 * i + 1]!) + Math.hypot(after[2 * i]!, after[2 * i + 1]!),
  ).sort();
  return { width, height, before, after, length: lengths[lengths.length >> 1]! };
}
