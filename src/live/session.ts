import * as fs from 'node:fs/promises';
import { BehaviorSubject, type Observable } from 'rxjs';
import { z } from 'zod';
import { checked } from '../checked.js';
import { DeblurError, throwIfAborted } from '../errors.js';
import type { Frame } from '../io/frame.js';
import { av } from '../io/node-av/binding.js';
import { wrapFrame } from '../io/node-av/native-frame.js';
import { colorAfter, Scaler } from '../io/node-av/scaler.js';
import { lightestModel } from '../models/catalogue.js';
import { openModel } from '../models/registry.js';
import { NewestGate } from '../pipeline/newest.js';
import { blend } from './blend.js';
import { capturedAt, setCaptured } from './capture-time.js';
import { fragmentClock } from './fragment-muxer.js';
import type { LiveFragment } from './fragment.js';
import { LatencyWindow } from './latency.js';
import { liveFlow, type LiveResult } from './live-flow.js';
import { LiveOutput, sameColor, type ShownPicture } from './live-output.js';
import { liveFormat } from './live-stage.js';
import { MediaClock } from './media-clock.js';
import { NetworkKeeper } from './network-keeper.js';
import type { CameraChunk, CameraFormat, LiveControl, LiveOptions, Snapshot } from './options.js';
import { sameSize, shownSize } from './picture-size.js';
import { recordingMuxer } from './recording.js';
import { parseSource } from './source/address.js';
import type { DecodedPicture } from './source/live-decoder.js';
import { LiveSource, type SourceNews } from './source/live-source.js';
import type { LiveState, LiveStatistics } from './state.js';

const share = z.number().min(0).max(1);

const liveOptions = z.strictObject({
  source: z.string().min(1).max(4096),
  origin: z.enum(['owner', 'viewer']).default('owner'),
  allowPrivate: z.boolean().default(false),
  loop: z.boolean().default(false),
  model: z.string().min(1).default(lightestModel),
  translator: z.string().min(1).optional(),
  strength: share.default(1),
  fixed: z.boolean().default(false),
  size: z
    .strictObject({ width: z.int().min(64).max(3840), height: z.int().min(64).max(2160) })
    .default({ width: 1280, height: 720 }),
  provider: z.string().min(1).default('auto'),
  threads: z.int().positive().optional(),
  crf: z.number().min(0).max(51).default(23),
  keyframeInterval: z.number().min(0.1).max(10).default(1),
  record: z.string().min(1).optional(),
});

type Options = z.output<typeof liveOptions>;

const controlChange = z.strictObject({
  model: z.string().min(1).max(4096).optional(),
  translator: z.string().min(1).max(4096).nullable().optional(),
  strength: share.optional(),
  paused: z.boolean().optional(),
});

/** Milliseconds between statistics. */
const statisticsEvery = 1000;
/** Of the usual time between frames, so much is taken from the latest step. */
const smoothing = 0.1;

/**
 * One live source, deblurred and encoded once, whatever the number of viewers. While nobody watches, nothing is recorded
 * and no snapshot is waited for, the source stays connected, and network and encoder rest.
 */
export class LiveSession implements AsyncDisposable {
  readonly #options: Options;
  readonly #life = new AbortController();
  readonly #source: LiveSource;
  readonly #gate: NewestGate;
  readonly #keeper: NetworkKeeper;
  readonly #output: LiveOutput;
  readonly #clock = new MediaClock();
  readonly #scaler = new Scaler('quick');
  readonly #latency = new LatencyWindow();
  readonly #state: BehaviorSubject<LiveState>;
  readonly #statistics: BehaviorSubject<LiveStatistics>;
  readonly #counts = { in: 0, out: 0, dropped: 0 };
  readonly #ticker: NodeJS.Timeout;
  readonly #known: Promise<ShownPicture>;
  #declareKnown!: (shown: ShownPicture) => void;
  /** Ends the present turn of the flow. */
  #turn = new AbortController();
  #wakeFlow: (() => void) | undefined;
  #flowing: Promise<void> = Promise.resolve();
  #playing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #news: SourceNews = { source: 'connecting' };
  #failure: string | undefined;
  #shown: ShownPicture | undefined;
  #strength: number;
  #paused = false;
  #awake = false;
  #watched = false;
  #viewers = 0;
  /** Frames before this number came before the last rest. */
  #fresh = 0;
  #number = 0;
  #lastSeconds: number | undefined;
  /** Usual seconds between frames. */
  #interval = 1 / 25;

