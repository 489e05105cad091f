/// <reference lib="dom" />
import { BehaviorSubject, distinctUntilChanged, type Observable } from 'rxjs';
import { codecOf } from './codec.js';
import { EdgeControl, liveEdge, type LiveEdge, type LiveEdgeOptions } from './live-edge.js';

/** A piece of the fMP4 stream, as a player needs it. */
export interface PlayableFragment {
  /** `init` describes the stream and comes before its media, and again after every reconnection. */
  readonly kind: 'init' | 'media';
  readonly data: Uint8Array;
  /** Whether decoding may begin here. */
  readonly keyframe: boolean;
  /** Presentation time in seconds; of no meaning for `init`. */
  readonly pts: number;
}

/**
 * - `idle`: nothing has come yet
 * - `playing`: pictures are shown
 * - `stalled`: the next picture has not come
 * - `blocked`: the browser wants a person's click before it plays
 * - `unsupported`: the browser cannot play this codec from a Media Source
 */
export type PlayerStatus = 'idle' | 'playing' | 'stalled' | 'blocked' | 'unsupported';

/** Bytes that wait while the buffer is busy before the oldest groups of pictures are left out. */
const mostWaiting = 16 * 1024 * 1024;
/** How often the distance to the live edge is looked at, in milliseconds. */
const steerEvery = 100;

/** Keyframes whose times are kept. */
const rememberedKeyframes = 8;

interface ManagedWindow {
  readonly ManagedMediaSource?: typeof MediaSource;
}

function mediaSourceClass(): typeof MediaSource | undefined {
  // iPhones have the managed kind only.
  return (globalThis as ManagedWindow).ManagedMediaSource ?? globalThis.MediaSource;
}

/**
 * Plays fMP4 fragments in a `<video>` with Media Source Extensions, close to the live edge: late pictures are hurried through or
 * jumped over, and what was shown is taken out of the buffer.
 */
export class MediaPlayer {
  readonly #video: HTMLVideoElement;
  readonly #edge: LiveEdge;
  readonly #control: EdgeControl;
  readonly #status = new BehaviorSubject<PlayerStatus>('idle');
  readonly #listening = new AbortController();
  readonly #steering: ReturnType<typeof setInterval>;
  #stream: BufferedStream | undefined;

