import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../../errors.js';

/** Seconds between two pictures that are waited for; more is a fault of the clock. */
const longestPause = 10;

/** Lets pictures out at the speed of their own times. */
export class Pace {
  readonly #signal: AbortSignal;
  /** Milliseconds of `performance.now()` at time 0. */
  #zero: number | undefined;
  #last = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Resolves when it is time for the picture; at once for one without a time. Rejects with `CANCELLED`. */
  async until(seconds: number | undefined): Promise<void> {
    if (seconds === undefined) return;
    const now = performance.now();
    const due = this.#zero === undefined ? now : this.#zero + seconds * 1000;
    // Who was held up, or whose clock jumps, goes on from here.
    if (this.#zero === undefined || due < now - 1000 || due > now + longestPause * 1000)
      this.#zero = now - seconds * 1000;
    this.#last = seconds;
    await this.#wait(this.#zero + seconds * 1000 - now);
  }

  /** Resolves so many seconds after the last picture. */
  async after(seconds: number): Promise<void> {
    await this.until(this.#last + seconds);
  }

  /** The picture of this time is let out now, and those after it by its example. */
  restart(seconds: number | undefined): void {
    if (seconds === undefined) return;
    this.#zero = performance.now() - seconds * 1000;
    this.#last = seconds;
  }

  async #wait(milliseconds: number): Promise<void> {
    if (this.#signal.aborted) throw cancelled(this.#signal);
    if (milliseconds < 1) return;
    try {
      await sleep(milliseconds, undefined, { signal: this.#signal });
    } catch {
      throw cancelled(this.#signal);
    }
  }
}
