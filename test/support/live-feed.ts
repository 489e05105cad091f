import { BehaviorSubject, Subject } from 'rxjs';
import { constants as c } from '../../src/io/node-av/binding.js';
import { allocatePicture } from '../../src/io/node-av/native-frame.js';
import { StackedEncoder } from '../../src/live/stacked-encoder.js';
import type {
  CameraChunk,
  CameraFormat,
  LiveControl,
  LiveFragment,
  LiveState,
  LiveStatistics,
} from '../../src/live/index.js';
import type { LiveFeed } from '../../src/serve/index.js';
import { drawCode } from './frame-code.js';
import { bt709 } from './frames.js';

/** Samples of one picture: luma, then the two chroma values, at a place. */
export type PaintPicture = (half: 'original' | 'result', frame: number) => Painted;

/** A flat colour, on which `code` is drawn. */
export interface Painted {
  readonly y: number;
  readonly u: number;
  readonly v: number;
  /** 32 bits, drawn as black and white squares: see `drawCode`. */
  readonly code: number;
}

/** Options of {@link PaintedFeed.open}. */
export interface PaintedFeedOptions {
  width?: number;
  /** Of one picture. */
  height?: number;
  rate?: number;
  paint?: PaintPicture;
}

/** Orange and blue, each with the frame's number. */
const plain: PaintPicture = (half, frame) =>
  half === 'original' ? { y: 150, u: 70, v: 190, code: frame } : { y: 90, u: 190, v: 90, code: frame };

/**
 * A live session without a source or a network: pictures of known colours with known codes, encoded by the encoder of
 * live sessions. What clients ask of it is kept for the test to look at.
 */
export class PaintedFeed implements LiveFeed {
  readonly fragments = new Subject<LiveFragment>();
  readonly state: BehaviorSubject<LiveState>;
  readonly statistics = new Subject<LiveStatistics>();
  readonly controls: LiveControl[] = [];
  readonly recordings: (string | null)[] = [];
  readonly camera: { formats: CameraFormat[]; chunks: CameraChunk[]; ended: number } = {
    formats: [],
    chunks: [],
    ended: 0,
  };
  viewers = 0;
  keyframesAsked = 0;

  readonly #encoder: StackedEncoder;
  readonly #options: Required<PaintedFeedOptions>;
  readonly #timers: ReturnType<typeof setInterval>[];
  readonly #started = performance.now();
  #frame = 0;
  #sequence = 0;
  #group: LiveFragment[] = [];
  #working: Promise<void> = Promise.resolve();
  #busy = false;

  private constructor(encoder: StackedEncoder, options: Required<PaintedFeedOptions>) {
    this.#encoder = encoder;
    this.#options = options;
    const { width, height, rate } = options;
    this.state = new BehaviorSubject<LiveState>({
      source: 'live',
      width,
      height,
      codec: encoder.codec,
      model: 'light',
      strength: 1,
      paused: false,
      recording: false,
      processing: { width, height },
      fixed: false,
    });
    this.#timers = [
      setInterval(() => {
        if (this.#busy) return;
        this.#busy = true;
        this.#working = this.#next().finally(() => (this.#busy = false));
      }, 1000 / rate),
      setInterval(() => this.statistics.next(this.currentStatistics()), 1000),
    ];
  }

  static async open(options: PaintedFeedOptions = {}): Promise<PaintedFeed> {
    const full = { width: 320, height: 180, rate: 25, paint: plain, ...options };
    const encoder = await StackedEncoder.open({ ...full, color: bt709, crf: 16, keyframeInterval: 1 });
    return new PaintedFeed(encoder, full);
  }

  currentState(): LiveState {
    return this.state.value;
  }

  currentStatistics(): LiveStatistics {
    const framesOut = this.#frame;
    return {
      framesIn: framesOut + 3,
      framesOut,
      dropped: 3,
      fps: this.#options.rate,
      latency: { p50: 12, p95: 20, p99: 31 },
      viewers: this.viewers,
    };
  }

  latestGroup(): readonly LiveFragment[] {
    return this.#group.length === 0 ? [] : [this.#init(), ...this.#group];
  }

  setViewers(count: number): void {
    this.viewers = count;
  }

  control(change: LiveControl): Promise<void> {
    this.controls.push(change);
    const { translator, ...rest } = change;
    this.change({ ...rest, ...(translator ? { translator } : {}) });
    return Promise.resolve();
  }

  requestKeyframe(): void {
    this.keyframesAsked += 1;
  }

  snapshot(): Promise<{ original: Uint8Array; result: Uint8Array }> {
    const pixel = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8Dwn4EIwDiqkL4KAQBHJQMBGqF/cwAAAABJRU5ErkJggg==',
      'base64',
    );
    return Promise.resolve({ original: pixel, result: pixel });
  }

  startRecording(path: string): Promise<void> {
    this.recordings.push(path);
    this.change({ recording: true });
    return Promise.resolve();
  }

  stopRecording(): Promise<void> {
    this.recordings.push(null);
    this.change({ recording: false });
    return Promise.resolve();
  }

  beginCamera(format: CameraFormat): void {
    this.camera.formats.push(format);
  }

  push(chunk: CameraChunk): boolean {
    this.camera.chunks.push(chunk);
    return true;
  }

  endCamera(): void {
    this.camera.ended += 1;
  }

  /** Tells the viewers of a new state. */
  change(change: Partial<LiveState>): void {
    this.state.next({ ...this.state.value, ...change });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#working;
    await this.#encoder[Symbol.asyncDispose]();
    this.fragments.complete();
    this.state.complete();
    this.statistics.complete();
  }

  #init(): LiveFragment {
    return { kind: 'init', data: this.#encoder.header, keyframe: false, sequence: 0, pts: 0, frames: [] };
  }

  async #next(): Promise<void> {
    const number = this.#frame;
    const captured = Date.now();
    const pts = (performance.now() - this.#started) / 1000;
    const frame = this.#paint(number);
    try {
      const { data, keyframe } = await this.#encoder.encode(frame, pts, false);
      this.#sequence += 1;
      const frames = [{ number, captured }];
      const fragment: LiveFragment = { kind: 'media', data, keyframe, sequence: this.#sequence, pts, frames };
      if (number === 0) this.fragments.next(this.#init());
      this.#group = keyframe ? [fragment] : [...this.#group, fragment];
      this.fragments.next(fragment);
    } finally {
      frame.free();
    }
    this.#frame += 1;
  }

  #paint(number: number) {
    const { width, height, paint } = this.#options;
    const picture = allocatePicture(c.AV_PIX_FMT_YUV420P, width, height * 2);
    const planes = picture.data ?? [];
    for (const [index, half] of (['original', 'result'] as const).entries()) {
      const { y, u, v, code } = paint(half, number);
      for (const [plane, value] of [y, u, v].entries()) {
        const rows = plane === 0 ? height : height / 2;
        const stride = picture.linesize[plane] ?? 0;
        planes[plane]?.fill(value, index * rows * stride, (index + 1) * rows * stride);
      }
      const [luma, stride] = [planes[0], picture.linesize[0]];
      if (luma && stride !== undefined) drawCode(luma.subarray(index * height * stride), stride, width, height, code);
    }
    return picture;
  }
}
