import { DeblurError, throwIfAborted } from '../../errors.js';
import { av, constants as c } from '../../io/node-av/binding.js';
import type { CameraChunk, CameraFormat } from '../options.js';
import { Connection } from './connection.js';
import { LiveDecoder, type DecodedPicture } from './live-decoder.js';
import { Pace } from './pace.js';

/** Bytes that may wait to be decoded. A second of video has a few hundred thousand. */
const mostBytes = 8 * 2 ** 20;
/** One encoded picture may have so many. */
const largestChunk = 4 * 2 ** 20;
/** Encoded pictures that may wait to be decoded. */
const mostChunks = 30;

/**
 * Milliseconds that a picture is held back so that those of one piece do not come at once; MediaRecorder makes a piece
 * of some tenths of a second. What has waited longer is late, and goes on at once.
 */
const mostHeld = 250;

/** Codecs of WebCodecs by the beginning of their names. */
const codecs: readonly (readonly [RegExp, c.AVCodecID])[] = [
  [/^avc[13]\./, c.AV_CODEC_ID_H264],
  [/^(hvc1|hev1)\./, c.AV_CODEC_ID_HEVC],
  [/^vp8$/, c.AV_CODEC_ID_VP8],
  [/^vp09\.|^vp9$/, c.AV_CODEC_ID_VP9],
  [/^av01\./, c.AV_CODEC_ID_AV1],
];

/** A browser's camera while it sends. */
export interface Camera {
  /** False when the chunk was dropped. */
  push(chunk: CameraChunk): boolean;
  /** No more chunks come. */
  end(): void;
  /** Decodes what comes until `end`. Rejects with `INPUT_UNREADABLE` when it can't be decoded, `CANCELLED`. */
  run(onPicture: (decoded: DecodedPicture) => void | Promise<void>, signal: AbortSignal): Promise<void>;
}

/**
 * A camera for what a browser is going to send.
 * @throws DeblurError `USAGE` for a container or a codec that is not known.
 */
export function cameraFor(format: CameraFormat): Camera {
  if (format.kind === 'chunks') return new ChunkCamera(format);
  const container = /^video\/(webm|x-matroska|mp4)\b/.exec(format.mime)?.[1];
  if (container === undefined) {
    throw new DeblurError('USAGE', `A camera can't be sent as ${format.mime.slice(0, 40)}.`, {
      hint: 'Known are video/webm and video/mp4.',
    });
  }
  return new ContainerCamera(container === 'mp4' ? 'mov' : 'matroska');
}

/** A camera whose chunks wait until they are decoded. */
abstract class WaitingCamera<T> implements Camera {
  protected waiting: T[] = [];
  protected bytes = 0;
  protected ended = false;
  #wake: (() => void) | undefined;

  abstract push(chunk: CameraChunk): boolean;

