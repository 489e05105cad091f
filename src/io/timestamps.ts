/**
 * Keeps presentation timestamps strictly increasing with the least change: a timestamp that is there and
 * lies after its predecessor is never touched.
 */
export class TimestampRepair {
  #next: bigint | undefined;
  #last: bigint | undefined;
  #repaired = 0;
  readonly #step: bigint;

  /** `step` is the time from frame to frame that is assumed where neither timestamp nor duration is known. */
  constructor(step: bigint) {
    this.#step = step > 0n ? step : 1n;
  }

  /** Timestamps that were missing, repeated or out of order so far. */
  get repaired(): number {
    return this.#repaired;
  }

  /** The timestamp to use for a frame that states `pts` (or nothing) and lasts `duration` (0 where unknown). */
  next(pts: bigint | undefined, duration: bigint): bigint {
    let result = pts ?? this.#next ?? 0n;
    if (this.#last !== undefined && result <= this.#last) result = this.#last + 1n;
    if (result !== pts) this.#repaired += 1;
    this.#last = result;
    this.#next = result + (duration > 0n ? duration : this.#step);
    return result;
  }
}
