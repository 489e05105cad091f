import { cancelled, throwIfAborted } from '../../errors.js';
import { BoundedQueue } from '../bounded-queue.js';
import { DamageCount } from '../damage.js';
import type { Frame } from '../frame.js';
import { TimestampRepair } from '../timestamps.js';
import type { Damage, Engine, MediaInfo, ReaderOptions, VideoReader, VideoStreamInfo } from '../video.js';
import { av, constants as c } from './binding.js';
import { openInput } from './input.js';
import { mediaInfo, requireVideo, videoInfo } from './media-info.js';
import { plainRange, wrapFrame } from './native-frame.js';
import { findPixelFormat, type NamedFormat } from './pixel-formats.js';
import { LibrarySource, type PictureSource } from './picture-source.js';
import { rescale } from './rational.js';
import { colorAfter, Scaler, type Target } from './scaler.js';

/** Frames decoded ahead of the consumer, so that decoding overlaps with whatever it does. */
const readAhead = 6;

/**
 * Opens whatever decodes the stream of an opened container. The container is the source's from then on, if it
 * resolves.
 */
export type SourceOpener = (
  input: av.FormatContext,
  stream: av.Stream,
  video: VideoStreamInfo,
  damage: DamageCount,
) => Promise<PictureSource>;

interface ReaderParts {
  readonly info: MediaInfo;
  readonly video: VideoStreamInfo;
  readonly source: PictureSource;
  readonly damage: DamageCount;
  readonly signal: AbortSignal | undefined;
}

/** Reads a video file: decodes ahead of the consumer, repairs timestamps and converts the format where asked. */
export class FileReader implements VideoReader {
  readonly engine: Engine;
  readonly info: MediaInfo;
  readonly video: VideoStreamInfo;
  readonly #source: PictureSource;
  readonly #damage: DamageCount;
  readonly #signal: AbortSignal | undefined;
  readonly #target: Target;
  readonly #scaler = new Scaler();
  readonly #queue = new BoundedQueue<Frame>(readAhead);
  #decoding: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor({ info, video, source, damage, signal }: ReaderParts) {
    this.engine = source.engine;
    this.info = info;
    this.video = video;
    this.#source = source;
    this.#damage = damage;
    this.#signal = signal;
    this.#target = { format: av.avGetPixFmtFromName(video.format), width: video.width, height: video.height };
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Opens a file; see {@link openVideo} for what it throws. */
  static async open(
    path: string,
    options: ReaderOptions,
    openSource: SourceOpener = LibrarySource.open,
  ): Promise<FileReader> {
    const { signal } = options;
    throwIfAborted(signal);
    const format = options.format === undefined ? undefined : findPixelFormat(options.format);
    const input = await openInput(path);
    let source: PictureSource | undefined;
    try {
      const info = await mediaInfo(input, path);
      const stream = requireVideo(input, path);
      const damage = new DamageCount(path, options.strict ?? false);
      const original = videoInfo(stream);
      source = await openSource(input, stream, original, damage);
      throwIfAborted(signal);
      const video = format === undefined ? original : convertedInfo(original, format);
      return new FileReader({ info, video, source, damage, signal });
    } catch (error) {
      await (source ? source.close() : input.closeInput());
      throw error;
    }
  }

  get damage(): Damage {
    return this.#damage;
  }

  async *frames(): AsyncGenerator<Frame, void, undefined> {
    if (this.#decoding || this.#closing) throw new TypeError('frames() may be called once, on an open reader');
    throwIfAborted(this.#signal);
    this.#decoding = this.#decode();
    try {
      for (;;) {
        const frame = await this.#queue.take();
        if (!frame) break;
        if (this.#signal?.aborted) {
          frame.dispose();
          break;
        }
        yield frame;
      }
      throwIfAborted(this.#signal);
    } finally {
      await this.#stop();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#free();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #decode(): Promise<void> {
    const { timeBase, averageRate } = this.video;
    const step = averageRate.num > 0 ? rescale(1n, { num: averageRate.den, den: averageRate.num }, timeBase) : 1n;
    const repair = new TimestampRepair(step);
    let index = 0;
    try {
      await this.#source.run(async (decoded) => {
        const picture = await this.#fit(decoded);
        const corrupt = picture.decodeErrorFlags !== 0 || picture.hasFlags(c.AV_FRAME_FLAG_CORRUPT);
        const stated = picture.bestEffortTimestamp;
        const { duration } = picture;
        const pts = repair.next(stated === c.AV_NOPTS_VALUE ? undefined : stated, duration);
        const frame = wrapFrame(picture, { index, pts, duration, timeBase, corrupt });
        index += 1;
        try {
          if (corrupt) this.#damage.concealFrame();
          if (await this.#queue.push(frame)) return true;
        } catch (error) {
          frame.dispose();
          throw error;
        }
        frame.dispose();
        return false;
      });
      this.#damage.repairedTimestamps = repair.repaired;
      this.#queue.end();
    } catch (error) {
      this.#queue.fail(error);
    }
  }

  /** The picture in the format and size that the reader promised; takes ownership of what it is given. */
  async #fit(picture: av.Frame): Promise<av.Frame> {
    plainRange(picture);
    const { format, width, height } = this.#target;
    if (picture.format === format && picture.width === width && picture.height === height) return picture;
    try {
      return await this.#scaler.convert(picture, this.#target);
    } finally {
      picture.free();
    }
  }

  readonly #onAbort = (): void => {
    this.#queue.fail(cancelled(this.#signal));
    for (const frame of this.#queue.drain()) frame.dispose();
    this.#source.stop();
  };

  async #stop(): Promise<void> {
    this.#queue.end();
    for (const frame of this.#queue.drain()) frame.dispose();
    this.#source.stop();
    await this.#decoding;
  }

  async #free(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    await this.#stop();
    await this.#source.close();
    this.#scaler[Symbol.dispose]();
  }
}

function convertedInfo(source: VideoStreamInfo, { name, number }: NamedFormat): VideoStreamInfo {
  const color = colorAfter(source.color, av.avGetPixFmtFromName(source.format), number, source.height);
  return { ...source, format: name, color };
}
