import { Subject, type Observable } from 'rxjs';
import { DeblurError } from '../errors.js';
import type { ColorTags, Frame, Plane } from '../io/frame.js';
import { av, constants as c } from '../io/node-av/binding.js';
import { encodePng, rgbOfPicture } from '../io/node-av/picture.js';
import { Scaler } from '../io/node-av/scaler.js';
import { capturedAt } from './capture-time.js';
import type { LiveFragment } from './fragment.js';
import type { Snapshot } from './options.js';
import { sameSize } from './picture-size.js';
import { Recording } from './recording.js';
import { half, stack, StackedEncoder } from './stacked-encoder.js';
import type { PictureSize } from './state.js';

/** How the pictures of a stream are, as they are shown. */
export interface ShownPicture extends PictureSize {
  readonly color: ColorTags;
}

/** Options of {@link LiveOutput}. */
export interface LiveOutputOptions {
  /** x264's constant rate factor. */
  readonly crf: number;
  /** Seconds between keyframes at most. */
  readonly keyframeInterval: number;
  /** Frames per second of the source, as far as known. */
  readonly rate: () => number;
  /** The recording could not go on, and was ended. */
  readonly onRecordingFailed: (error: unknown) => void;
}

/** Seconds between keyframes at least, however many ask for one. */
const keyframesApart = 0.3;
/** Fragments kept for late viewers, at most: a group of pictures has about a second of them. */
const longestGroup = 600;
/** Milliseconds that a snapshot waits for a picture. */
const patience = 10_000;

interface SnapshotWaiter {
  readonly resolve: (stacked: av.Frame) => void;
  readonly reject: (error: unknown) => void;
}

/** Where the pictures of a live stream go: fragments for the viewers, a recording, snapshots. */
export class LiveOutput {
  readonly #options: LiveOutputOptions;
  readonly #fragments = new Subject<LiveFragment>();
  #encoder: StackedEncoder | undefined;
  #shown: ShownPicture | undefined;
  #header: LiveFragment | undefined;
  #group: LiveFragment[] = [];
  #sequence = 0;
  #keyframeWanted = false;
  #lastKeyframe = -Infinity;
  #recording: Recording | undefined;
  #latest: av.Frame | undefined;
  #waiters: SnapshotWaiter[] = [];
  #closed = false;

  constructor(options: LiveOutputOptions) {
    this.#options = options;
  }

  get fragments(): Observable<LiveFragment> {
    return this.#fragments;
  }

  get header(): LiveFragment | undefined {
    return this.#header;
  }

  get codec(): string | undefined {
    return this.#encoder?.codec;
  }

  get recording(): boolean {
    return this.#recording !== undefined;
  }

  /** Whether somebody waits for a snapshot. */
  get awaited(): boolean {
    return this.#waiters.length > 0;
  }

  /** The header and the fragments since the last keyframe; empty before the first one. */
  latestGroup(): readonly LiveFragment[] {
    return this.#header && this.#group.length > 0 ? [this.#header, ...this.#group] : [];
  }

  requestKeyframe(): void {
    this.#keyframeWanted = true;
  }

  /** Nobody watches: what was encoded is old when somebody does. */
  rest(): void {
    this.#group = [];
    this.#keyframeWanted = true;
    this.#lastKeyframe = -Infinity;
  }

