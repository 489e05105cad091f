import { Observable, type OperatorFunction } from 'rxjs';
import type { TemporalFilter } from '../temporal/temporal-filter.js';
import type { Ticket } from './credits.js';

/** A frame's result on its way out. */
interface Result {
  readonly ticket: Ticket;
  /** The network's samples; undefined when the source frame goes out unchanged. */
  readonly planes: readonly Uint8Array[] | undefined;
}

/** Steadies results in order of time; where a source frame goes out in place of one, what follows begins anew. */
export function steady<T extends Result>(filter: TemporalFilter): OperatorFunction<T, T> {
  return (source) =>
    new Observable((subscriber) => {
      const waiting: T[] = [];
      const send = (done: readonly (readonly Uint8Array[])[]) => {
        for (const planes of done) {
          const result = waiting.shift();
          if (result) subscriber.next({ ...result, planes });
        }
      };
      return source.subscribe({
        next: (result) => {
          const { ticket, planes } = result;
          if (ticket.cut || !planes) send(filter.end());
          if (planes) {
            waiting.push(result);
            send(filter.push(ticket.frame, planes));
          } else subscriber.next(result);
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          send(filter.end());
          subscriber.complete();
        },
      });
    });
}
