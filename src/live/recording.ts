import * as fs from 'node:fs/promises';
import { extname } from 'node:path';
import { DeblurError } from '../errors.js';
import { writeError } from '../io/atomic-file.js';
import type { ColorTags, Plane } from '../io/frame.js';
import { av, constants as c } from '../io/node-av/binding.js';
import { writeColor } from '../io/node-av/color.js';
import { check, writeFailure } from '../io/node-av/failure.js';
import { fileAddress } from '../io/node-av/input.js';
import { allocatePicture, copyRows } from '../io/node-av/native-frame.js';
import { Scaler } from '../io/node-av/scaler.js';
import { openH264 } from './h264-encoder.js';
import type { PictureSize } from './state.js';

/** Ticks per second. */
const clock = 90_000;

/** FFmpeg's muxers by a file's extension. */
const muxers: Readonly<Record<string, string>> = { '.mp4': 'mp4', '.m4v': 'mp4', '.mov': 'mov', '.mkv': 'matroska' };

/** Options of {@link Recording.open}. */
export interface RecordingOptions extends PictureSize {
  readonly color: ColorTags;
  /** Frames per second, as far as known. */
  readonly rate: number;
}

/**
 * A recording of a live stream's result. The file can be played up to its last second whatever happens to this
 * program: it is written in fragments, which `close` turns into an ordinary file.
 */
export class Recording {
  readonly path: string;
  readonly #size: PictureSize;
  readonly #encoder: av.CodecContext;
  readonly #output: av.FormatContext;
  readonly #stream: av.Stream;
  readonly #color: ColorTags;
  readonly #scaler = new Scaler('quick');
  #start: number | undefined;
  #last = -1n;
  #interval: number;
  /** Writes and the end, one after another. */
  #work: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(
    path: string,
    options: RecordingOptions,
    encoder: av.CodecContext,
    output: av.FormatContext,
    stream: av.Stream,
  ) {
    this.path = path;
    this.#size = { width: options.width, height: options.height };
    this.#color = options.color;
    this.#interval = 1 / options.rate;
    this.#encoder = encoder;
    this.#output = output;
    this.#stream = stream;
  }

  /**
   * Creates the file, which must not exist.
   * @throws DeblurError `USAGE` for an unknown extension, `OUTPUT_EXISTS`, `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`.
   */
  static async open(path: string, options: RecordingOptions): Promise<Recording> {
    const muxer = recordingMuxer(path);
    await createNew(path);
    const x264 = { preset: 'superfast', tune: 'zerolatency', crf: '18' };
    const encoder = await openH264({ ...options, clock, keyframeInterval: 1, x264 });
    const output = new av.FormatContext();
    try {
      output.allocOutputContext2(null, muxer, fileAddress(path));
      const stream = output.newStream();
      stream.codecpar.fromContext(encoder);
      stream.timeBase = encoder.timeBase;
      output.setFlags(c.AVFMT_FLAG_FLUSH_PACKETS);
      const opened = await output.openOutput();
      if (opened < 0) throw writeFailure(path, opened);
      const fragments = muxer === 'matroska' ? {} : { movflags: 'hybrid_fragmented+frag_keyframe' };
      using settings = av.Dictionary.fromObject(fragments);
      const header = await output.writeHeader(settings);
      if (header < 0) throw writeFailure(path, header);
      return new Recording(path, options, encoder, output, stream);
    } catch (error) {
      await output.closeOutput();
      output.freeContext();
      encoder.freeContext();
      await fs.rm(path, { force: true });
      throw error;
    }
  }

  /**
   * Adds a picture, which is copied before this returns.
   * @param planes 8-bit 4:2:0.
   * @param seconds Presentation time; only its steps matter.
   */
  write(planes: readonly Plane[], seconds: number): Promise<void> {
    const [luma] = planes;
    if (!luma || this.#closing) return Promise.resolve();
    const picture = allocatePicture(c.AV_PIX_FMT_YUV420P, luma.width, luma.height);
    const [data, strides] = [picture.data ?? [], picture.linesize];
    for (const [i, plane] of planes.entries()) copyRows(plane, data[i]!, strides[i]!, plane.width);
    writeColor(picture, this.#color);
    return this.#next(() => this.#encode(picture, seconds));
  }

  /** Completes the file. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#next(() => this.#finish());
    return this.#closing;
  }

  #next(work: () => Promise<void>): Promise<void> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => undefined);
    return result;
  }

  async #encode(given: av.Frame, seconds: number): Promise<void> {
    using picture = await this.#sized(given);
    this.#start ??= seconds;
    const ticks = BigInt(Math.round((seconds - this.#start) * clock));
    if (ticks <= this.#last) return;
    if (this.#last >= 0n) this.#interval = Math.min(1, Number(ticks - this.#last) / clock);
    this.#last = ticks;
    picture.pts = ticks;
    picture.pictType = c.AV_PICTURE_TYPE_NONE;
    check(await this.#encoder.sendFrame(picture), 'ENGINE_FAILED', 'The recording cannot be encoded');
    await this.#drain();
  }

  /** The picture in the size that the file began with; takes ownership of what it is given. */
  async #sized(picture: av.Frame): Promise<av.Frame> {
    const { width, height } = this.#size;
    if (picture.width === width && picture.height === height) return picture;
    try {
      return await this.#scaler.convert(picture, { format: c.AV_PIX_FMT_YUV420P, width, height });
    } finally {
      picture.free();
    }
  }

  async #drain(): Promise<void> {
    using packet = new av.Packet();
    packet.alloc();
    while ((await this.#encoder.receivePacket(packet)) >= 0) {
      packet.streamIndex = this.#stream.index;
      packet.duration = BigInt(Math.round(this.#interval * clock));
      packet.rescaleTs(this.#encoder.timeBase, this.#stream.timeBase);
      const written = await this.#output.writeFrame(packet);
      if (written < 0) throw writeFailure(this.path, written);
      packet.unref();
    }
  }

  async #finish(): Promise<void> {
    try {
      await this.#encoder.sendFrame(null);
      await this.#drain();
      const trailer = await this.#output.writeTrailer();
      if (trailer < 0) throw writeFailure(this.path, trailer);
    } finally {
      await this.#output.closeOutput();
      this.#output.freeContext();
      this.#encoder.freeContext();
      this.#scaler[Symbol.dispose]();
    }
  }
}

/**
 * FFmpeg's muxer for a recording.
 * @throws DeblurError `USAGE` for an extension that recordings don't have.
 */
export function recordingMuxer(path: string): string {
  const muxer = muxers[extname(path).toLowerCase()];
  if (muxer !== undefined) return muxer;
  throw new DeblurError('USAGE', `A recording's name ends in ${Object.keys(muxers).join(', ')}.`);
}

async function createNew(path: string): Promise<void> {
  try {
    await (await fs.open(path, 'wx')).close();
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (cause.code !== 'EEXIST') throw writeError(path, cause);
    throw new DeblurError('OUTPUT_EXISTS', `The recording ${path} exists already.`, {
      cause,
      hint: 'Give it another name.',
    });
  }
}
