import { cancelled, DeblurError, throwIfAborted } from '../../errors.js';
import type { AtomicFile } from '../atomic-file.js';
import { BoundedQueue } from '../bounded-queue.js';
import type { Frame } from '../frame.js';
import { TimestampRepair } from '../timestamps.js';
import type { Engine, StreamNote, VideoWriter, WriteReport } from '../video.js';
import { constants as c, type av } from './binding.js';
import type { Container } from './container.js';
import { nativePicture } from './native-frame.js';
import { OutputFile } from './output-file.js';
import { rescale } from './rational.js';
import { Scaler } from './scaler.js';
import type { VideoEncoding } from './video-encoding.js';

/** Frames taken in before `write` waits. */
const framesAhead = 2;

/** Milliseconds that stopping waits for the encoder's and muxer's running calls, which cannot be interrupted. */
const patience = 300;

/** What a {@link FileWriter} owns from its start: it frees all of it. */
export interface WriterParts {
  readonly file: AtomicFile;
  readonly container: Container;
  readonly encoding: VideoEncoding;
  /** The source's path. */
  readonly source: string;
  readonly signal: AbortSignal | undefined;
}

/** Writes a video file: encodes and muxes behind the caller's back, in two tasks that overlap with it. */
export class FileWriter implements VideoWriter {
  readonly engine: Engine;
  readonly #parts: WriterParts;
  readonly #scaler = new Scaler();
  readonly #frames = new BoundedQueue<Frame>(framesAhead);
  readonly #opening: Promise<OutputFile>;
  readonly #encoding: Promise<void>;
  readonly #muxing: Promise<void>;
  /** Resolves when the writer has failed or was stopped. */
  readonly #over: Promise<void>;
  #declareOver!: () => void;
  #output: OutputFile | undefined;
  readonly #times = new TimestampRepair(1n);
  #written = 0;
  #failure: { error: unknown } | undefined;
  #closing: Promise<void> | undefined;
  #finished = false;

  private constructor(parts: WriterParts) {
    this.engine = parts.encoding.engine;
    this.#parts = parts;
    this.#over = new Promise((resolve) => {
      this.#declareOver = resolve;
    });
    parts.signal?.addEventListener('abort', this.#onAbort, { once: true });
    const { file, container, encoding, source } = parts;
    this.#opening = OutputFile.open({ file: file.temporary, shown: file.path, container, source, encoding });
    this.#encoding = this.#encode();
    this.#muxing = this.#mux();
  }

  /** Starts a writer. Where the encoder is in this process, the header is written and every refusal known when it resolves. */
  static async start(parts: WriterParts): Promise<FileWriter> {
    const writer = new FileWriter(parts);
    if (parts.encoding.engine !== 'node-av') return writer;
    try {
      await writer.#opening;
      throwIfAborted(parts.signal);
      return writer;
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  get notes(): readonly StreamNote[] {
    return this.#output?.notes ?? [];
  }

  async write(frame: Frame): Promise<void> {
    try {
      this.#refuseIfOver();
      if (!(await this.#frames.push(frame))) this.#refuseIfOver();
      this.#written += 1;
    } catch (error) {
      frame.dispose();
      throw error;
    }
  }

  async finish(): Promise<WriteReport> {
    const { file, encoding, signal } = this.#parts;
    try {
      this.#refuseIfOver();
      if (this.#written === 0) {
        throw new DeblurError(
          'INPUT_UNREADABLE',
          'Not one frame of the video could be decoded, so nothing was written.',
        );
      }
      this.#frames.end();
      await Promise.race([Promise.all([this.#encoding, this.#muxing]), this.#over]);
      this.#refuseIfOver();
      const output = await this.#opening;
      await output.finish();
      throwIfAborted(signal);
      const bytes = await file.commit();
      this.#finished = true;
      return {
        path: file.path,
        frames: this.#written,
        bytes,
        codec: encoding.encoder,
        format: encoding.picture.formatName,
        streams: this.notes,
      };
    } finally {
      await this.abort();
    }
  }

  abort(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  /** Encodes the queued frames until there are no more. */
  async #encode(): Promise<void> {
    const { encoding } = this.#parts;
    try {
      for (;;) {
        const frame = await this.#frames.take();
        if (!frame) break;
        using picture = await this.#picture(frame);
        await encoding.send(picture);
      }
      if (!this.#failure) await encoding.send(null);
    } catch (error) {
      this.#failAndFree(error);
    }
  }

  /** The frame as the encoder wants it; takes ownership of the frame. */
  async #picture(frame: Frame): Promise<av.Frame> {
    using owned = frame;
    const { pts, duration, timeBase } = owned.properties;
    const { encoding } = this.#parts;
    const target = encoding.picture;
    let picture = nativePicture(owned);
    if (picture.format !== target.format || picture.width !== target.width || picture.height !== target.height) {
      using original = picture;
      picture = await this.#scaler.convert(original, target);
    }
    picture.duration = rescale(duration, timeBase, encoding.timeBase);
    // Two times may fall together where the encoder's clock is coarser than the source's.
    picture.pts = this.#times.next(rescale(pts, timeBase, encoding.timeBase), picture.duration);
    // The encoder chooses its own picture types and not the source's.
    picture.pictType = c.AV_PICTURE_TYPE_NONE;
    return picture;
  }

  /** Muxes the encoded packets. */
  async #mux(): Promise<void> {
    const { encoding } = this.#parts;
    try {
      this.#output = await this.#opening;
      for (;;) {
        const packet = await encoding.receive();
        if (!packet) break;
        using owned = packet;
        await this.#output.write(owned);
      }
    } catch (error) {
      this.#failAndFree(error);
    }
  }

  readonly #onAbort = (): void => this.#failAndFree(cancelled(this.#parts.signal));

  /** Nobody may be waiting for this writer when it fails; its file and its handles go all the same. */
  #failAndFree(error: unknown): void {
    this.#fail(error);
    void this.abort();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#declareOver();
    this.#frames.end();
    for (const frame of this.#frames.drain()) frame.dispose();
    this.#parts.encoding.stop();
  }

  #refuseIfOver(): void {
    if (this.#failure) throw this.#failure.error as Error;
    throwIfAborted(this.#parts.signal);
    if (this.#closing) throw stopped(this.#parts.file.path);
  }

  /** Removes the file and frees the handles; does not wait for long for an encoder that is in the middle of a picture. */
  async #close(): Promise<void> {
    const { file, signal } = this.#parts;
    signal?.removeEventListener('abort', this.#onAbort);
    if (!this.#finished) this.#fail(stopped(file.path));
    const freed = this.#free();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([freed, late]);
    clearTimeout(timer);
    // Where files can be removed while they are open, it goes now; elsewhere when the encoder lets go of it.
    await file.discard().catch(() => freed.then(() => file.discard()));
  }

  async #free(): Promise<void> {
    await this.#encoding;
    await this.#muxing;
    await this.#output?.[Symbol.asyncDispose]();
    await this.#parts.encoding.free();
    this.#scaler[Symbol.dispose]();
    this.#parts.container[Symbol.dispose]();
  }
}

function stopped(path: string): DeblurError {
  return new DeblurError('CANCELLED', `The writing of ${path} was stopped.`);
}
