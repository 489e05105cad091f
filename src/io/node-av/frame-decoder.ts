import { DeblurError } from '../../errors.js';
import type { DamageCount } from '../damage.js';
import { av, constants as c } from './binding.js';
import { errorText } from './failure.js';
import { streamInfo } from './media-info.js';
import { emptyPicture } from './native-frame.js';

/** Takes a decoded picture, which is then its own to free; false means "no more". */
export type PictureSink = (picture: av.Frame) => Promise<boolean>;

/**
 * Decodes one stream of an opened container with frame and slice threads. What cannot be decoded is
 * counted and skipped; the frames around it keep their own timestamps.
 */
export class FrameDecoder implements Disposable {
  readonly #input: av.FormatContext;
  readonly #stream: av.Stream;
  readonly #decoder: av.CodecContext;
  readonly #damage: DamageCount;
  /** An empty frame for the next picture. */
  #spare: av.Frame | undefined;
  #packets = 0;
  #end = 0;

  private constructor(input: av.FormatContext, stream: av.Stream, decoder: av.CodecContext, damage: DamageCount) {
    this.#input = input;
    this.#stream = stream;
    this.#decoder = decoder;
    this.#damage = damage;
  }

  /** Opens the stream's decoder. Throws `CODEC_UNAVAILABLE` when there is none, `INPUT_UNREADABLE` when it refuses the stream. */
  static async open(input: av.FormatContext, stream: av.Stream, damage: DamageCount): Promise<FrameDecoder> {
    const { codec: name } = streamInfo(stream);
    const codec = av.Codec.findDecoder(stream.codecpar.codecId);
    if (!codec) throw new DeblurError('CODEC_UNAVAILABLE', `There is no decoder for ${name} video here.`);
    const decoder = new av.CodecContext();
    decoder.allocContext3(codec);
    decoder.parametersToContext(stream.codecpar);
    decoder.pktTimebase = stream.timeBase;
    decoder.threadCount = 0;
    decoder.threadType = (c.FF_THREAD_FRAME | c.FF_THREAD_SLICE) as c.AVThreadType;
    decoder.setFlags(c.AV_CODEC_FLAG_OUTPUT_CORRUPT, c.AV_CODEC_FLAG_COPY_OPAQUE);
    const code = await decoder.open2(codec);
    if (code < 0) {
      decoder.freeContext();
      throw new DeblurError('INPUT_UNREADABLE', `The ${name} decoder refuses this video: ${errorText(code)}.`);
    }
    for (const other of input.streams) if (other.index !== stream.index) other.discard = c.AVDISCARD_ALL;
    return new FrameDecoder(input, stream, decoder, damage);
  }

  /** Packets of the stream read so far. */
  get packets(): number {
    return this.#packets;
  }

  /** The latest end of a packet in seconds. */
  get endSeconds(): number {
    return this.#end;
  }

  /** Decodes to the end of the file, or until the sink wants no more. */
  async run(sink: PictureSink): Promise<void> {
    using packet = new av.Packet();
    packet.alloc();
    for (;;) {
      const read = await this.#input.readFrame(packet);
      if (read < 0) {
        if (read === c.AVERROR_EXIT) return;
        if (read !== c.AVERROR_EOF) this.#damage.cutOff();
        break;
      }
      const more = packet.streamIndex !== this.#stream.index || (await this.#feed(packet, sink));
      packet.unref();
      if (!more) return;
    }
    await this.#decoder.sendPacket(null);
    await this.#receive(sink);
  }

  async #feed(packet: av.Packet, sink: PictureSink): Promise<boolean> {
    this.#packets += 1;
    this.#noteEnd(packet);
    for (;;) {
      const sent = await this.#decoder.sendPacket(packet);
      if (sent < 0 && sent !== c.AVERROR_EAGAIN) this.#damage.losePacket();
      if (!(await this.#receive(sink))) return false;
      if (sent !== c.AVERROR_EAGAIN) return true;
    }
  }

  /** Takes out the pictures that are ready. False when the sink wants no more. */
  async #receive(sink: PictureSink): Promise<boolean> {
    for (;;) {
      const picture = (this.#spare ??= emptyPicture());
      const received = await this.#decoder.receiveFrame(picture);
      if (received === c.AVERROR_EAGAIN || received === c.AVERROR_EOF) return true;
      if (received < 0) {
        this.#damage.losePacket();
        continue;
      }
      this.#spare = undefined;
      if (!(await sink(picture))) return false;
    }
  }

  #noteEnd(packet: av.Packet): void {
    if (packet.pts === c.AV_NOPTS_VALUE) return;
    const { num, den } = this.#stream.timeBase;
    this.#end = Math.max(this.#end, (Number(packet.pts + packet.duration) * num) / den);
  }

  [Symbol.dispose](): void {
    this.#spare?.free();
    this.#decoder.freeContext();
  }
}
