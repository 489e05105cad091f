import { cancelled, DeblurError, throwIfAborted } from '../../errors.js';
import { AtomicFile } from '../atomic-file.js';
import { BoundedQueue } from '../bounded-queue.js';
import type { Frame } from '../frame.js';
import type { StreamNote, VideoReader, VideoWriter, WriteReport, WriterOptions } from '../video.js';
import { av, constants as c } from './binding.js';
import { addStream, Container } from './container.js';
import { addChapters } from './chapter-list.js';
import { findVideoEncoder, openEncoder, type OpenEncoder } from './encoder.js';
import { errorText, writeFailure } from './failure.js';
import { fileAddress } from './input.js';
import { nativePicture } from './native-frame.js';
import { Passthrough } from './passthrough.js';
import { rescale } from './rational.js';
import { Scaler } from './scaler.js';
import { copyDescription, PacketSink } from './stream-copy.js';

/** Frames taken in before `write` waits, and packets encoded before encoding waits for the disk. */
const framesAhead = 2;
const packetsAhead = 32;

/** Writes a video file with FFmpeg's libraries in this process. */
export class NodeAvWriter implements VideoWriter {
  readonly engine = 'node-av';
  readonly #file: AtomicFile;
  readonly #container: Container;
  readonly #encoder: OpenEncoder;
  readonly #passthrough: Passthrough;
  readonly #output: av.FormatContext;
  readonly #stream: av.Stream;
  readonly #scaler = new Scaler();
  readonly #signal: AbortSignal | undefined;
  readonly #frames = new BoundedQueue<Frame>(framesAhead);
  readonly #packets = new BoundedQueue<av.Packet>(packetsAhead);
  readonly #encoding: Promise<void>;
  readonly #muxing: Promise<void>;
  #written = 0;
  #failure: { error: unknown } | undefined;
  #closing: Promise<void> | undefined;
  #finished = false;

  private constructor(parts: {
    file: AtomicFile;
    container: Container;
    encoder: OpenEncoder;
    passthrough: Passthrough;
    output: av.FormatContext;
    stream: av.Stream;
    signal: AbortSignal | undefined;
  }) {
    this.#file = parts.file;
    this.#container = parts.container;
    this.#encoder = parts.encoder;
    this.#passthrough = parts.passthrough;
    this.#output = parts.output;
    this.#stream = parts.stream;
    this.#signal = parts.signal;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#encoding = this.#encode();
    this.#muxing = this.#mux();
  }

