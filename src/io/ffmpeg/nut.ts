import type { PassThrough, Readable } from 'node:stream';
import { DeblurError } from '../../errors.js';
import { av, constants as c } from '../node-av/binding.js';
import { check } from '../node-av/failure.js';

/** Bytes that FFmpeg asks for or hands over at a time. */
const blockSize = 1 << 18;

/** NUT that comes from a stream: the container that carries any codec and raw pictures with exact timestamps. */
export class NutInput {
  readonly context = new av.FormatContext();
  readonly #io = new av.IOContext();
  readonly #stream: Readable;

  private constructor(stream: Readable) {
    this.#stream = stream;
    this.#io.allocContextWithCallbacks(blockSize, 0, (size) => this.#read(size), null, null);
    this.context.allocContext();
    this.context.pb = this.#io;
  }

  /** Reads the header, or returns undefined when the stream ends before one. */
  static async open(stream: Readable): Promise<NutInput | undefined> {
    const input = new NutInput(stream);
    const format = av.InputFormat.findInputFormat('nut');
    const code = await input.context.openInput('', format);
    if (code >= 0 && input.context.nbStreams > 0) return input;
    await input.close();
    return undefined;
  }

  async #read(size: number): Promise<Buffer | null> {
    for (;;) {
      const chunk = (this.#stream.read(Math.min(size, this.#stream.readableLength)) ??
        this.#stream.read()) as Buffer | null;
      if (chunk && chunk.length > 0) {
        if (chunk.length <= size) return chunk;
        this.#stream.unshift(chunk.subarray(size));
        return chunk.subarray(0, size);
      }
      if (this.#stream.readableEnded || this.#stream.destroyed) return null;
      await readable(this.#stream);
    }
  }

  async close(): Promise<void> {
    await this.context.closeInput();
    await this.#io[Symbol.asyncDispose]();
  }
}

/** Raw pictures as NUT into a stream. */
export class NutOutput {
  readonly #context = new av.FormatContext();
  readonly #io = new av.IOContext();
  readonly #encoder: av.CodecContext;
  readonly #stream: av.Stream;

  private constructor(encoder: av.CodecContext, stream: PassThrough) {
    this.#encoder = encoder;
    this.#io.allocContextWithCallbacks(blockSize, 1, null, (bytes) => write(stream, bytes), null);
    this.#context.allocOutputContext2(null, 'nut', null);
    this.#context.pb = this.#io;
    this.#stream = this.#context.newStream();
    this.#stream.codecpar.fromContext(encoder);
    this.#stream.timeBase = encoder.timeBase;
  }

  /** Writes the header for pictures of one size and format. */
  static async open(
    stream: PassThrough,
    picture: { format: c.AVPixelFormat; width: number; height: number },
    timeBase: av.Rational,
  ): Promise<NutOutput> {
    const codec = av.Codec.findEncoder(c.AV_CODEC_ID_RAWVIDEO);
    const encoder = new av.CodecContext();
    encoder.allocContext3(codec);
    encoder.pixelFormat = picture.format;
    encoder.width = picture.width;
    encoder.height = picture.height;
    encoder.timeBase = timeBase;
    check(await encoder.open2(codec), 'ENGINE_FAILED', 'Raw pictures cannot be handed to ffmpeg');
    const output = new NutOutput(encoder, stream);
    const code = await output.#context.writeHeader();
    if (code < 0) await output.close();
    check(code, 'ENGINE_FAILED', 'Raw pictures cannot be handed to ffmpeg');
    return output;
  }

  /** Writes one picture; null writes the end. */
  async write(picture: av.Frame | null): Promise<void> {
    if (picture === null) {
      await this.#context.writeTrailer();
      return;
    }
    check(await this.#encoder.sendFrame(picture), 'ENGINE_FAILED', 'A picture cannot be handed to ffmpeg');
    using packet = new av.Packet();
    packet.alloc();
    check(await this.#encoder.receivePacket(packet), 'ENGINE_FAILED', 'A picture cannot be handed to ffmpeg');
    packet.streamIndex = 0;
    packet.rescaleTs(this.#encoder.timeBase, this.#stream.timeBase);
    const code = await this.#context.writeFrame(packet);
    if (code < 0) throw new DeblurError('ENGINE_FAILED', 'ffmpeg stopped taking pictures.');
  }

  async close(): Promise<void> {
    this.#context.pb = null;
    this.#context.freeContext();
    await this.#io[Symbol.asyncDispose]();
    this.#encoder.freeContext();
  }
}

/** Resolves at the stream's next data or at its end. */
function readable(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['readable', 'end', 'close', 'error']) stream.off(event, done);
      resolve();
    };
    for (const event of ['readable', 'end', 'close', 'error']) stream.on(event, done);
  });
}

/** Writes bytes, waiting for room; an error number when nobody reads any more. */
async function write(stream: PassThrough, bytes: Buffer): Promise<number> {
  if (stream.destroyed || stream.writableEnded) return c.AVERROR_EPIPE;
  // FFmpeg uses its buffer again as soon as this returns.
  if (!stream.write(Buffer.from(bytes))) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off('drain', done);
        stream.off('close', done);
        resolve();
      };
      stream.on('drain', done);
      stream.on('close', done);
    });
  }
  return stream.destroyed ? c.AVERROR_EPIPE : bytes.length;
}
