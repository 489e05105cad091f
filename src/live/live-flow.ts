import { concatMap, identity, map, type Observable, type OperatorFunction } from 'rxjs';
import type { Frame } from '../io/frame.js';
import { av } from '../io/node-av/binding.js';
import { nativePicture, wrapFrame } from '../io/node-av/native-frame.js';
import { Scaler } from '../io/node-av/scaler.js';
import { Credits, Ticket } from '../pipeline/credits.js';
import { judge } from '../pipeline/guard.js';
import type { NewestGate } from '../pipeline/newest.js';
import { markCuts } from '../pipeline/scene-cut.js';
import { steady } from '../pipeline/steady.js';
import { releaseNeighbours, windows } from '../pipeline/window.js';
import type { FrameSession } from '../runtime/frame-session.js';
import { TemporalFilter } from '../temporal/temporal-filter.js';
import { capturedAt, setCaptured } from './capture-time.js';
import { liveFormat, type LiveStage } from './live-stage.js';
import type { PictureSize } from './state.js';

/** A frame that the network is done with. */
export interface LiveResult {
  /** The picture as it is shown, 8-bit 4:2:0. */
  readonly original: Frame;
  /** The picture as the network saw it: the same frame, or a smaller one. */
  readonly seen: Frame;
  /** The network's planes, of the size of `seen`; undefined where the original is the result. */
  readonly planes: readonly Uint8Array[] | undefined;
  /** Milliseconds that the network was busy with it; undefined without a network. */
  readonly busy: number | undefined;
}

/** Options of {@link liveFlow}. */
export interface LiveFlowOptions {
  readonly gate: NewestGate;
  readonly stage: LiveStage;
  /** The size at which pictures are shown. */
  readonly shown: PictureSize;
  /** Shows a result; its frames are valid until the promise settles. */
  readonly show: (result: LiveResult) => Promise<void>;
  /** Ends the flow once what is under way has been shown. */
  readonly signal: AbortSignal;
}

/** Frames that may be on their way without a network: what a little jitter brings at once. */
const smallBurst = 3;

/** A ticket for the picture as the network sees it, which holds the one for the picture as it is shown. */
class SeenTicket extends Ticket {
  readonly shown: Ticket;

  constructor(seen: Frame, shown: Ticket, settle: (ticket: Ticket) => void) {
    super(seen, settle);
    this.shown = shown;
    this.cut = shown.cut;
  }
}

interface Finished extends Omit<LiveResult, 'original' | 'seen'> {
  readonly ticket: SeenTicket;
}

/**
 * Moves frames from the gate to the eye: admit the newest, fit the picture, mark cuts, make it smaller for the network,
 * deblur with neighbours, guard, steady, show. The credits are few, so that what is shown is young: one frame that is
 * shown, those that the network looks at, and one whose run waits. Resolves when the signal has fired and the
 * frames under way were shown.
 * @throws DeblurError what the session or `show` throws.
 */
export async function liveFlow({ gate, stage, shown, show, signal }: LiveFlowOptions): Promise<void> {
  const { session } = stage;
  // With one more frame than a run looks at, the next run is asked for when one ends; more would only wait, and age.
  const held = session ? session.window.past + 1 + session.window.future : smallBurst;
  const credits = new Credits(held + 1);
  // Without a look ahead it gives each result at once.
  const filter =
    session && TemporalFilter.where({ ...stage.processing, format: liveFormat }, { strength: session.temporalFilter });
  using fitting = new Fitting();
  const failure = new AbortController();
  const stream = gate.tickets(credits, AbortSignal.any([signal, failure.signal])).pipe(
    fitting.toShown(shown),
    markCuts(),
    fitting.toSeen(stage.processing),
    session ? restore(session) : map((ticket): Finished => ({ ticket, planes: undefined, busy: undefined })),
    filter ? steady(filter) : identity,
    concatMap(({ ticket, planes, busy }) =>
      fitting.track(
        show({ original: ticket.shown.frame, seen: ticket.frame, planes, busy }).then(() => {
          ticket.release();
        }),
      ),
    ),
  );
  try {
    await completion(stream);
  } finally {
    failure.abort();
    await session?.idle();
    await fitting.idle();
    fitting.drain();
    credits.drain();
  }
}