  /**
   * Shows a picture beside its original, which stay the caller's.
   * @param result Planes of the original's size; undefined for the original itself.
   * @param watched Encode it for viewers, too.
   */
  async show(original: Frame, result: readonly Plane[] | undefined, watched: boolean): Promise<void> {
    if (this.#closed) return;
    const { seconds } = original;
    const stacked = stack(original, result);
    try {
      const recorded = this.#recording && this.#record(this.#recording, half(stacked, 1), seconds);
      if (watched) await this.#encode(original, stacked);
      await recorded;
    } finally {
      this.#keep(stacked);
    }
  }

  /** The latest picture, or with `fresh` the next one. Rejects with `INPUT_UNREADABLE` when none comes. */
  async snapshot(fresh: boolean): Promise<Snapshot> {
    using stacked = await (fresh || !this.#latest ? this.#nextPicture() : Promise.resolve(sharedPicture(this.#latest)));
    const { width, height } = stacked;
    using scaler = new Scaler();
    using picture = await scaler.convert(stacked, { format: c.AV_PIX_FMT_RGB24, width, height });
    const rgb = rgbOfPicture(picture);
    const middle = rgb.length / 2;
    return {
      original: await encodePng(rgb.subarray(0, middle), width, height / 2),
      result: await encodePng(rgb.subarray(middle), width, height / 2),
    };
  }

  /** Begins to record. Throws what {@link Recording.open} throws, and `USAGE` when there is a recording already. */
  async startRecording(path: string, shown: ShownPicture): Promise<void> {
    if (this.#recording) throw new DeblurError('USAGE', 'The stream is being recorded already.');
    const recording = await Recording.open(path, { ...shown, rate: this.#options.rate() });
    if (this.#closed || this.recording) {
      await recording.close();
      throw new DeblurError('CANCELLED', 'The recording was not begun.');
    }
    this.#recording = recording;
  }

  /** Completes the recording. Throws when that fails. */
  async stopRecording(): Promise<void> {
    const recording = this.#recording;
    this.#recording = undefined;
    await recording?.close();
  }

  /** Completes the recording and frees everything; after the last `show` has settled. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiters.splice(0))
      reject(new DeblurError('CANCELLED', 'The live stream has ended.'));
    this.#latest?.free();
    this.#latest = undefined;
    this.#fragments.complete();
    try {
      await this.stopRecording();
    } finally {
      await this.#encoder?.[Symbol.asyncDispose]();
      this.#encoder = undefined;
    }
  }

  async #record(recording: Recording, planes: readonly Plane[], seconds: number): Promise<void> {
    try {
      await recording.write(planes, seconds);
    } catch (error) {
      if (this.#recording === recording) this.#recording = undefined;
      await recording.close().catch(() => undefined);
      this.#options.onRecordingFailed(error);
    }
  }

  async #encode(original: Frame, stacked: av.Frame): Promise<void> {
    const encoder = await this.#encoderFor(original);
    const { index: number, seconds } = original;
    const keyframe = this.#keyframeWanted && seconds - this.#lastKeyframe >= keyframesApart;
    const encoded = await encoder.encode(stacked, seconds, keyframe);
    if (encoded.keyframe) {
      this.#keyframeWanted = false;
      this.#lastKeyframe = seconds;
      this.#group = [];
    }
    const frames = [{ number, captured: capturedAt(original) }];
    const fragment = this.#number({ kind: 'media', ...encoded, pts: seconds, frames });
    this.#group.push(fragment);
    if (this.#group.length > longestGroup) this.rest();
    this.#fragments.next(fragment);
  }

  /** The encoder for such pictures: a new one where their size or colour has changed, with a new header. */
  async #encoderFor({ properties }: Frame): Promise<StackedEncoder> {
    const { width, height, color } = properties;
    if (this.#encoder && this.#shown && sameSize(this.#shown, properties) && sameColor(this.#shown.color, color)) {
      return this.#encoder;
    }
    await this.#encoder?.[Symbol.asyncDispose]();
    this.#encoder = undefined;
    const { crf, keyframeInterval, rate } = this.#options;
    const encoder = await StackedEncoder.open({ width, height, color, crf, keyframeInterval, rate: rate() });
    this.#encoder = encoder;
    this.#shown = { width, height, color };
    this.#lastKeyframe = -Infinity;
    this.#group = [];
    this.#header = this.#number({ kind: 'init', data: encoder.header, keyframe: false, pts: 0, frames: [] });
    this.#fragments.next(this.#header);
    return encoder;
  }

  #number(fragment: Omit<LiveFragment, 'sequence'>): LiveFragment {
    const sequence = this.#sequence;
    this.#sequence += 1;
    return { ...fragment, sequence };
  }

  /** Keeps the picture for snapshots; it is this object's from now on. */
  #keep(stacked: av.Frame): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve(sharedPicture(stacked));
    this.#latest?.free();
    this.#latest = undefined;
    if (this.#closed) stacked.free();
    else this.#latest = stacked;
  }

  async #nextPicture(): Promise<av.Frame> {
    let waiter: SnapshotWaiter | undefined;
    const timer = setTimeout(() => {
      waiter?.reject(new DeblurError('INPUT_UNREADABLE', 'No picture has come that could be kept.'));
    }, patience);
    try {
      return await new Promise<av.Frame>((resolve, reject) => {
        waiter = { resolve, reject };
        this.#waiters.push(waiter);
      });
    } finally {
      clearTimeout(timer);
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
    }
  }
}

/** Another reference to a picture. */
function sharedPicture(picture: av.Frame): av.Frame {
  const reference = picture.clone();
  if (!reference) throw new RangeError('no memory for a frame reference');
  return reference;
}

/** Whether two sets of colour tags are the same. */
export function sameColor(a: ColorTags, b: ColorTags): boolean {
  return (
    a.range === b.range &&
    a.matrix === b.matrix &&
    a.primaries === b.primaries &&
    a.transfer === b.transfer &&
    a.chromaLocation === b.chromaLocation
  );
}
