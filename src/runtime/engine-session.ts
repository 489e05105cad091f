import { throwIfAborted } from '../errors.js';
import type { Frame } from '../io/frame.js';
import type { FrameResult, FrameSession, PictureGeometry } from './frame-session.js';
import { PendingRuns } from './pending-runs.js';
import { checkGeometry } from './plane-samples.js';

/** How frames become results. */
export interface FrameEngine {
  /** Runs windows of frames of the session's geometry. */
  run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]>;
  dispose(): Promise<void>;
}

/** What is known of a session before it runs. */
export type SessionProperties = Pick<FrameSession, 'provider' | 'window' | 'temporalFilter' | 'batch' | 'tiles'>;

/** What {@link EngineSession} needs. */
export interface EngineSessionOptions {
  readonly properties: SessionProperties;
  readonly geometry: PictureGeometry;
  /** Loads the network; called at the first run, with its first frame. */
  readonly createEngine: (first: Frame) => Promise<FrameEngine>;
  /** Cancels runs that have not begun. */
  readonly signal: AbortSignal | undefined;
}

/** A frame session around an engine: it checks frames, counts runs under way and closes once. */
export class EngineSession implements FrameSession {
  readonly provider: string;
  readonly window: FrameSession['window'];
  readonly temporalFilter: number;
  readonly batch: number;
  readonly tiles: number;
  readonly #options: EngineSessionOptions;
  readonly #pending = new PendingRuns();
  #engine: Promise<FrameEngine> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: EngineSessionOptions) {
    const { provider, window, temporalFilter, batch, tiles } = options.properties;
    this.provider = provider;
    this.window = window;
    this.temporalFilter = temporalFilter;
    this.batch = batch;
    this.tiles = tiles;
    this.#options = options;
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]> {
    if (this.#closed) throw new TypeError('the session is used after it was closed');
    return this.#pending.track(this.#run(windows));
  }

  idle(): Promise<void> {
    return this.#pending.idle();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.idle();
    const [engine] = await Promise.allSettled([this.#engine]);
    if (engine.status === 'fulfilled') await engine.value?.dispose();
  }

  async #run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]> {
    const { geometry, createEngine, signal } = this.#options;
    throwIfAborted(signal);
    for (const frame of windows.flat()) checkGeometry(frame, geometry);
    const first = windows[0]?.[0];
    if (!first) return [];
    this.#engine ??= createEngine(first);
    return (await this.#engine).run(windows);
  }
}