function completion(stream: Observable<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.subscribe({ complete: resolve, error: reject });
  });
}

/** Runs the network on windows as they come; the credits bound how many run at once. Results come in order. */
function restore(session: FrameSession): OperatorFunction<SeenTicket, Finished> {
  let lastEnd = 0;
  return (source) =>
    source.pipe(
      windows(session.window),
      map((window) => {
        const started = performance.now();
        const frames = window.frames.map(({ frame }) => frame);
        const run = session.run([frames]).then(([result]) => {
          if (!result) throw new RangeError('a frame went in, none came out');
          const ended = performance.now();
          const busy = ended - Math.max(started, lastEnd);
          lastEnd = ended;
          return { planes: judge(result.health) === undefined ? result.planes : undefined, busy };
        });
        // The failure is met when its turn comes; until then it is not unhandled.
        run.catch(() => undefined);
        return { window, run };
      }),
      concatMap(async ({ window, run }): Promise<Finished> => {
        const { planes, busy } = await run;
        releaseNeighbours(window);
        return { ticket: window.target as SeenTicket, planes, busy };
      }),
    );
}

/** Makes pictures of the size and format that is wanted, and keeps account of them. */
class Fitting implements Disposable {
  readonly #scaler = new Scaler('quick');
  readonly #tickets = new Set<Ticket>();
  readonly #running = new Set<Promise<unknown>>();

  /** Tickets for pictures as they are shown, which hold those they were made from. */
  toShown(size: PictureSize): OperatorFunction<Ticket, Ticket> {
    return concatMap((source) => this.track(this.#fit(source.frame, size).then((frame) => this.#own(frame, source))));
  }

  /** Tickets for pictures as the network sees them. */
  toSeen(size: PictureSize): OperatorFunction<Ticket, SeenTicket> {
    return concatMap((shown) =>
      this.track(
        this.#fit(shown.frame, size).then((frame) => {
          const ticket = new SeenTicket(frame, shown, (settled) => {
            this.#settle(settled, shown);
          });
          this.#tickets.add(ticket);
          return ticket;
        }),
      ),
    );
  }

  /** Notes work that uses the pictures. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const done = () => this.#running.delete(work);
    work.then(done, done);
    return work;
  }

  /** Resolves when nothing uses the pictures any more, and none is being made. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /** Disposes the pictures that are still in flight. */
  drain(): void {
    for (const ticket of this.#tickets) ticket.frame.dispose();
    this.#tickets.clear();
  }

  [Symbol.dispose](): void {
    this.#scaler[Symbol.dispose]();
  }

  #own(frame: Frame, source: Ticket): Ticket {
    const ticket = new Ticket(frame, (settled) => {
      this.#settle(settled, source);
    });
    this.#tickets.add(ticket);
    return ticket;
  }

  #settle(ticket: Ticket, holder: Ticket): void {
    if (!this.#tickets.delete(ticket)) return;
    ticket.frame.dispose();
    holder.release();
  }

  /** The frame in the live format and the size, as a frame of its own. */
  async #fit(frame: Frame, { width, height }: PictureSize): Promise<Frame> {
    const { format, width: from, height: tall, index, pts, duration, timeBase, corrupt } = frame.properties;
    const captured = capturedAt(frame);
    if (format === liveFormat && width === from && height === tall) {
      const same = frame.share();
      setCaptured(same, captured);
      return same;
    }
    using source = nativePicture(frame);
    const picture = await this.#scaler.convert(source, { format: av.avGetPixFmtFromName(liveFormat), width, height });
    const fitted = wrapFrame(picture, { index, pts, duration, timeBase, corrupt });
    setCaptured(fitted, captured);
    return fitted;
  }
}
