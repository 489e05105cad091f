import { DeblurError } from '../../errors.js';
import { BoundedQueue } from '../bounded-queue.js';
import { av, constants as c } from './binding.js';
import type { Container } from './container.js';
import { findVideoEncoder, openEncoder, type EncoderOptions, type OpenEncoder, type Picture } from './encoder.js';
import { errorText } from './failure.js';
import type { VideoEncoding } from './video-encoding.js';

/** Packets encoded before encoding waits for the disk. */
const packetsAhead = 32;

/** An encoder of FFmpeg's libraries in this process. */
export class LibraryEncoding implements VideoEncoding {
  readonly engine = 'node-av';
  readonly encoder: string;
  readonly picture: VideoEncoding['picture'];
  readonly timeBase: av.Rational;
  readonly averageRate: av.Rational;
  readonly #context: av.CodecContext;
  readonly #parameters = new av.CodecParameters();
  readonly #packets = new BoundedQueue<av.Packet>(packetsAhead);

  /** An empty packet for the next one. */
  #spare: av.Packet | undefined;

  private constructor({ context, codec, format }: OpenEncoder) {
    this.#context = context;
    this.encoder = codec.name ?? 'unknown';
    const { width, height, colorSpace: matrix, colorRange: range } = context;
    this.picture = { format: format.number, formatName: format.name, width, height, matrix, range };
    this.timeBase = context.timeBase;
    this.averageRate = context.framerate;
    this.#parameters.alloc();
    this.#parameters.fromContext(context);
  }

  /** Opens the encoder; throws what {@link openEncoder} throws. */
  static async open(picture: Picture, container: Container, options: EncoderOptions): Promise<LibraryEncoding> {
    return new LibraryEncoding(
      await openEncoder(findVideoEncoder(options.codec, container), picture, container, options),
    );
  }

  parameters(): Promise<av.CodecParameters> {
    return Promise.resolve(this.#parameters);
  }

  async send(picture: av.Frame | null): Promise<void> {
    for (;;) {
      const sent = await this.#context.sendFrame(picture);
      if (sent < 0 && sent !== c.AVERROR_EAGAIN && sent !== c.AVERROR_EOF) throw failure(sent);
      if (!(await this.#collect())) return;
      if (sent !== c.AVERROR_EAGAIN) break;
    }
    if (picture === null) this.#packets.end();
  }

  /** Queues the packets that are ready. False when the encoding was stopped. */
  async #collect(): Promise<boolean> {
    for (;;) {
      const packet = (this.#spare ??= allocatePacket());
      const received = await this.#context.receivePacket(packet);
      if (received === c.AVERROR_EAGAIN || received === c.AVERROR_EOF) return true;
      if (received < 0) throw failure(received);
      this.#spare = undefined;
      if (!(await this.#packets.push(packet))) {
        packet.free();
        return false;
      }
    }
  }

  receive(): Promise<av.Packet | undefined> {
    return this.#packets.take();
  }

  stop(): void {
    this.#packets.end();
    for (const packet of this.#packets.drain()) packet.free();
  }

  free(): Promise<void> {
    this.stop();
    this.#spare?.free();
    this.#parameters.free();
    this.#context.freeContext();
    return Promise.resolve();
  }
}

function failure(code: number): DeblurError {
  return new DeblurError('ENGINE_FAILED', `The encoder failed: ${errorText(code)}.`, {
    cause: new av.FFmpegError(code),
  });
}

function allocatePacket(): av.Packet {
  const packet = new av.Packet();
  packet.alloc();
  return packet;
}
