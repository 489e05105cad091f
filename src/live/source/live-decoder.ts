import { DeblurError } from '../../errors.js';
import { av, constants as c } from '../../io/node-av/binding.js';
import { errorText } from '../../io/node-av/failure.js';
import { emptyPicture, plainRange } from '../../io/node-av/native-frame.js';

/** A decoded picture on its way. */
export interface DecodedPicture {
  /** Whoever receives it frees it. */
  readonly picture: av.Frame;
  /** Presentation time in the stream's own clock, in seconds; undefined where it has none. */
  readonly seconds: number | undefined;
  /** When its packet arrived, in milliseconds since the epoch. */
  readonly captured: number;
}

/** A picture may have so many pixels: 4096×2304. A hostile stream would have FFmpeg allocate gigabytes. */
const mostPixels = 4096 * 2304;

/** Pictures in flight in a decoder, at most: those that wait for their turn in a group with B-frames, and some. */
const mostArrivals = 64;

/** Codecs of moving pictures that a stranger's stream may use. */
const known: readonly c.AVCodecID[] = [
  c.AV_CODEC_ID_H264,
  c.AV_CODEC_ID_HEVC,
  c.AV_CODEC_ID_AV1,
  c.AV_CODEC_ID_VP8,
  c.AV_CODEC_ID_VP9,
  c.AV_CODEC_ID_MPEG4,
  c.AV_CODEC_ID_MPEG2VIDEO,
  c.AV_CODEC_ID_MPEG1VIDEO,
  c.AV_CODEC_ID_MJPEG,
  c.AV_CODEC_ID_H263,
  c.AV_CODEC_ID_FLV1,
  c.AV_CODEC_ID_THEORA,
  c.AV_CODEC_ID_PRORES,
  c.AV_CODEC_ID_RAWVIDEO,
];

/**
 * Decodes a live stream without delay: slice threads only, since frame threads keep a picture each. What can't be
 * decoded is skipped.
 */
export class LiveDecoder implements Disposable {
  /** Packets that could not be decoded. */
  damaged = 0;
  readonly #context: av.CodecContext;
  readonly #timeBase: { readonly num: number; readonly den: number };
  readonly #onPicture: (decoded: DecodedPicture) => void | Promise<void>;
  /** When the packets of pictures that have not come out yet arrived, by timestamp. */
  readonly #arrivals = new Map<bigint, number>();
  #latestArrival = 0;
  #spare: av.Frame | undefined;

  private constructor(
    context: av.CodecContext,
    timeBase: { readonly num: number; readonly den: number },
    onPicture: (decoded: DecodedPicture) => void | Promise<void>,
  ) {
    this.#context = context;
    this.#timeBase = { num: timeBase.num, den: timeBase.den };
    this.#onPicture = onPicture;
  }

  /**
   * Opens the decoder of a stream.
   * @param onPicture receives each picture, and owns it.
   * @param options `anyCodec`: the stream is its owner's, so that any decoder may see it. Default false.
   * @throws DeblurError `CODEC_UNAVAILABLE`, `INPUT_UNREADABLE`.
   */
  static async open(
    parameters: av.CodecParameters,
    timeBase: { readonly num: number; readonly den: number },
    onPicture: (decoded: DecodedPicture) => void | Promise<void>,
    { anyCodec = false }: { anyCodec?: boolean } = {},
  ): Promise<LiveDecoder> {
    const name = av.avGetCodecName(parameters.codecId) ?? 'unknown';
    const codec = anyCodec || known.includes(parameters.codecId) ? av.Codec.findDecoder(parameters.codecId) : null;
    if (!codec) throw new DeblurError('CODEC_UNAVAILABLE', `There is no decoder for live ${name} video here.`);
    const context = new av.CodecContext();
    try {
      context.allocContext3(codec);
      context.parametersToContext(parameters);
      context.pktTimebase = new av.Rational(timeBase.num, timeBase.den);
      context.threadCount = 0;
      context.threadType = c.FF_THREAD_SLICE;
      context.setFlags(c.AV_CODEC_FLAG_LOW_DELAY);
      context.setOption('max_pixels', String(mostPixels), c.AV_OPT_TYPE_STRING);
      const code = await context.open2(codec);
      if (code < 0) {
        throw new DeblurError('INPUT_UNREADABLE', `The ${name} decoder refuses this video: ${errorText(code)}.`);
      }
      return new LiveDecoder(context, timeBase, onPicture);
    } catch (error) {
      context.freeContext();
      throw error;
    }
  }

  /** Decodes a packet that arrived now, or just `arrived`; null is the end of the stream. */
  async decode(packet: av.Packet | null, arrived = Date.now()): Promise<void> {
    if (packet) this.#note(packet.pts, arrived);
    for (;;) {
      const sent = await this.#context.sendPacket(packet);
      if (sent < 0 && sent !== c.AVERROR_EAGAIN && packet) this.damaged += 1;
      await this.#receive();
      if (sent !== c.AVERROR_EAGAIN) return;
    }
  }

  /** Forgets what it was decoding, before a jump. */
  flush(): void {
    this.#context.flushBuffers();
    this.#arrivals.clear();
  }

  #note(pts: bigint, arrived: number): void {
    this.#latestArrival = arrived;
    if (pts === c.AV_NOPTS_VALUE) return;
    this.#arrivals.set(pts, arrived);
    for (const key of this.#arrivals.keys()) {
      if (this.#arrivals.size <= mostArrivals) break;
      this.#arrivals.delete(key);
    }
  }

  async #receive(): Promise<void> {
    for (;;) {
      const picture = (this.#spare ??= emptyPicture());
      const received = await this.#context.receiveFrame(picture);
      if (received === c.AVERROR_EAGAIN || received === c.AVERROR_EOF) return;
      if (received < 0) {
        this.damaged += 1;
        continue;
      }
      this.#spare = undefined;
      plainRange(picture);
      const { pts, bestEffortTimestamp: stated } = picture;
      const captured = this.#arrivals.get(pts) ?? this.#latestArrival;
      this.#arrivals.delete(pts);
      const { num, den } = this.#timeBase;
      const seconds = stated === c.AV_NOPTS_VALUE ? undefined : (Number(stated) * num) / den;
      await this.#onPicture({ picture, seconds, captured });
    }
  }

  [Symbol.dispose](): void {
    this.#spare?.free();
    this.#context.freeContext();
  }
}
