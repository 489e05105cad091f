import { Observable, type OperatorFunction } from 'rxjs';
import type { Ticket } from './credits.js';

/** How many neighbours a network looks at on each side of a frame. */
export interface WindowShape {
  /** Frames before the target. */
  readonly past: number;
  /** Frames after the target: each costs one frame of latency. */
  readonly future: number;
}

/** A frame to be deblurred with its neighbours, oldest first; `frames[past]` is the target's. */
export interface FrameWindow {
  readonly target: Ticket;
  /** `past + 1 + future` tickets. At the ends of a shot the nearest frame of the same shot stands in. */
  readonly frames: readonly Ticket[];
}

/** Releases everything a window holds except the target itself. */
export function releaseNeighbours(window: FrameWindow): void {
  for (const ticket of window.frames) ticket.release();
}

/**
 * Gives every frame its neighbours. Windows never reach across a cut. Each window retains its frames;
 * the consumer calls {@link releaseNeighbours} when the network has seen them, and releases the target
 * when it was written.
 */
export function windows({ past, future }: WindowShape): OperatorFunction<Ticket, FrameWindow> {
  return (source) =>
    new Observable((subscriber) => {
      /** Frames of the current shot that are still needed, oldest first; each is retained once by this list. */
      let shot: Ticket[] = [];
      /** Position in `shot` of the next target. */
      let cursor = 0;

      const emit = () => {
        const target = shot[cursor];
        if (!target) return;
        const frames: Ticket[] = [];
        for (let i = cursor - past; i <= cursor + future; i += 1) {
          const neighbour = shot[Math.min(Math.max(i, 0), shot.length - 1)] ?? target;
          frames.push(neighbour.retain());
        }
        cursor += 1;
        while (cursor > past) {
          shot.shift()?.release();
          cursor -= 1;
        }
        subscriber.next({ target, frames });
      };
      const endShot = () => {
        while (cursor < shot.length) emit();
        for (const ticket of shot) ticket.release();
        shot = [];
        cursor = 0;
      };

      return source.subscribe({
        next: (ticket) => {
          if (ticket.cut !== undefined) endShot();
          shot.push(ticket.retain());
          if (cursor + future < shot.length) emit();
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          endShot();
          subscriber.complete();
        },
      });
    });
}
