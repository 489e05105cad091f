import { DeblurError } from '../../errors.js';
import { av, constants as c } from './binding.js';
import { addStream, type Container, type MuxableStream } from './container.js';
import { check, errorText } from './failure.js';
import { PacketSink, type StreamPath } from './stream-copy.js';

/** Samples in a block for encoders that take any number. */
const freeBlock = 1024;

/** An audio stream on its way into the container's usual codec: decoded, resampled where needed, encoded. */
export class AudioConversion implements StreamPath {
  readonly source: av.Stream;
  /** The encoder's name. */
  readonly codec: string;
  readonly #parameters: av.CodecParameters;
  readonly #decoder: av.CodecContext;
  readonly #encoder: av.CodecContext;
  readonly #graph = new av.FilterGraph();
  #entry: av.FilterContext | undefined;
  #exit: av.FilterContext | undefined;
  #sink: PacketSink | undefined;

  private constructor(source: av.Stream, decoder: av.CodecContext, encoder: av.CodecContext, codec: string) {
    this.source = source;
    this.codec = codec;
    this.#decoder = decoder;
    this.#encoder = encoder;
    this.#parameters = new av.CodecParameters();
    this.#parameters.alloc();
    this.#parameters.fromContext(encoder);
  }

  /** Plans a conversion, or returns undefined where the stream has no decoder or the container no audio codec. */
  static async plan(
    source: av.Stream,
    container: Container,
    video: MuxableStream,
  ): Promise<AudioConversion | undefined> {
    const decoderCodec = av.Codec.findDecoder(source.codecpar.codecId);
    const encoderCodec = findAudioEncoder(container);
    if (!decoderCodec || !encoderCodec) return undefined;
    const decoder = new av.CodecContext();
    decoder.allocContext3(decoderCodec);
    decoder.parametersToContext(source.codecpar);
    decoder.pktTimebase = source.timeBase;
    const encoder = new av.CodecContext();
    const opened =
      (await decoder.open2(decoderCodec)) >= 0 &&
      (await openAudioEncoder(encoder, encoderCodec, decoder, container)) >= 0;
    const conversion = opened
      ? new AudioConversion(source, decoder, encoder, encoderCodec.name ?? 'unknown')
      : undefined;
    if (conversion && (await container.refusal([video, conversion.#muxable])) === undefined) return conversion;
    conversion?.free();
    if (!conversion) {
      decoder.freeContext();
      encoder.freeContext();
    }
    return undefined;
  }

  get #muxable(): MuxableStream {
    return { parameters: this.#parameters, timeBase: this.#encoder.timeBase, like: this.source };
  }

  attach(output: av.FormatContext, shown: string): void {
    const stream = addStream(output, this.#muxable);
    this.#sink = new PacketSink(output, stream, shown);
  }

  async write(packet: av.Packet): Promise<void> {
    await this.#decode(packet);
  }

  async flush(): Promise<void> {
    await this.#decode(null);
    if (this.#entry) await this.#filter(null);
    await this.#encode(null);
  }

  async #decode(packet: av.Packet | null): Promise<void> {
    // A damaged packet is skipped: the resampler fills its time with silence.
    await this.#decoder.sendPacket(packet);
    using frame = new av.Frame();
    frame.alloc();
    while ((await this.#decoder.receiveFrame(frame)) >= 0) {
      frame.pts = frame.bestEffortTimestamp;
      await this.#filter(frame);
      frame.unref();
    }
  }

  async #filter(frame: av.Frame | null): Promise<void> {
    if (frame && !this.#entry) await this.#connect(frame);
    check((await this.#entry?.buffersrcAddFrame(frame)) ?? 0, 'ENGINE_FAILED', 'Audio cannot be resampled');
    using ready = new av.Frame();
    ready.alloc();
    while (((await this.#exit?.buffersinkGetFrame(ready)) ?? -1) >= 0) {
      await this.#encode(ready);
      ready.unref();
    }
  }

  /** Builds the resampler for the frames as they really are. */
  async #connect(frame: av.Frame): Promise<void> {
    this.#graph.alloc();
    const { num, den } = this.source.timeBase;
    const input = [
      `time_base=${num}/${den}`,
      `sample_rate=${frame.sampleRate}`,
      `sample_fmt=${av.avGetSampleFmtName(frame.format as c.AVSampleFormat)}`,
      `channel_layout=${av.avChannelLayoutDescribe(frame.channelLayout)}`,
    ].join(':');
    const output = [
      `sample_fmts=${av.avGetSampleFmtName(this.#encoder.sampleFormat)}`,
      `sample_rates=${this.#encoder.sampleRate}`,
      `channel_layouts=${av.avChannelLayoutDescribe(this.#encoder.channelLayout)}`,
    ].join(':');
    const block = this.#encoder.frameSize > 0 ? this.#encoder.frameSize : freeBlock;
    const chain = `abuffer@in=${input},aresample=async=1,aformat=${output},asetnsamples=n=${block}:p=0,abuffersink@out`;
    check(this.#graph.parsePtr(chain), 'ENGINE_FAILED', 'The audio resampler cannot be built');
    check(await this.#graph.config(), 'ENGINE_FAILED', 'The audio resampler cannot be built');
    const filters = this.#graph.filters ?? [];
    this.#entry = filters.find((filter) => filter.filter?.name === 'abuffer');
    this.#exit = filters.find((filter) => filter.filter?.name === 'abuffersink');
  }

  async #encode(frame: av.Frame | null): Promise<void> {
    const sent = await this.#encoder.sendFrame(frame);
    if (sent < 0 && sent !== c.AVERROR_EOF) {
      throw new DeblurError('ENGINE_FAILED', `The audio encoder ${this.codec} failed: ${errorText(sent)}.`);
    }
    using packet = new av.Packet();
    packet.alloc();
    while ((await this.#encoder.receivePacket(packet)) >= 0) {
      await this.#sink?.write(packet, this.#encoder.timeBase);
      packet.unref();
    }
  }

  free(): void {
    this.#graph.free();
    this.#decoder.freeContext();
    this.#encoder.freeContext();
    this.#parameters.free();
  }
}

function findAudioEncoder(container: Container): av.Codec | undefined {
  const id = container.defaults.audio;
  if (id === c.AV_CODEC_ID_NONE) return undefined;
  // FFmpeg's own Opus and Vorbis encoders are experimental: the libraries' are meant.
  const list = av.Codec.getCodecList().filter(
    (codec) => codec.isEncoder() && codec.id === id && !codec.isExperimental(),
  );
  return list[0];
}

async function openAudioEncoder(
  encoder: av.CodecContext,
  codec: av.Codec,
  like: av.CodecContext,
  container: Container,
): Promise<number> {
  encoder.allocContext3(codec);
  const rates = codec.supportedSamplerates ?? [];
  const wanted = like.sampleRate;
  // The next higher rate keeps what there is to hear; without one, the highest.
  const higher = rates.filter((rate) => rate >= wanted).sort((a, b) => a - b)[0];
  encoder.sampleRate = rates.length === 0 ? wanted : (higher ?? Math.max(...rates));
  encoder.sampleFormat = codec.sampleFormats?.[0] ?? like.sampleFormat;
  encoder.channelLayout = av.avChannelLayoutDefault(like.channels);
  encoder.timeBase = new av.Rational(1, encoder.sampleRate);
  encoder.bitRate = BigInt(96_000 * Math.max(1, like.channels));
  if (container.globalHeader) encoder.setFlags(c.AV_CODEC_FLAG_GLOBAL_HEADER);
  return encoder.open2(codec);
}
