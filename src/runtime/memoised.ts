import { createHash } from 'node:crypto';
import type { Frame } from '../io/frame.js';

/** A text that only frames of the same samples share. */
export function contentOf(frames: readonly Frame[]): string {
  const hash = createHash('sha256');
  for (const frame of frames) {
    for (const { data, stride, width, height } of frame.planes()) {
      hash.update(`${stride} ${width} ${height} `);
      hash.update(data);
    }
  }
  return hash.digest('base64');
}

/** The results of a costly function that were used last. */
export class Memoised<T> {
  readonly #capacity: number;
  readonly #release: (value: T) => void;
  readonly #results = new Map<string, T>();

  /**
   * @param capacity how many results are kept.
   * @param release frees a result that is kept no more.
   */
  constructor(capacity: number, release: (value: T) => void = () => undefined) {
    this.#capacity = capacity;
    this.#release = release;
  }

  /** The result for a key, made where it isn't kept. */
  get(key: string, make: () => T): T {
    const result = this.#results.get(key) ?? make();
    // A map is in the order of insertion: what is used last goes to its end.
    this.#results.delete(key);
    this.#results.set(key, result);
    for (const oldest of this.#results.keys()) {
      if (this.#results.size <= this.#capacity) break;
      this.forget(oldest);
    }
    return result;
  }

  /** Releases a result. */
  forget(key: string): void {
    const result = this.#results.get(key);
    if (result !== undefined && this.#results.delete(key)) this.#release(result);
  }

  /** Releases every result. */
  clear(): void {
    for (const key of [...this.#results.keys()]) this.forget(key);
  }
}
