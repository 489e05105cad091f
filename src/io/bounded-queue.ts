/**
 * A first-in first-out queue between one producer and one consumer. `push` waits while the queue is full,
 * so the producer runs ahead by `capacity` items and no further.
 */
export class BoundedQueue<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  #state: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown;
  #wakeProducer: (() => void) | undefined;
  #wakeConsumer: (() => void) | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Items waiting. */
  get length(): number {
    return this.#items.length;
  }

  /** Adds an item, waiting for room. False when the queue was ended meanwhile: the item is still the caller's. */
  async push(item: T): Promise<boolean> {
    while (this.#state === 'open' && this.#items.length >= this.#capacity) {
      await new Promise<void>((resolve) => {
        this.#wakeProducer = resolve;
      });
    }
    if (this.#state !== 'open') return false;
    this.#items.push(item);
    this.#notify();
    return true;
  }

  /** The next item, or undefined when the queue has ended. Throws what `fail` was given once the items before it are taken. */
  async take(): Promise<T | undefined> {
    for (;;) {
      if (this.#items.length > 0) {
        const item = this.#items.shift();
        this.#notify();
        return item;
      }
      if (this.#state === 'ended') return undefined;
      if (this.#state === 'failed') throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
      });
    }
  }

  /** No more items: what waits can still be taken. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#notify();
  }

  /** Ends the queue with an error, which the consumer meets after the items that wait. */
  fail(error: unknown): void {
    if (this.#state === 'open') {
      this.#state = 'failed';
      this.#error = error;
    }
    this.#notify();
  }

  /** Takes out everything that waits, for the caller to free. */
  drain(): T[] {
    const items = this.#items.splice(0);
    this.#notify();
    return items;
  }

  #notify(): void {
    const producer = this.#wakeProducer;
    const consumer = this.#wakeConsumer;
    this.#wakeProducer = undefined;
    this.#wakeConsumer = undefined;
    producer?.();
    consumer?.();
  }
}