  /** Decodes what comes until the end. */
  protected abstract decode(
    onPicture: (decoded: DecodedPicture) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;

  end(): void {
    this.ended = true;
    this.#wake?.();
  }

  async run(onPicture: (decoded: DecodedPicture) => void | Promise<void>, signal: AbortSignal): Promise<void> {
    const stop = () => {
      this.end();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.decode(onPicture, signal);
    } finally {
      signal.removeEventListener('abort', stop);
      this.end();
      this.forget();
    }
  }

  protected add(chunk: T, bytes: number): void {
    this.waiting.push(chunk);
    this.bytes += bytes;
    this.#wake?.();
  }

  /** Resolves when a chunk waits, or no more come. */
  protected async arrival(): Promise<void> {
    while (this.waiting.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  protected forget(): void {
    this.waiting = [];
    this.bytes = 0;
  }
}

/** One WebM or MP4 stream in pieces, as MediaRecorder makes it. */
class ContainerCamera extends WaitingCamera<{ readonly data: Buffer; readonly arrived: number }> {
  readonly #format: string;
  /** When what is being decoded arrived. */
  #arrived = Date.now();

  constructor(format: string) {
    super();
    this.#format = format;
  }

  push({ data }: CameraChunk): boolean {
    if (this.ended) return false;
    if (this.bytes + data.byteLength > mostBytes) {
      // A hole in the middle of a container cannot be decoded across: the stream is over, and the page begins anew.
      this.end();
      return false;
    }
    this.add({ data: Buffer.from(data), arrived: Date.now() }, data.byteLength);
    return true;
  }

  protected async decode(
    onPicture: (decoded: DecodedPicture) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const shown = "The browser's camera";
    const options = { probesize: '32000', analyzeduration: '0', protocol_whitelist: 'none' };
    const request = { url: '', format: this.#format, options, shown, read: (size: number) => this.#read(size) };
    await using connection = await Connection.open({ ...request, silence: 60_000 }, signal);
    const { stream } = connection;
    const pace = new Pace(signal);
    const show = async (decoded: DecodedPicture): Promise<void> => {
      const { picture, seconds, captured } = decoded;
      try {
        if (Date.now() - captured > mostHeld) pace.restart(seconds);
        else await pace.until(seconds);
      } catch (error) {
        picture.free();
        throw error;
      }
      await onPicture(decoded);
    };
    using decoder = await LiveDecoder.open(stream.codecpar, stream.timeBase, show);
    await connection.run((packet) => decoder.decode(packet, this.#arrived), shown, signal);
    await decoder.decode(null);
  }

  async #read(size: number): Promise<Buffer | undefined> {
    await this.arrival();
    const [first] = this.waiting;
    if (!first) return undefined;
    const { data, arrived } = first;
    const piece = data.subarray(0, size);
    if (piece.length === data.length) this.waiting.shift();
    else this.waiting[0] = { data: data.subarray(size), arrived };
    this.#arrived = arrived;
    this.bytes -= piece.length;
    return piece;
  }
}

interface WaitingChunk {
  readonly data: Buffer;
  readonly timestamp: number | undefined;
  readonly keyframe: boolean;
  readonly arrived: number;
}

/** Encoded pictures, one by one, as WebCodecs makes them. */
class ChunkCamera extends WaitingCamera<WaitingChunk> {
  readonly #codec: c.AVCodecID;
  readonly #description: Buffer | undefined;
  /** Something is missing: only a keyframe can be decoded. */
  #broken = true;

  constructor({ codec, description }: CameraFormat & { kind: 'chunks' }) {
    super();
    const id = codecs.find(([pattern]) => pattern.test(codec))?.[1];
    if (id === undefined) throw new DeblurError('USAGE', `A camera can't be sent as ${codec.slice(0, 40)}.`);
    if (description && description.byteLength > 65_536) {
      throw new DeblurError('USAGE', "The description of a camera's codec is too long.");
    }
    this.#codec = id;
    this.#description = description && Buffer.from(description);
  }

  push({ data, timestamp, keyframe = false }: CameraChunk): boolean {
    if (this.ended || data.byteLength === 0 || data.byteLength > largestChunk) return false;
    const crowded = this.waiting.length >= mostChunks || this.bytes + data.byteLength > mostBytes;
    if (keyframe && crowded) this.forget();
    if ((this.#broken || crowded) && !keyframe) {
      this.#broken = true;
      return false;
    }
    this.#broken = false;
    this.add({ data: Buffer.from(data), timestamp, keyframe, arrived: Date.now() }, data.byteLength);
    return true;
  }

  protected async decode(
    onPicture: (decoded: DecodedPicture) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    using parameters = new av.CodecParameters();
    parameters.alloc();
    parameters.codecType = c.AVMEDIA_TYPE_VIDEO;
    parameters.codecId = this.#codec;
    if (this.#description) parameters.extradata = this.#description;
    const clock = { num: 1, den: 1_000_000 };
    throwIfAborted(signal);
    using decoder = await LiveDecoder.open(parameters, clock, onPicture);
    for (;;) {
      const chunk = await this.#take();
      throwIfAborted(signal);
      if (!chunk) break;
      using packet = new av.Packet();
      packet.alloc();
      packet.data = chunk.data;
      const { timestamp } = chunk;
      const stated = timestamp !== undefined && Number.isFinite(timestamp) && Math.abs(timestamp) < 1e9;
      packet.pts = stated ? BigInt(Math.round(timestamp * clock.den)) : c.AV_NOPTS_VALUE;
      packet.dts = c.AV_NOPTS_VALUE;
      packet.isKeyframe = chunk.keyframe;
      await decoder.decode(packet, chunk.arrived);
    }
    await decoder.decode(null);
  }

  async #take(): Promise<WaitingChunk | undefined> {
    await this.arrival();
    const chunk = this.waiting.shift();
    if (chunk) this.bytes -= chunk.data.byteLength;
    return chunk;
  }
}
