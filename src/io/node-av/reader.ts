import { cancelled, throwIfAborted } from '../../errors.js';
import { BoundedQueue } from '../bounded-queue.js';
import { DamageCount } from '../damage.js';
import type { Frame } from '../frame.js';
import { TimestampRepair } from '../timestamps.js';
import type { Damage, MediaInfo, ReaderOptions, VideoReader, VideoStreamInfo } from '../video.js';
import { av, constants as c } from './binding.js';
import { FrameDecoder } from './frame-decoder.js';
import { openInput } from './input.js';
import { mediaInfo, requireVideo, videoInfo } from './media-info.js';
import { plainRange, wrapFrame } from './native-frame.js';
import { findPixelFormat } from './pixel-formats.js';
import { rescale } from './rational.js';
import { Scaler, type Target } from './scaler.js';

/** Frames decoded ahead of the consumer, so that decoding overlaps with whatever it does. */
const readAhead = 6;

/** Containers that state their true length, so that a shorter one was cut off. */
const exactLength = /^(matroska|mov)/;

/** Reads a video file with FFmpeg's libraries in this process. */
export class NodeAvReader implements VideoReader {
  readonly engine = 'node-av';
  readonly info: MediaInfo;
  readonly video: VideoStreamInfo;
  readonly #input: av.FormatContext;
  readonly #decoder: FrameDecoder;
  readonly #scaler = new Scaler();
  readonly #target: Target;
  readonly #damage: DamageCount;
  readonly #queue = new BoundedQueue<Frame>(readAhead);
  readonly #signal: AbortSignal | undefined;
  #decoding: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: {
    input: av.FormatContext;
    info: MediaInfo;
    video: VideoStreamInfo;
    decoder: FrameDecoder;
    damage: DamageCount;
    signal: AbortSignal | undefined;
  }) {
    this.#input = parts.input;
    this.info = parts.info;
    this.video = parts.video;
    this.#decoder = parts.decoder;
    this.#damage = parts.damage;
    this.#signal = parts.signal;
    const { format, width, height } = parts.video;
    this.#target = { format: av.avGetPixFmtFromName(format), width, height };
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Opens a file; see {@link openVideo}. */
  static async open(path: string, options: ReaderOptions): Promise<NodeAvReader> {
    const { signal } = options;
    throwIfAborted(signal);
    const format = options.format === undefined ? undefined : findPixelFormat(options.format);
    const input = await openInput(path);
    let decoder: FrameDecoder | undefined;
    try {
      const info = await mediaInfo(input, path);
      const stream = requireVideo(input, path);
      const damage = new DamageCount(path, options.strict ?? false);
      decoder = await FrameDecoder.open(input, stream, damage);
      throwIfAborted(signal);
      const source = videoInfo(stream);
      const video = format === undefined || format.name === source.format ? source : convertedInfo(source, format.name);
      return new NodeAvReader({ input, info, video, decoder, damage, signal });
    } catch (error) {
      decoder?.[Symbol.dispose]();
      await input.closeInput();
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
        throwIfAborted(this.#signal);
        if (!frame) return;
        yield frame;
      }
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
      await this.#decoder.run(async (decoded) => {
        const picture = await this.#fit(decoded);
        const corrupt = picture.decodeErrorFlags !== 0 || picture.hasFlags(c.AV_FRAME_FLAG_CORRUPT);
        try {
          if (corrupt) this.#damage.concealFrame();
        } catch (error) {
          picture.free();
          throw error;
        }
        const stated = picture.bestEffortTimestamp;
        const { duration } = picture;
        const pts = repair.next(stated === c.AV_NOPTS_VALUE ? undefined : stated, duration);
        const frame = wrapFrame(picture, { index, pts, duration, timeBase, corrupt });
        index += 1;
        const taken = await this.#queue.push(frame);
        if (!taken) frame.dispose();
        return taken;
      });
      this.#damage.repairedTimestamps = repair.repaired;
      this.#checkLength();
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

  /** Compares what was read with what the container promised. */
  #checkLength(): void {
    if (!exactLength.test(this.info.container)) return;
    const { frameCount } = this.video;
    if (frameCount !== undefined) {
      if (this.#decoder.packets < frameCount) this.#damage.cutOff();
      return;
    }
    const { averageRate } = this.video;
    const frameSeconds = averageRate.num > 0 ? averageRate.den / averageRate.num : 0.05;
    const promised = videoSeconds(this.video) ?? this.info.duration;
    if (promised !== undefined && this.#decoder.endSeconds < promised - 2 * frameSeconds) this.#damage.cutOff();
  }

  readonly #onAbort = (): void => {
    this.#queue.fail(cancelled(this.#signal));
    for (const frame of this.#queue.drain()) frame.dispose();
    this.#input.interrupt();
  };

  async #stop(): Promise<void> {
    this.#queue.end();
    for (const frame of this.#queue.drain()) frame.dispose();
    await this.#decoding;
  }

  async #free(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#input.interrupt();
    await this.#stop();
    this.#decoder[Symbol.dispose]();
    this.#scaler[Symbol.dispose]();
    await this.#input.closeInput();
  }
}

/** Matroska's own statement of a track's length, which mkvmerge and FFmpeg write as a tag. */
function videoSeconds(video: VideoStreamInfo): number | undefined {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(video.metadata['DURATION'] ?? '');
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : undefined;
}

function convertedInfo(source: VideoStreamInfo, format: string): VideoStreamInfo {
  const rgb = /^gbr|^rgb|^bgr/.test(format);
  const { range } = source.color;
  return {
    ...source,
    format,
    color: rgb ? { ...source.color, matrix: 'gbr', range: 'pc' } : { ...source.color, range },
  };
}
