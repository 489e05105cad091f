import { map, type OperatorFunction } from 'rxjs';
import type { Frame, FrameProperties } from '../io/frame.js';
import { workingFormat } from '../io/pixel-format.js';
import type { CutReason, Ticket } from './credits.js';

/** When a frame starts a new shot. */
export interface SceneCutOptions {
  /**
   * Threshold on the scene-change score from 0 to 1, the scale and default of FFmpeg's `scdet` filter: the
   * smaller of the luma difference to the frame before and the change of that difference. Default 0.1.
   */
  threshold?: number;
  /** A pause of more than this many usual frame intervals is a discontinuity. Default 4. */
  gap?: number;
}

const columns = 64;
const rows = 36;

/** Luma (first plane) sampled on a coarse grid, scaled to [0, 1]. */
function thumbnail(frame: Frame): Float32Array {
  const [plane] = frame.planes();
  const out = new Float32Array(columns * rows);
  if (!plane) return out;
  const { depth, bytesPerSample } = workingFormat(frame.properties.format);
  const scale = 1 / (2 ** depth - 1);
  for (let r = 0; r < rows; r += 1) {
    const line = Math.floor(((r + 0.5) * plane.height) / rows) * plane.stride;
    for (let c = 0; c < columns; c += 1) {
      const at = line + Math.floor(((c + 0.5) * plane.width) / columns) * bytesPerSample;
      const low = plane.data[at] ?? 0;
      out[r * columns + c] = (bytesPerSample === 2 ? low | ((plane.data[at + 1] ?? 0) << 8) : low) * scale;
    }
  }
  return out;
}

function meanDifference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / a.length;
}

function ticksToSeconds(ticks: bigint, { timeBase }: FrameProperties): number {
  return (Number(ticks) * timeBase.num) / timeBase.den;
}

/** Decides for one frame after another whether it continues the one before. */
export class CutDetector {
  readonly #threshold: number;
  readonly #gap: number;
  #previous: FrameProperties | undefined;
  #thumbnail: Float32Array | undefined;
  #difference = 0;
  /** The last intervals between frames, in seconds; their median is the usual one. */
  readonly #intervals: number[] = [];

  constructor({ threshold = 0.1, gap = 4 }: SceneCutOptions = {}) {
    this.#threshold = threshold;
    this.#gap = gap;
  }

  /** Why this frame starts something new, or undefined. The first frame of a video is no cut. */
  next(frame: Frame): CutReason | undefined {
    const now = frame.properties;
    const before = this.#previous;
    this.#previous = now;
    const picture = thumbnail(frame);
    const last = this.#thumbnail;
    this.#thumbnail = picture;
    if (!before || !last) return undefined;
    if (before.width !== now.width || before.height !== now.height || before.format !== now.format) {
      this.#difference = 0;
      return 'format';
    }
    const interval = ticksToSeconds(now.pts - before.pts, now);
    const jumped = this.#isGap(interval);
    this.#intervals.push(interval);
    if (this.#intervals.length > 15) this.#intervals.shift();
    const difference = meanDifference(picture, last);
    const score = Math.min(difference, Math.abs(difference - this.#difference));
    this.#difference = difference;
    if (jumped) return 'gap';
    return score >= this.#threshold ? 'scene' : undefined;
  }

  #isGap(interval: number): boolean {
    if (interval <= 0) return true;
    if (this.#intervals.length < 3) return false;
    const sorted = [...this.#intervals].sort((a, b) => a - b);
    return interval > this.#gap * (sorted[sorted.length >> 1] ?? interval);
  }
}

/** Marks every ticket whose frame does not continue the one before it. */
export function markCuts(options: SceneCutOptions = {}): OperatorFunction<Ticket, Ticket> {
  return (source) => {
    const detector = new CutDetector(options);
    return source.pipe(
      map((ticket) => {
        ticket.cut = detector.next(ticket.frame);
        return ticket;
      }),
    );
  };
}
