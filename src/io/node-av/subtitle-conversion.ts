import { convertText, textCodecs, type TextCodec } from '../subtitles/text-codecs.js';
import { av, constants as c } from './binding.js';
import { addStream, type Container, type MuxableStream } from './container.js';
import { streamInfo } from './media-info.js';
import { PacketSink, type StreamPath } from './stream-copy.js';

/** Targets in order of preference: the first that the container takes is used. */
const targets: readonly (readonly [string, c.AVCodecID])[] = [
  ['subrip', c.AV_CODEC_ID_SUBRIP],
  ['mov_text', c.AV_CODEC_ID_MOV_TEXT],
  ['webvtt', c.AV_CODEC_ID_WEBVTT],
  ['ass', c.AV_CODEC_ID_ASS],
];

/** A text subtitle stream on its way into another text codec. */
export class SubtitleConversion implements StreamPath {
  readonly source: av.Stream;
  /** The target's codec name. */
  readonly codec: string;
  readonly #muxable: MuxableStream;
  readonly #from: TextCodec;
  readonly #to: TextCodec;
  #sink: PacketSink | undefined;
  #order = 0;

  private constructor(source: av.Stream, codec: string, muxable: MuxableStream, from: TextCodec, to: TextCodec) {
    this.source = source;
    this.codec = codec;
    this.#muxable = muxable;
    this.#from = from;
    this.#to = to;
  }

  /** Plans a conversion, or returns undefined: the subtitles are pictures, or the container takes no text. */
  static async plan(
    source: av.Stream,
    container: Container,
    video: MuxableStream,
  ): Promise<SubtitleConversion | undefined> {
    const from = textCodecs.get(streamInfo(source).codec);
    if (!from) return undefined;
    for (const [name, codecId] of targets) {
      const to = textCodecs.get(name)!;
      const parameters = new av.CodecParameters();
      parameters.alloc();
      parameters.codecType = c.AVMEDIA_TYPE_SUBTITLE;
      parameters.codecId = codecId;
      if (to.header) parameters.extradata = to.header;
      const muxable = { parameters, timeBase: source.timeBase, like: source };
      if ((await container.refusal([video, muxable])) === undefined) {
        return new SubtitleConversion(source, name, muxable, from, to);
      }
      parameters.free();
    }
    return undefined;
  }

  attach(output: av.FormatContext, shown: string): void {
    const stream = addStream(output, this.#muxable);
    this.#sink = new PacketSink(output, stream, shown);
  }

  async write(packet: av.Packet): Promise<void> {
    const data = convertText(packet.data ?? Buffer.alloc(0), this.#from, this.#to, this.#order);
    if (!data) return;
    this.#order += 1;
    using converted = new av.Packet();
    converted.alloc();
    converted.data = data;
    converted.pts = packet.pts;
    converted.dts = packet.pts;
    converted.duration = packet.duration;
    converted.isKeyframe = true;
    await this.#sink?.write(converted, this.source.timeBase);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  free(): void {
    this.#muxable.parameters.free();
  }
}
