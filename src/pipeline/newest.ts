import { Observable } from 'rxjs';
import type { Frame } from '../io/frame.js';
import { Credits, type Ticket } from './credits.js';

/** Options of {@link NewestGate}. */
export interface NewestGateOptions {
  /** Frames that wait for a credit; when another one comes, the oldest gives way. Default 1. */
  readonly waiting?: number;
  /** Called for each frame that gave way. */
  readonly onDrop?: (frame: Frame) => void;
}

/**
 * The door of a live pipeline: frames come when they come, and the newest wins. A frame goes in as soon as there is a
 * credit for it; meanwhile it waits, and gives way to later ones. So latency is bounded by the credits, however
 * slow the pipeline is.
 */
export class NewestGate {
  readonly #waiting: Frame[] = [];
  readonly #capacity: number;
  readonly #onDrop: ((frame: Frame) => void) | undefined;
  #wake: (() => void) | undefined;

  constructor({ waiting = 1, onDrop }: NewestGateOptions = {}) {
    this.#capacity = waiting;
    this.#onDrop = onDrop;
  }

  /** Takes a frame, which is the gate's from now on. */
  offer(frame: Frame): void {
    this.#waiting.push(frame);
    while (this.#waiting.length > this.#capacity) {
      const oldest = this.#waiting.shift();
      if (!oldest) break;
      this.#onDrop?.(oldest);
      oldest.dispose();
    }
    this.#wake?.();
  }

  /** Disposes what waits. */
  clear(): void {
    for (const frame of this.#waiting.splice(0)) frame.dispose();
  }

  /**
   * Lets frames in on credit. One subscriber at a time.
   * @param signal Completes the stream; what waits stays for the next subscriber.
   */
  tickets(credits: Credits, signal: AbortSignal): Observable<Ticket> {
    return new Observable((subscriber) => {
      const stop = () => {
        this.#wake?.();
        subscriber.complete();
      };
      const over = (): boolean => subscriber.closed || signal.aborted;
      const pump = async (): Promise<void> => {
        while (!over()) {
          await credits.acquire(signal);
          // Another frame may take this one's place until the moment it goes in.
          while (!over() && this.#waiting.length === 0) await this.#arrival();
          const frame = over() ? undefined : this.#waiting.shift();
          if (frame) subscriber.next(credits.admit(frame));
          else credits.giveBack();
        }
      };
      signal.addEventListener('abort', stop, { once: true });
      pump().catch((error: unknown) => {
        // The signal ends the wait for a credit; that is no failure.
        if (!over()) subscriber.error(error);
      });
      if (signal.aborted) stop();
      return () => {
        signal.removeEventListener('abort', stop);
        this.#wake?.();
      };
    });
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
