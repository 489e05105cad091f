/** Lets `rate` things a second pass, and up to `burst` at once. */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  readonly #now: () => number;
  #level: number;
  #at: number;

  /** @param now Clock in milliseconds. Default `Date.now`. */
  constructor(rate: number, burst: number, now: () => number = Date.now) {
    this.#rate = rate;
    this.#burst = burst;
    this.#now = now;
    this.#level = burst;
    this.#at = now();
  }

  /** Whether `amount` more may pass; takes it if so. */
  take(amount = 1): boolean {
    const allowed = this.has(amount);
    if (allowed) this.#level -= amount;
    return allowed;
  }

  /** Whether `amount` more could pass. */
  has(amount = 1): boolean {
    return this.#refilled() >= amount;
  }

  #refilled(): number {
    const now = this.#now();
    this.#level = Math.min(this.#burst, this.#level + (Math.max(0, now - this.#at) / 1000) * this.#rate);
    this.#at = now;
    return this.#level;
  }
}

const mostKeys = 4096;

/** A {@link TokenBucket} per key, such as an address; of many, the newest are kept. */
export class TokenBuckets {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param perMinute What each key may take in a minute, all at once too. */
  constructor(perMinute: number, now: () => number = Date.now) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Whether one more may pass; takes it if so. */
  take(key: string): boolean {
    return this.#bucket(key).take();
  }

  /** Whether one more could pass. */
  allows(key: string): boolean {
    return this.#buckets.get(key)?.has() ?? true;
  }

  #bucket(key: string): TokenBucket {
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      this.#forget();
      bucket = new TokenBucket(this.#perMinute / 60, this.#perMinute, this.#now);
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  /** Makes room for one more: the oldest goes, for memory must not grow with the number of addresses. */
  #forget(): void {
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size < mostKeys) return;
      this.#buckets.delete(key);
    }
  }
}