  /** Creates a file; see {@link createVideo}. */
  static async create(path: string, options: WriterOptions & { source: VideoReader }): Promise<NodeAvWriter> {
    const { source, signal } = options;
    throwIfAborted(signal);
    const file = await AtomicFile.create(path, { overwrite: options.overwrite ?? false, inputs: [source.info.path] });
    const undo: (() => unknown)[] = [() => file.discard()];
    try {
      const container = Container.find(path, options.container);
      undo.push(() => container[Symbol.dispose]());
      const encoder = await openEncoder(findVideoEncoder(options.codec, container), source.video, container, options);
      undo.push(() => encoder.context.freeContext());
      const parameters = new av.CodecParameters();
      parameters.alloc();
      undo.push(() => parameters.free());
      parameters.fromContext(encoder.context);
      const muxable = { parameters, timeBase: encoder.context.timeBase, averageRate: encoder.context.framerate };
      const refusal = await container.refusal([muxable]);
      if (refusal !== undefined) {
        throw new DeblurError(
          'FORMAT_UNSUPPORTED',
          `${container.name} files do not take ${encoder.codec.name} video: ${refusal}.`,
        );
      }
      const passthrough = await Passthrough.open(source.info.path, container, muxable);
      undo.push(() => passthrough[Symbol.asyncDispose]());
      const original = passthrough.video;
      for (const { type, data } of original?.codecpar.getAllCodedSideData() ?? [])
        parameters.addCodedSideData(type, data);
      if (encoder.codec.id === c.AV_CODEC_ID_HEVC && container.isMp4Family) parameters.codecTag = 'hvc1';

      const output = new av.FormatContext();
      output.allocOutputContext2(null, container.name, fileAddress(file.temporary));
      undo.push(async () => {
        await output.closeOutput();
        output.freeContext();
      });
      output.metadata = passthrough.input.metadata;
      let stream: av.Stream | undefined;
      passthrough.attach(output, () => {
        stream = addStream(output, muxable);
        if (!original) return;
        copyDescription(original, stream);
        stream.sampleAspectRatio = parameters.sampleAspectRatio;
      });
      const opened = await output.openOutput();
      if (opened < 0) throw writeFailure(path, opened);
      const header = await output.writeHeader();
      if (header < 0) throw writeFailure(path, header);
      parameters.free();
      throwIfAborted(signal);
      return new NodeAvWriter({ file, container, encoder, passthrough, output, stream: stream!, signal });
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
  }

  get notes(): readonly StreamNote[] {
    return this.#passthrough.notes;
  }

  async write(frame: Frame): Promise<void> {
    try {
      this.#refuseIfOver();
      if (!(await this.#frames.push(frame))) this.#refuseIfOver();
      else this.#written += 1;
    } catch (error) {
      frame.dispose();
      throw error;
    }
  }

  async finish(): Promise<WriteReport> {
    this.#refuseIfOver();
    this.#frames.end();
    await this.#encoding;
    await this.#muxing;
    try {
      this.#refuseIfOver();
      if (this.#written === 0)
        throw new DeblurError(
          'INPUT_UNREADABLE',
          'Not one frame of the video could be decoded, so nothing was written.',
        );
      const trailer = await this.#output.writeTrailer();
      if (trailer < 0) throw writeFailure(this.#file.path, trailer);
      await this.#output.closeOutput();
      await addChapters(this.#file.temporary, this.#container, this.#passthrough.chapters);
      throwIfAborted(this.#signal);
      const bytes = await this.#file.commit();
      this.#finished = true;
      return {
        path: this.#file.path,
        frames: this.#written,
        bytes,
        codec: this.#encoder.codec.name ?? 'unknown',
        format: this.#encoder.format.name,
        streams: this.notes,
      };
    } finally {
      await this.abort();
    }
  }

  abort(): Promise<void> {
    this.#closing ??= this.#free();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  /** Encodes the queued frames until there are no more. */
  async #encode(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#frames.take();
        if (!frame) break;
        using picture = await this.#picture(frame);
        await this.#send(picture);
      }
      await this.#send(null);
      this.#packets.end();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The frame as the encoder wants it; takes ownership of the frame. */
  async #picture(frame: Frame): Promise<av.Frame> {
    using owned = frame;
    const { properties } = owned;
    let picture = nativePicture(owned);
    const { context, format } = this.#encoder;
    if (picture.format !== format.number || picture.width !== context.width || picture.height !== context.height) {
      const { width, height, colorSpace: matrix, colorRange: range } = context;
      using original = picture;
      picture = await this.#scaler.convert(original, { format: format.number, width, height, matrix, range });
    }
    picture.pts = rescale(properties.pts, properties.timeBase, context.timeBase);
    picture.duration = rescale(properties.duration, properties.timeBase, context.timeBase);
    // The encoder chooses its own picture types and not the source's.
    picture.pictType = c.AV_PICTURE_TYPE_NONE;
    return picture;
  }

  async #send(picture: av.Frame | null): Promise<void> {
    const { context } = this.#encoder;
    for (;;) {
      const sent = await context.sendFrame(picture);
      if (sent < 0 && sent !== c.AVERROR_EAGAIN && sent !== c.AVERROR_EOF) throw encodeFailure(sent);
      for (;;) {
        const packet = new av.Packet();
        packet.alloc();
        const received = await context.receivePacket(packet);
        if (received < 0) {
          packet.free();
          if (received === c.AVERROR_EAGAIN || received === c.AVERROR_EOF) break;
          throw encodeFailure(received);
        }
        if (!(await this.#packets.push(packet))) {
          packet.free();
          return;
        }
      }
      if (sent !== c.AVERROR_EAGAIN) return;
    }
  }

  /** Muxes the encoded packets, and the other streams up to their time. */
  async #mux(): Promise<void> {
    const { timeBase } = this.#encoder.context;
    const sink = new PacketSink(this.#output, this.#stream);
    try {
      for (;;) {
        const packet = await this.#packets.take();
        if (!packet) break;
        using owned = packet;
        await this.#passthrough.advance(rescale(owned.dts, timeBase, { num: 1, den: 1_000_000 }));
        await sink.write(owned, timeBase);
      }
      if (!this.#failure) await this.#passthrough.advance(undefined);
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #onAbort = (): void => {
    this.#fail(cancelled(this.#signal));
    // Nobody may be waiting for this writer when the signal fires; its file goes all the same.
    void this.abort();
  };

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#frames.end();
    this.#packets.end();
    for (const frame of this.#frames.drain()) frame.dispose();
    for (const packet of this.#packets.drain()) packet.free();
  }

  #refuseIfOver(): void {
    if (this.#failure) throw this.#failure.error as Error;
    throwIfAborted(this.#signal);
    if (this.#closing) throw new DeblurError('CANCELLED', `The writing of ${this.#file.path} was stopped.`);
  }

  async #free(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (!this.#finished) this.#fail(new DeblurError('CANCELLED', `The writing of ${this.#file.path} was stopped.`));
    await this.#encoding;
    await this.#muxing;
    this.#encoder.context.freeContext();
    this.#scaler[Symbol.dispose]();
    await this.#passthrough[Symbol.asyncDispose]();
    await this.#output.closeOutput();
    this.#output.freeContext();
    this.#container[Symbol.dispose]();
    await this.#file.discard();
  }
}

function encodeFailure(code: number): DeblurError {
  return new DeblurError('ENGINE_FAILED', `The encoder failed: ${errorText(code)}.`, {
    cause: new av.FFmpegError(code),
  });
}