  private constructor(options: Options) {
    this.#options = options;
    const { model, translator, strength, fixed, provider, threads, crf, keyframeInterval, loop } = options;
    const { signal } = this.#life;
    this.#strength = strength;
    this.#known = new Promise((resolve) => {
      this.#declareKnown = resolve;
    });
    this.#gate = new NewestGate({ waiting: 1, onDrop: this.#onDrop });
    this.#output = new LiveOutput({
      crf,
      keyframeInterval,
      rate: () => 1 / this.#interval,
      onRecordingFailed: (error) => {
        this.#failure = error instanceof DeblurError ? error.message : 'The recording failed in an unexpected way.';
        this.#update();
      },
    });
    const onChange = () => {
      this.#turn.abort();
      this.#update();
    };
    this.#keeper = new NetworkKeeper({ model, translator, fixed, provider, threads, signal, onChange });
    this.#source = new LiveSource({
      address: parseSource(options.source, options),
      loop,
      onPicture: this.#onPicture,
      onNews: this.#onNews,
    });
    this.#state = new BehaviorSubject(this.#describe());
    this.#statistics = new BehaviorSubject(this.#count());
    this.#ticker = setInterval(() => {
      this.#statistics.next(this.#count());
    }, statisticsEvery);
    this.#ticker.unref();
  }

  /**
   * Opens a session. It resolves when the options are known to be right; the source connects, and the network is
   * loaded, in the background, and `state` tells.
   *
   * @param signal Closes the session.
   * @throws DeblurError `USAGE` for a wrong option or a source that its asker may not open, `INPUT_NOT_FOUND` for a file
   * that does not exist, `OUTPUT_EXISTS` for a recording that does, what opening a model throws, `CANCELLED`.
   */
  static async open(options: LiveOptions, signal?: AbortSignal): Promise<LiveSession> {
    throwIfAborted(signal);
    const settings = checked(liveOptions, options, 'A setting of the live stream is not right');
    await checkFiles(settings);
    for (const name of [settings.model, settings.translator]) {
      if (name !== undefined && name !== 'none') await openModel(name);
    }
    throwIfAborted(signal);
    const session = new LiveSession(settings);
    session.#start(signal);
    return session;
  }

  /** The encoded stream as it goes on; what came before is in {@link latestGroup}. Completes with the session. */
  get fragments(): Observable<LiveFragment> {
    return this.#output.fragments;
  }

  /** Begins with the present state; tells every change. */
  get state(): Observable<LiveState> {
    return this.#state;
  }

  /** Figures, about once a second. */
  get statistics(): Observable<LiveStatistics> {
    return this.#statistics;
  }

  /** The present state. */
  currentState(): LiveState {
    return this.#state.value;
  }

  /** The present figures. */
  currentStatistics(): LiveStatistics {
    return this.#count();
  }

  /** The stream's header; undefined before the first picture. */
  initFragment(): LiveFragment | undefined {
    return this.#output.header;
  }

  /** What a late viewer begins with: the header and the fragments since the last keyframe. Empty while there are none. */
  latestGroup(): readonly LiveFragment[] {
    return this.#output.latestGroup();
  }

  /** How many watch. With none, and no recording, network and encoder rest. */
  setViewers(count: number): void {
    this.#viewers = Math.max(0, Math.trunc(count));
    this.#settle();
  }

  /**
   * Changes what is done with the pictures. Resolves when another network is in use.
   * @throws DeblurError `USAGE`, what opening a model throws; then everything stays as it was.
   */
  async control(change: LiveControl): Promise<void> {
    const { model, translator, strength, paused } = checked(controlChange, change, 'A change is not right');
    const { asked } = this.#keeper;
    const networks = {
      model: model ?? asked.model,
      translator: translator === undefined ? asked.translator : (translator ?? undefined),
    };
    await this.#keeper.ask(networks);
    this.#strength = strength ?? this.#strength;
    this.#paused = paused ?? this.#paused;
    this.#settle();
  }

  /** Begins a group of pictures soon, for a viewer who has lost the thread. */
  requestKeyframe(): void {
    this.#output.requestKeyframe();
  }

  /** Original and result of the latest frame as PNG. Rejects with `INPUT_UNREADABLE` when no picture comes, `CANCELLED`. */
  async snapshot(): Promise<Snapshot> {
    this.#refuseIfClosed();
    const snapshot = this.#output.snapshot(!this.#isAwake() && !this.#paused);
    this.#settle();
    try {
      return await snapshot;
    } finally {
      this.#settle();
    }
  }

  /**
   * Records the result to a file, which must not exist, from the next picture on.
   * @throws DeblurError `USAGE` for an unknown extension or when there is a recording already, `OUTPUT_EXISTS`,
   * `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`, `CANCELLED`.
   */
  async startRecording(path: string): Promise<void> {
    this.#refuseIfClosed();
    recordingMuxer(path);
    const shown = await this.#known;
    this.#refuseIfClosed();
    await this.#output.startRecording(path, shown);
    this.#failure = undefined;
    this.#settle();
  }

  /** Completes the recording; without one it does nothing. */
  async stopRecording(): Promise<void> {
    try {
      await this.#output.stopRecording();
    } finally {
      this.#settle();
    }
  }

  /**
   * For the source `browser`: a camera begins to send. It takes the place of the one before.
   * @throws DeblurError `USAGE` for another source, or a format that is not known.
   */
  beginCamera(format: CameraFormat): void {
    this.#source.beginCamera(format);
  }

  /** A piece of what the camera sends. False when it was dropped: the pipeline is behind, or no camera has begun. */
  push(chunk: CameraChunk): boolean {
    return this.#source.push(chunk);
  }

  /** The camera sends no more. */
  endCamera(): void {
    this.#source.endCamera();
  }

  /** Disconnects, completes the recording and frees everything. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(signal: AbortSignal | undefined): void {
    const stop = () => {
      this.close().catch(() => undefined);
    };
    signal?.addEventListener('abort', stop, { once: true });
    this.#life.signal.addEventListener('abort', () => {
      signal?.removeEventListener('abort', stop);
    });
    this.#flowing = this.#flow();
    this.#playing = this.#source.run(this.#life.signal);
    const { record } = this.#options;
    if (record === undefined) return;
    this.startRecording(record).catch((error: unknown) => {
      if (this.#life.signal.aborted) return;
      this.#failure = error instanceof DeblurError ? error.message : 'The recording failed in an unexpected way.';
      this.#update();
    });
  }

  async #close(): Promise<void> {
    clearInterval(this.#ticker);
    this.#life.abort(new DeblurError('CANCELLED', 'The live stream was closed.'));
    this.#turn.abort();
    this.#wakeFlow?.();
    await Promise.all([this.#playing, this.#flowing]);
    this.#gate.clear();
    this.#declareKnown({ width: 0, height: 0, color: unknownColor });
    try {
      await this.#output.close();
    } finally {
      await this.#keeper.close();
      this.#scaler[Symbol.dispose]();
      this.#update();
      this.#state.complete();
      this.#statistics.complete();
    }
  }

  #refuseIfClosed(): void {
    throwIfAborted(this.#life.signal);
  }

  readonly #onNews = (news: SourceNews): void => {
    this.#news = news;
    this.#update();
    if (news.source === 'ended' && !this.#life.signal.aborted) void this.#finish();
  };

  /** A source that has an end has ended: shows what is under way, then completes the recording. */
  async #finish(): Promise<void> {
    const turn = this.#flowing;
    this.#turn.abort();
    this.#wakeFlow?.();
    await turn;
    if (!this.#life.signal.aborted) await this.stopRecording().catch(() => undefined);
  }

  readonly #onPicture = ({ picture, seconds: stated, captured }: DecodedPicture): void => {
    if (this.#life.signal.aborted) {
      picture.free();
      return;
    }
    const index = this.#number;
    this.#number += 1;
    this.#counts.in += 1;
    const seconds = this.#clock.next(stated, captured);
    this.#noteStep(seconds);
    const frame = wrapFrame(picture, {
      index,
      pts: BigInt(Math.round(seconds * fragmentClock)),
      duration: 0n,
      timeBase: { num: 1, den: fragmentClock },
      corrupt: false,
    });
    setCaptured(frame, captured);
    this.#notePicture(frame);
    if (this.#isAwake()) this.#gate.offer(frame);
    else frame.dispose();
  };

  readonly #onDrop = (): void => {
    this.#counts.dropped += 1;
    this.#keeper.observe({ busy: undefined, interval: this.#interval * 1000, now: performance.now() });
  };

  #noteStep(seconds: number): void {
    const step = this.#lastSeconds === undefined ? this.#interval : seconds - this.#lastSeconds;
    this.#lastSeconds = seconds;
    if (step < 1) this.#interval += smoothing * (step - this.#interval);
  }

  /** Adapts to pictures of another size or colour than the ones before. */
  #notePicture({ properties }: Frame): void {
    const { sampleAspectRatio, format, color: own, height } = properties;
    const size = shownSize(properties, sampleAspectRatio, this.#options.size);
    const color = colorAfter(own, av.avGetPixFmtFromName(format), av.avGetPixFmtFromName(liveFormat), height);
    if (this.#shown && sameSize(this.#shown, size) && sameColor(this.#shown.color, color)) return;
    this.#shown = { ...size, color };
    this.#declareKnown(this.#shown);
    this.#keeper.show(this.#shown);
    this.#wakeFlow?.();
  }

  /** Moves frames through one stage after another, until the session ends. */
  async #flow(): Promise<void> {
    const { signal } = this.#life;
    while (!signal.aborted) {
      const ended = this.#news.source === 'ended';
      const stage = this.#keeper.stage;
      const shown = this.#shown;
      if (!stage || !shown) {
        if (ended) return;
        await new Promise<void>((resolve) => {
          this.#wakeFlow = resolve;
        });
        continue;
      }
      this.#turn = new AbortController();
      if (ended) this.#turn.abort();
      await this.#keeper.sweep();
      try {
        await liveFlow({ gate: this.#gate, stage, shown, show: this.#show, signal: this.#turn.signal });
      } catch (error) {
        if (signal.aborted) return;
        if (!stage.session || !(error instanceof DeblurError) || error.code !== 'RUNTIME_FAILED') {
          this.#fail(error);
          return;
        }
        this.#keeper.replace(stage, error);
      }
      if (ended) return;
    }
  }

  /** Nothing can be shown any more. */
  #fail(error: unknown): void {
    const message =
      error instanceof DeblurError ? error.message : 'The pictures cannot be shown, for an unexpected reason.';
    this.#onNews({ source: 'failed', message });
    this.#life.abort(new DeblurError('CANCELLED', message));
    this.#gate.clear();
  }

  readonly #show = async ({ original, seen, planes, busy }: LiveResult): Promise<void> => {
    const interval = this.#interval * 1000;
    // What waited through a rest is no picture of now.
    if (!this.#isAwake() || original.index < this.#fresh) return;
    const strength = this.#strength;
    const result = planes && (await blend({ original, seen, result: planes, strength, scaler: this.#scaler }));
    await this.#output.show(original, result, this.#viewers > 0);
    const now = performance.now();
    if (busy !== undefined) this.#keeper.observe({ busy, interval, now });
    this.#counts.out += 1;
    this.#latency.add(Date.now() - capturedAt(original), now);
    const { codec } = this.#output;
    if (codec !== this.#state.value.codec) this.#update();
  };

  #isNeeded(): boolean {
    return this.#viewers > 0 || this.#output.recording || this.#output.awaited;
  }

  #isAwake(): boolean {
    return this.#isNeeded() && !this.#paused;
  }

  /** Begins or ends a rest, where it is time. */
  #settle(): void {
    const [awake, watched] = [this.#isAwake(), this.#viewers > 0];
    if (this.#awake && !awake) this.#gate.clear();
    if (!this.#awake && awake) this.#fresh = this.#number;
    if (awake !== this.#awake || watched !== this.#watched) this.#output.rest();
    this.#awake = awake;
    this.#watched = watched;
    this.#update();
  }

  #update(): void {
    if (this.#state.isStopped) return;
    const state = this.#describe();
    if (JSON.stringify(state) !== JSON.stringify(this.#state.value)) this.#state.next(state);
  }

  #describe(): LiveState {
    const { source, message: told, attempt } = this.#news;
    const { stage, asked } = this.#keeper;
    const { width, height } = this.#shown ?? { width: 0, height: 0 };
    const message = told ?? this.#failure ?? this.#keeper.message;
    const { codec } = this.#output;
    const { model, translator } = stage ?? asked;
    const { width: across, height: down } = stage?.processing ?? { width, height };
    return {
      source: source === 'live' && !this.#isNeeded() ? 'resting' : source,
      ...(message === undefined ? {} : { message }),
      ...(attempt === undefined ? {} : { attempt }),
      ...(codec === undefined ? {} : { codec }),
      width,
      height,
      model,
      ...(translator === undefined ? {} : { translator }),
      strength: this.#strength,
      paused: this.#paused,
      recording: this.#output.recording,
      processing: { width: across, height: down },
      fixed: this.#options.fixed,
    };
  }

  #count(): LiveStatistics {
    const now = performance.now();
    const { in: framesIn, out: framesOut, dropped } = this.#counts;
    const { p50, p95, p99 } = this.#latency.percentiles(now);
    return {
      framesIn,
      framesOut,
      dropped,
      fps: this.#latency.rate(now),
      latency: { p50, p95, p99 },
      viewers: this.#viewers,
    };
  }
}

const unknownColor = {
  range: 'unknown',
  matrix: 'unknown',
  primaries: 'unknown',
  transfer: 'unknown',
  chromaLocation: 'unknown',
};

/** Refuses a file that is not there, and a recording that is, before anything begins. */
async function checkFiles(options: Options): Promise<void> {
  const address = parseSource(options.source, options);
  if (address.kind === 'file') {
    const stats = await fs.stat(address.path).catch(() => undefined);
    if (!stats) throw new DeblurError('INPUT_NOT_FOUND', `There is no file ${address.path}.`);
    if (stats.isDirectory())
      throw new DeblurError('INPUT_UNREADABLE', `${address.path} is a folder, not a video file.`);
  }
  if (options.record === undefined) return;
  recordingMuxer(options.record);
  if (await fs.stat(options.record).catch(() => undefined)) {
    throw new DeblurError('OUTPUT_EXISTS', `The recording ${options.record} exists already.`, {
      hint: 'Give it another name.',
    });
  }
}
