import { Observable } from 'rxjs';
import type { VideoReader } from '../io/video.js';
import type { Credits, Ticket } from './credits.js';

/**
 * A reader's frames as an observable that reads one frame per credit. Unsubscribing stops the reading;
 * the reader itself stays open and is closed by its owner.
 */
export function readFrames(reader: VideoReader, credits: Credits): Observable<Ticket> {
  return new Observable((subscriber) => {
    const stop = new AbortController();
    const pump = async () => {
      const frames = reader.frames();
      try {
        for (;;) {
          await credits.acquire(stop.signal);
          const next = await frames.next();
          if (next.done) {
            credits.giveBack();
            break;
          }
          const ticket = credits.admit(next.value);
          if (stop.signal.aborted) {
            ticket.release();
            return;
          }
          subscriber.next(ticket);
        }
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    };
    void pump();
    return () => {
      stop.abort();
    };
  });
}
