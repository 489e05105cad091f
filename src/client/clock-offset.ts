/** Samples that are kept: old ones say little of clocks that drift. */
const kept = 8;

/**
 * Estimates how far the server's clock is ahead of this one, from answers to `ping`. The answer with the shortest way is
 * the most exact one (as in NTP).
 */
export class ClockOffset {
  #samples: { offset: number; trip: number }[] = [];

  /** Takes an answer; all times are in milliseconds since the epoch. */
  add(sent: number, server: number, received: number): void {
    this.#samples.push({ offset: server - (sent + received) / 2, trip: received - sent });
    if (this.#samples.length > kept) this.#samples.shift();
  }

  /** Milliseconds that the server's clock is ahead; undefined before the first answer. */
  get value(): number | undefined {
    return this.#best?.offset;
  }

  /** Shortest way there and back lately, in milliseconds. */
  get trip(): number | undefined {
    return this.#best?.trip;
  }

  get #best(): { offset: number; trip: number } | undefined {
    return this.#samples.reduce<{ offset: number; trip: number } | undefined>(
      (best, sample) => (best && best.trip <= sample.trip ? best : sample),
      undefined,
    );
  }
}
