import { cancelled } from '../errors.js';
import type { Frame } from '../io/frame.js';

/** Why a frame does not continue the one before it. */
export type CutReason = 'scene' | 'gap' | 'format';

/**
 * A frame inside the pipeline, with the credit it was admitted on. Stages that keep a frame for later
 * `retain` it; the last `release` disposes the frame and gives the credit back.
 */
export class Ticket {
  readonly frame: Frame;
  /** Set by the scene-cut stage where this frame starts something new. */
  cut: CutReason | undefined;
  #holders = 1;
  readonly #settle: (ticket: Ticket) => void;

  constructor(frame: Frame, settle: (ticket: Ticket) => void) {
    this.frame = frame;
    this.#settle = settle;
  }

  retain(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#settle(this);
  }
}

/**
 * The pipeline's memory bound. RxJS has no backpressure, so the source takes a credit before it reads
 * a frame and the credit returns when the frame was written or dropped: memory is
 * `credits × frame size`, whatever the length of the clip.
 */
export class Credits {
  readonly total: number;
  #inUse = 0;
  #peak = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #tickets = new Set<Ticket>();

  /** @param total Frames that may be in flight at once, at least 1. */
  constructor(total: number) {
    if (!Number.isInteger(total) || total < 1)
      throw new RangeError(`credits must be a whole number above 0, got ${total}`);
    this.total = total;
  }

  /** Credits taken at the moment. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Most credits ever taken at once. */
  get peak(): number {
    return this.#peak;
  }

  /**
   * Waits for a credit and takes it.
   * @throws DeblurError `CANCELLED` when the signal fires first.
   */
  async acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw cancelled(signal);
    if (this.#inUse === this.total) {
      await new Promise<void>((resolve, reject) => {
        const wake = () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        };
        const leave = () => {
          this.#waiting.splice(this.#waiting.indexOf(wake), 1);
          reject(cancelled(signal));
        };
        this.#waiting.push(wake);
        signal?.addEventListener('abort', leave, { once: true });
      });
    }
    this.#inUse += 1;
    this.#peak = Math.max(this.#peak, this.#inUse);
  }

  /** Gives back a credit that no frame was read on. */
  giveBack(): void {
    this.#inUse -= 1;
    this.#waiting.shift()?.();
  }

  /** Binds a frame to a credit that was acquired for it. */
  admit(frame: Frame): Ticket {
    const ticket = new Ticket(frame, (settled) => {
      if (!this.#tickets.delete(settled)) return;
      settled.frame.dispose();
      this.giveBack();
    });
    this.#tickets.add(ticket);
    return ticket;
  }

  /** Disposes every frame still in flight. Call it once no stage and no native run uses them any more. */
  drain(): void {
    for (const ticket of this.#tickets) {
      this.#tickets.delete(ticket);
      ticket.frame.dispose();
      this.giveBack();
    }
  }
}
