/** How close a player stays to what is live. Times are in seconds. */
export interface LiveEdgeOptions {
  /**
   * Media that should lie ready ahead of the picture that is shown. It grows, up to a third of `maximumDelay`, while pictures
   * come too late for it, and shrinks again while they do not. Default 0.08.
   */
  targetDelay?: number;
  /** A delay above which the player jumps instead of hurrying. Default 0.6. */
  maximumDelay?: number;
  /** Media kept behind the picture that is shown, before it is taken out of the buffer. Default 4. */
  keepBehind?: number;
}

/** {@link LiveEdgeOptions} with every default filled in. */
export type LiveEdge = Required<LiveEdgeOptions>;

/** Fills in the defaults of {@link LiveEdgeOptions}. */
export function liveEdge(options: LiveEdgeOptions = {}): LiveEdge {
  return { targetDelay: 0.08, maximumDelay: 0.6, keepBehind: 4, ...options };
}

/** What a player has, in seconds of media time. */
export interface Playback {
  /** Time of the picture that is shown. */
  readonly currentTime: number;
  /** The newest buffered range. */
  readonly start: number;
  readonly end: number;
  /** The newest place in it where decoding can begin. */
  readonly keyframe: number | undefined;
}

/** What a player does next to stay at the live edge. */
export interface EdgeStep {
  /** Media time to jump to, where hurrying would take too long. */
  readonly jumpTo?: number;
  /** Rate to play at, 1 being real time. */
  readonly rate: number;
}

/** Most that playback hurries: above this motion looks wrong. */
const hurry = 1.25;
/** Rate of playback while a buffer fills up again. */
const linger = 0.95;
/** A keyframe is fresh while it is not further than this from the end. */
const fresh = 0.25;
/** A delay that is no matter of hurrying any more, as of a page that lay in the background. */
const hopeless = 3;

/** Growth of the target at every picture that came too late, and shrinkage in every second without one. */
const growth = 1.25;
const shrinkage = 0.93;

/** Keeps a player at the live edge. */
export class EdgeControl {
  readonly #edge: LiveEdge;
  #target: number;

  constructor(edge: LiveEdge) {
    this.#edge = edge;
    this.#target = edge.targetDelay;
  }

  /** Media that should lie ready now, in seconds. */
  get target(): number {
    return this.#target;
  }

  /** A picture came too late. */
  stalled(): void {
    this.#target = Math.min(this.#edge.maximumDelay / 3, this.#target * growth);
  }

  /**
   * What to do next.
   * @param elapsed seconds since the last call.
   */
  step({ currentTime, start, end, keyframe }: Playback, elapsed: number): EdgeStep {
    this.#target = Math.max(this.#edge.targetDelay, this.#target * shrinkage ** elapsed);
    const target = this.#target;
    const delay = end - currentTime;
    const outside = currentTime < start - 0.05 || delay < -0.05;
    if (outside) return { jumpTo: Math.max(start, end - target), rate: 1 };
    if (delay > this.#edge.maximumDelay && keyframe !== undefined) {
      // Where decoding can begin one picture is enough; anywhere else a slow decoder would never catch up.
      const near = end - keyframe <= Math.max(fresh, target) || delay > hopeless;
      if (near && keyframe > currentTime + target) return { jumpTo: keyframe, rate: 1 };
    }
    if (delay > target * 1.3) return { rate: Math.min(hurry, 1 + (delay - target)) };
    return { rate: delay < target * 0.4 ? linger : 1 };
  }
}
