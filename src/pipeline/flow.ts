import { bufferCount, concatMap, identity, map, mergeMap, tap, type Observable, type OperatorFunction } from 'rxjs';
import { cancelled } from '../errors.js';
import type { VideoReader, VideoWriter } from '../io/video.js';
import type { FrameSession } from '../runtime/frame-session.js';
import type { TemporalFilter } from '../temporal/temporal-filter.js';
import { Credits, type CutReason, type Ticket } from './credits.js';
import { judge, type GuardReason } from './guard.js';
import { order } from './order.js';
import { markCuts, type SceneCutOptions } from './scene-cut.js';
import { readFrames } from './source.js';
import { steady } from './steady.js';
import { releaseNeighbours, windows } from './window.js';

/** A frame on its way out. */
interface Finished {
  readonly ticket: Ticket;
  /** The network's samples; undefined when the source frame goes out unchanged. */
  readonly planes: readonly Uint8Array[] | undefined;
  readonly guard: GuardReason | undefined;
}

/** What went through a flow. */
export interface FlowCounts {
  /** Frames decoded. */
  read: number;
  /** Frames handed to the encoder. */
  written: number;
  /** Frames that do not continue the one before, by reason. */
  readonly cuts: Record<CutReason, number>;
  /** Frames whose result was broken and that went out as they came in, by reason. */
  readonly guarded: Record<GuardReason, number>;
}

/** Options of {@link flow}. */
export interface FlowOptions {
  readonly reader: VideoReader;
  readonly writer: VideoWriter;
  /** The network. Without one, frames go from decoder to encoder untouched. */
  readonly session?: FrameSession;
  /** Steadies what the network gives. Default: nothing does. */
  readonly filter?: TemporalFilter;
  /** Network runs at once. Default 1. */
  readonly concurrency?: number;
  /** Frames in flight. Default 8 more than the network's windows and runs hold. */
  readonly credits?: number;
  readonly sceneCut?: SceneCutOptions;
  /** Called after each frame was handed to the encoder. */
  readonly onFrame?: (counts: Readonly<FlowCounts>) => void;
  readonly signal?: AbortSignal;
}

/** Runs the network on windows, several runs at once; results come as they finish. */
function deblur(session: FrameSession, concurrency: number): OperatorFunction<Ticket, Finished> {
  return (source) =>
    source.pipe(
      windows(session.window),
      bufferCount(session.batch),
      mergeMap(async (batch) => {
        const results = await session.run(batch.map((window) => window.frames.map((ticket) => ticket.frame)));
        batch.forEach(releaseNeighbours);
        return batch.map(({ target }, i): Finished => {
          const result = results[i];
          if (!result) throw new RangeError(`${batch.length} frames went in, ${results.length} came out`);
          const guard = judge(result.health);
          return { ticket: target, planes: guard ? undefined : result.planes, guard };
        });
      }, concurrency),
      mergeMap((finished) => finished),
    );
}

/** Lets frames through as they are. */
function pass(): OperatorFunction<Ticket, Finished> {
  return map((ticket) => ({ ticket, planes: undefined, guard: undefined }));
}

/** Hands frames to the encoder one after another and gives their credits back. */
function write(writer: VideoWriter): OperatorFunction<Finished, Finished> {
  return concatMap(async (finished) => {
    const { ticket, planes } = finished;
    const frame = planes ? ticket.frame.withPlanes(planes) : ticket.frame.share();
    await writer.write(frame);
    ticket.release();
    return finished;
  });
}

/** Resolves when the stream completes, rejects when it fails or the signal fires; unsubscribes once. */
function completion(stream: Observable<unknown>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(cancelled(signal));
      return;
    }
    const subscription = stream.subscribe({ error: reject, complete: resolve });
    const stop = () => {
      subscription.unsubscribe();
      reject(cancelled(signal));
    };
    signal?.addEventListener('abort', stop, { once: true });
    subscription.add(() => signal?.removeEventListener('abort', stop));
  });
}

/**
 * Moves every frame from reader to writer: read on credit, mark cuts, deblur with neighbours in
 * batches, guard, restore order, steady, write. One direction; no stage looks back. Neither reader, writer nor
 * session is closed here: they belong to the caller. When the signal fires, the promise rejects as soon
 * as the session's runs have ended; a hosted session ends them at once.
 */
export async function flow(options: FlowOptions): Promise<FlowCounts> {
  const { reader, writer, session, filter, concurrency = 1, sceneCut, onFrame, signal } = options;
  const held = session
    ? session.batch * concurrency + session.window.past + session.window.future + (filter?.lookAhead ?? 0)
    : 0;
  const credits = new Credits(Math.max(options.credits ?? held + 8, held + 1));
  const counts: FlowCounts = {
    read: 0,
    written: 0,
    cuts: { scene: 0, gap: 0, format: 0 },
    guarded: { nan: 0, black: 0, mosaic: 0 },
  };
  const stream = readFrames(reader, credits).pipe(
    markCuts(sceneCut),
    tap(({ cut }) => {
      counts.read += 1;
      if (cut) counts.cuts[cut] += 1;
    }),
    session ? deblur(session, concurrency) : pass(),
    order(({ ticket }) => ticket.frame.index),
    filter ? steady(filter) : identity,
    write(writer),
    tap(({ guard }) => {
      counts.written += 1;
      if (guard) counts.guarded[guard] += 1;
      onFrame?.(counts);
    }),
  );
  try {
    await completion(stream, signal);
    return counts;
  } finally {
    // Only an idle session reads no frames any more.
    await session?.idle();
    credits.drain();
  }
}
