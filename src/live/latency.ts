import type { Percentiles } from './state.js';

/** Figures over the last seconds: how long frames took, and how many there were. */
export class LatencyWindow {
  readonly #seconds: number;
  readonly #samples: { readonly at: number; readonly value: number }[] = [];

  /** @param seconds How far back it looks. Default 5. */
  constructor(seconds = 5) {
    this.#seconds = seconds;
  }

  /**
   * @param value Milliseconds.
   * @param now Milliseconds on any clock that runs evenly.
   */
  add(value: number, now: number): void {
    this.#samples.push({ at: now, value });
    this.#forget(now);
  }

  /** Milliseconds that half, 95 % and 99 % of the samples stay below; 0 without samples. */
  percentiles(now: number): Percentiles {
    this.#forget(now);
    const sorted = this.#samples.map(({ value }) => value).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }

  /** Samples per second. */
  rate(now: number): number {
    this.#forget(now);
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last.at === first.at) return 0;
    // A stream that has stopped is not as fast as it was.
    const span = Math.max(last.at - first.at, now - first.at - 1000);
    return ((this.#samples.length - 1) * 1000) / span;
  }

  #forget(now: number): void {
    for (let first = this.#samples[0]; first && now - first.at > this.#seconds * 1000; first = this.#samples[0]) {
      this.#samples.shift();
    }
  }
}