  constructor(video: HTMLVideoElement, options: LiveEdgeOptions = {}) {
    this.#video = video;
    this.#edge = liveEdge(options);
    this.#control = new EdgeControl(this.#edge);
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    const { signal } = this.#listening;
    const on = (event: string, status: PlayerStatus) => {
      video.addEventListener(event, () => this.#status.next(status), { signal });
    };
    on('playing', 'playing');
    on('waiting', 'stalled');
    video.addEventListener(
      'waiting',
      () => {
        // Before the first picture nothing can be late.
        if (!video.seeking && video.played.length > 0) this.#control.stalled();
      },
      { signal },
    );
    video.addEventListener('error', () => this.#restart(), { signal });
    this.#steering = setInterval(() => this.#steer(), steerEvery);
  }

  /** Whether pictures are shown, and if not, why. The latest value comes at once. */
  get status$(): Observable<PlayerStatus> {
    return this.#status.pipe(distinctUntilChanged());
  }

  /** Seconds of media that wait to be shown: the player's own share of the latency. */
  get delay(): number {
    const { buffered, currentTime } = this.#video;
    return buffered.length === 0 ? 0 : Math.max(0, buffered.end(buffered.length - 1) - currentTime);
  }

  /** Takes the next fragment. Media before the first `init` is left out. */
  push(fragment: PlayableFragment): void {
    if (fragment.kind === 'init') this.#begin(fragment.data);
    else this.#stream?.append(fragment);
  }

  /** Plays after the browser has refused to; call it from a click. */
  async resume(): Promise<void> {
    try {
      await this.#video.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#status.next('blocked');
    }
  }

  /** Lets go of the video element and of all that is buffered. */
  close(): void {
    clearInterval(this.#steering);
    this.#listening.abort();
    this.#stream?.close();
    this.#stream = undefined;
    this.#video.removeAttribute('src');
    this.#video.load();
    this.#status.complete();
  }

  #begin(init: Uint8Array): void {
    const type = `video/mp4; codecs="${codecOf(init) ?? ''}"`;
    const Source = mediaSourceClass();
    if (!Source?.isTypeSupported(type)) {
      this.#status.next('unsupported');
      return;
    }
    this.#stream?.close();
    this.#stream = new BufferedStream(this.#video, new Source(), type, init, this.#edge.keepBehind);
    void this.resume();
  }

  /** A decoder that failed does not recover: the same stream begins again at its next keyframe. */
  #restart(): void {
    const init = this.#stream?.init;
    if (init) this.#begin(init);
  }

  #steer(): void {
    const { buffered, currentTime, seeking } = this.#video;
    if (!this.#stream || buffered.length === 0 || seeking) return;
    const last = buffered.length - 1;
    const [start, end] = [buffered.start(last), buffered.end(last)];
    const keyframe = this.#stream.newestKeyframe(end);
    const step = this.#control.step({ currentTime, start, end, keyframe }, steerEvery / 1000);
    if (step.jumpTo !== undefined && Math.abs(step.jumpTo - currentTime) > 0.02) this.#video.currentTime = step.jumpTo;
    if (this.#video.playbackRate !== step.rate) this.#video.playbackRate = step.rate;
    if (this.#video.paused && this.#status.value !== 'blocked') void this.resume();
  }
}

/** One Media Source and what waits to go into it. */
class BufferedStream {
  readonly init: Uint8Array;
  readonly #video: HTMLVideoElement;
  readonly #source: MediaSource;
  readonly #keepBehind: number;
  readonly #url: string;
  #buffer: SourceBuffer | undefined;
  #waiting: PlayableFragment[] = [];
  #waitingBytes = 0;
  #sawKeyframe = false;
  #keyframes: number[] = [];
  #closed = false;

  constructor(video: HTMLVideoElement, source: MediaSource, type: string, init: Uint8Array, keepBehind: number) {
    this.init = init;
    this.#video = video;
    this.#source = source;
    this.#keepBehind = keepBehind;
    this.#url = URL.createObjectURL(source);
    this.#enqueue({ kind: 'init', data: init, keyframe: true, pts: 0 });
    source.addEventListener(
      'sourceopen',
      () => {
        if (this.#closed) return;
        source.duration = Infinity;
        this.#buffer = source.addSourceBuffer(type);
        this.#buffer.addEventListener('updateend', () => this.#next());
        this.#next();
      },
      { once: true },
    );
    video.src = this.#url;
  }

  append(fragment: PlayableFragment): void {
    if (!this.#sawKeyframe && !fragment.keyframe) return;
    this.#sawKeyframe = true;
    if (fragment.keyframe) this.#keyframes = [...this.#keyframes.slice(-rememberedKeyframes), fragment.pts];
    this.#enqueue(fragment);
    if (this.#waitingBytes > mostWaiting) this.#shorten();
    this.#next();
  }

  /** Time of the newest keyframe that is in the buffer already. */
  newestKeyframe(end: number): number | undefined {
    return this.#keyframes.findLast((pts) => pts < end);
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    URL.revokeObjectURL(this.#url);
  }

  #enqueue(fragment: PlayableFragment): void {
    this.#waiting.push(fragment);
    this.#waitingBytes += fragment.data.length;
  }

  /** Leaves out everything before the newest keyframe that waits; a page in the background may not have appended for minutes. */
  #shorten(): void {
    const newest = this.#waiting.findLastIndex(({ kind, keyframe }) => kind === 'media' && keyframe);
    const kept = this.#waiting.filter(({ kind }, index) => kind === 'init' || index >= newest);
    this.#waiting = newest < 0 ? [] : kept;
    this.#sawKeyframe = newest >= 0;
    this.#waitingBytes = this.#waiting.reduce((sum, { data }) => sum + data.length, 0);
  }

  #next(): void {
    const buffer = this.#buffer;
    if (!buffer || this.#closed || buffer.updating || this.#source.readyState !== 'open') return;
    const { buffered, currentTime } = this.#video;
    if (buffered.length > 0 && currentTime - buffered.start(0) > this.#keepBehind * 2) {
      buffer.remove(0, currentTime - this.#keepBehind);
      return;
    }
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#append(buffer, batch);
  }

  #append(buffer: SourceBuffer, batch: readonly PlayableFragment[]): void {
    try {
      buffer.appendBuffer(joined(batch.map(({ data }) => data)));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      // Full, or the element has an error: begin again at a keyframe once there is room.
      this.#sawKeyframe = false;
      if (error.name === 'QuotaExceededError') buffer.remove(0, Infinity);
    }
  }
}

/** The bytes of several pieces, one behind the other. */
function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
