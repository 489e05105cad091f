/** Seconds by which a stream's own clock may differ from the wall clock before it is set anew. */
const tolerance = 0.7;

/** The shortest step between frames, in seconds. */
const shortest = 0.001;

/** Options of {@link MediaClock}. */
interface MediaClockOptions {
  /** Milliseconds since the epoch at which the session's time is 0. Default now. */
  readonly start?: number;
}

/**
 * Gives the frames of a live session their presentation times: the even steps of the stream's own clock, laid onto
 * the time at which frames arrive. After a jump of either (a reconnection, a loop, a drifting camera) the two are
 * matched again. Times always grow.
 */
export class MediaClock {
  readonly #start: number;
  #offset: number | undefined;
  #stated = -Infinity;
  #last = -Infinity;

  constructor({ start = Date.now() }: MediaClockOptions = {}) {
    this.#start = start;
  }

  /**
   * The frame's time in seconds since the session began.
   * @param stated The stream's own time in seconds; undefined where it has none.
   * @param arrived Milliseconds since the epoch.
   */
  next(stated: number | undefined, arrived: number): number {
    const wall = (arrived - this.#start) / 1000;
    let time = wall;
    if (stated !== undefined && Number.isFinite(stated)) {
      if (this.#offset === undefined || stated <= this.#stated) this.#offset = wall - stated;
      if (Math.abs(stated + this.#offset - wall) > tolerance) this.#offset = wall - stated;
      this.#stated = stated;
      time = stated + this.#offset;
    }
    time = Math.max(time, this.#last + shortest, 0);
    this.#last = time;
    return time;
  }
}
