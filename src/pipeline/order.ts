import { Observable, type OperatorFunction } from 'rxjs';

/**
 * Restores ascending order by a gapless index that starts at 0. What arrives early waits for what is
 * missing; the number that can wait is bounded by the credits in flight.
 */
export function order<T>(indexOf: (item: T) => number): OperatorFunction<T, T> {
  return (source) =>
    new Observable((subscriber) => {
      const early = new Map<number, T>();
      let next = 0;
      return source.subscribe({
        next: (item) => {
          early.set(indexOf(item), item);
          for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
            early.delete(next);
            next += 1;
            subscriber.next(ready);
          }
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          if (early.size > 0) subscriber.error(new Error(`frame ${next} never arrived; ${early.size} later ones did`));
          else subscriber.complete();
        },
      });
    });
}
