/** The runs of a session that have not ended yet. */
export class PendingRuns {
  readonly #runs = new Set<Promise<unknown>>();

  /** Waits for a run, which is pending until then. */
  async track<T>(run: Promise<T>): Promise<T> {
    this.#runs.add(run);
    try {
      return await run;
    } finally {
      this.#runs.delete(run);
    }
  }

  /** Resolves when the runs of this moment have ended, however they end. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#runs);
  }
}
