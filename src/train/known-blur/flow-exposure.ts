import { momentsFor } from '../synthesis/film.js';
import { addSeen, type LinearPicture } from '../synthesis/virtual-camera.js';
import type { MotionField } from './motion-fields.js';

/** How a picture is exposed while what it shows moves. */
export interface FlowExposure {
  readonly field: MotionField;
  /** Middle length of the blur over the picture, in pixels. */
  readonly length: number;
  /** Mirror the motion left and right, and top and bottom. */
  readonly mirror: readonly [boolean, boolean];
}

/** Fewest moments of an exposure. */
const leastMoments = 7;
/** Of the picture's ways, the part that is at most as long as the one that says how many moments are averaged. */
const longWay = 0.98;

/** Nearly the longest way is at most so many times the middle one: what moves alone is not torn apart. */
const mostUneven = 5;

/**
 * Averages the moments of an exposure: what the picture shows moves along the parabola through its places in the
 * field, one interval of which is the exposure.
 *
 * @param picture linear light.
 * @returns the mean in linear light, interleaved RGB.
 */
export function exposeAlongFlow(picture: LinearPicture, { field, length, mirror }: FlowExposure): Float32Array {
  const { width, height } = picture;
  // Half of the way over both intervals is what a whole interval's exposure passes.
  const scale = (2 * length) / Math.max(field.length, 1e-9);
  const [before, after] = [field.before, field.after].map((pairs) =>
    enlarged(pairs, field, picture, mirror, scale),
  ) as [Float32Array, Float32Array];
  const far = longest(before, after);
  const held = Math.min(1, (mostUneven * length) / Math.max(far, 1e-9));
  if (held < 1) for (const way of [before, after]) for (let i = 0; i < way.length; i += 1) way[i]! *= held;
  const moments = momentsFor(far * held, leastMoments);
  const sum = new Float32Array(width * height * 3);
  const places = new Float32Array(width * height * 2);
  for (let k = 0; k < moments; k += 1) {
    const time = (k + 0.5) / moments - 0.5;
    for (let i = 0, y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, i += 2) {
        // What is here at this time was elsewhere in the picture.
        places[i] = x - along(before[i]!, after[i]!, time);
        places[i + 1] = y - along(before[i + 1]!, after[i + 1]!, time);
      }
    }
    addSeen(picture, places, sum);
  }
  for (let i = 0; i < sum.length; i += 1) sum[i]! /= moments;
  return sum;
}

/** The place at a time between -1 and 1 on the parabola that is at `before`, 0 and `after` at -1, 0 and 1. */
function along(before: number, after: number, time: number): number {
  return time * (0.5 * (after - before) + 0.5 * time * (after + before));
}

/** A field's pairs at every pixel of a picture, in pixels. */
function enlarged(
  pairs: Float32Array,
  { width: fieldWidth, height: fieldHeight }: MotionField,
  { width, height }: LinearPicture,
  [mirrorX, mirrorY]: FlowExposure['mirror'],
  scale: number,
): Float32Array {
  const result = new Float32Array(2 * width * height);
  const [signX, signY] = [mirrorX ? -scale : scale, mirrorY ? -scale : scale];
  for (let at = 0, y = 0; y < height; y += 1) {
    const row = between(mirrorY ? height - 1 - y : y, height, fieldHeight);
    for (let x = 0; x < width; x += 1, at += 2) {
      const column = between(mirrorX ? width - 1 - x : x, width, fieldWidth);
      for (let c = 0; c < 2; c += 1) {
        const of = (r: number, k: number) => pairs[2 * (r * fieldWidth + k) + c]!;
        const top = of(row.low, column.low) + column.part * (of(row.low, column.high) - of(row.low, column.low));
        const below = of(row.high, column.low) + column.part * (of(row.high, column.high) - of(row.high, column.low));
        result[at + c] = (c === 0 ? signX : signY) * (top + row.part * (below - top));
      }
    }
  }
  return result;
}

/** The two cells of a field between whose middles a pixel lies. */
function between(at: number, pixels: number, cells: number): { low: number; high: number; part: number } {
  const place = Math.min(cells - 1, Math.max(0, ((at + 0.5) * cells) / pixels - 0.5));
  const low = Math.floor(place);
  return { low, high: Math.min(cells - 1, low + 1), part: place - low };
}

/** The length of nearly the longest way during an exposure. */
function longest(before: Float32Array, after: Float32Array): number {
  const lengths: number[] = [];
  const step = 2 * Math.max(1, Math.floor(before.length / 4096));
  for (let i = 0; i < before.length; i += step) {
    const at = (time: number) =>
      [along(before[i]!, after[i]!, time), along(before[i + 1]!, after[i + 1]!, time)] as const;
    const [start, end] = [at(-0.5), at(0.5)];
    lengths.push(Math.hypot(...start) + Math.hypot(...end));
  }
  lengths.sort((a, b) => a - b);
  return lengths[Math.floor(longWay * lengths.length)] ?? 0;
}
