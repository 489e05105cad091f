import { PassThrough } from 'node:stream';
import { DeblurError } from '../../errors.js';
import { BoundedQueue } from '../bounded-queue.js';
import { encoderSettings, ignoredOption, ignoredOptionError, unknownOption } from '../encoder-settings.js';
import type { ColorTags } from '../frame.js';
import { av, constants as c } from '../node-av/binding.js';
import { writeColor } from '../node-av/color.js';
import type { Container } from '../node-av/container.js';
import { chooseFormat, encodedColor, encodingTimeBase, type EncoderOptions, type Picture } from '../node-av/encoder.js';
import { rescale, toNative } from '../node-av/rational.js';
import type { VideoEncoding } from '../node-av/video-encoding.js';
import { findBinary, passthroughOption } from './binary.js';
import { Child } from './child.js';
import { findEncoder, type EncoderHelp } from './encoders.js';
import { NutInput, NutOutput } from './nut.js';

/** Packets taken from the child before it has to wait. */
const packetsAhead = 32;

/**
 * Frames by which pictures may be reordered where the encoder does not tell FFmpeg: x265 reorders by two at most,
 * vvenc by its six temporal layers. One too many only makes the first decoding times earlier.
 */
const deepestReordering: ReadonlyMap<c.AVCodecID, number> = new Map([
  [c.AV_CODEC_ID_HEVC, 2],
  [c.AV_CODEC_ID_VVC, 6],
]);

/**
 * Encoding with the user's ffmpeg: raw pictures go to its standard input and the encoded video comes from its
 * standard output, both as NUT. NUT has neither decoding times nor durations; both follow from the times sent.
 */
export class FfmpegEncoding implements VideoEncoding {
  readonly engine = 'ffmpeg';
  readonly encoder: string;
  readonly picture: VideoEncoding['picture'];
  readonly timeBase: av.Rational;
  readonly averageRate: av.Rational;
  readonly #source: Picture;
  readonly #color: ColorTags;
  readonly #stdin = new PassThrough({ highWaterMark: 1 << 20 });
  readonly #child: Child;
  readonly #packets = new BoundedQueue<av.Packet>(packetsAhead);
  /** Times of the pictures sent, those used as decoding times taken out. */
  readonly #shown: bigint[] = [];
  #start = 0n;
  #step = 1n;
  #count = 0;
  readonly #durations = new Map<bigint, bigint>();
  readonly #reading: Promise<void>;
  readonly #ready: Promise<av.CodecParameters>;
  #announce!: (parameters: av.CodecParameters) => void;
  #refuse!: (error: unknown) => void;
  #parameters: av.CodecParameters | undefined;
  #nut: NutOutput | undefined;
  #complaint: DeblurError | undefined;
  #stopped = false;

  private constructor(
    encoder: string,
    source: Picture,
    format: { number: c.AVPixelFormat; name: string },
    start: (stdin: PassThrough, onLine: (line: string) => void) => Child,
  ) {
    this.encoder = encoder;
    this.#source = source;
    this.#color = encodedColor(format, source);
    using tags = new av.CodecContext();
    tags.allocContext3(null);
    writeColor(tags, this.#color);
    const { width, height } = source;
    const { colorSpace: matrix, colorRange: range } = tags;
    this.picture = { format: format.number, formatName: format.name, width, height, matrix, range };
    this.timeBase = toNative(source.timeBase);
    this.averageRate = toNative(source.averageRate);
    this.#ready = new Promise((resolve, reject) => {
      this.#announce = resolve;
      this.#refuse = reject;
    });
    // The writer that waits for it hears of a failure; one that was stopped before need not.
    this.#ready.catch(() => undefined);
    this.#child = start(this.#stdin, (line) => {
      if (this.#complaint || !ignoredOption(line)) return;
      this.#complaint = ignoredOptionError(encoder, line);
      void this.#child.kill();
    });
    this.#reading = this.#read();
  }

  /** Starts the child. Throws `ENGINE_UNAVAILABLE`, `CODEC_UNAVAILABLE`, `USAGE`, `FORMAT_UNSUPPORTED`. */
  static async open(source: Picture, container: Container, options: EncoderOptions): Promise<FfmpegEncoding> {
    const binary = await findBinary();
    const help = await findEncoder(binary, options.codec, container);
    const format = chooseFormat(help.name, help.formats, source.format, options.format);
    const settings = settingArguments(help, options);
    const color = encodedColor(format, source);
    const timeBase = encodingTimeBase(help.name, source, container);
    const { sampleAspectRatio } = source;
    return new FfmpegEncoding(
      help.name,
      { ...source, timeBase },
      format,
      (stdin, onLine) =>
        new Child({
          onLine,
          binary,
          input: stdin,
          inputOptions: ['-copyts', '-f', 'nut'],
          outputOptions: [
            ...['-map', '0:v:0', ...passthroughOption(binary), '-enc_time_base', `${timeBase.num}/${timeBase.den}`],
            ...['-filter:v', tagFilter(color, sampleAspectRatio), '-c:v', help.name, '-pix_fmt:v', format.name],
            ...(color.chromaLocation === 'unknown' ? [] : ['-chroma_sample_location:v', color.chromaLocation]),
            ...['-threads:v', String(options.threads ?? 0), ...settings, '-avoid_negative_ts', 'disabled', '-f', 'nut'],
          ],
        }),
    );
  }

  parameters(): Promise<av.CodecParameters> {
    return this.#ready;
  }

  async send(picture: av.Frame | null): Promise<void> {
    if (this.#stopped) return;
    try {
      this.#nut ??= await NutOutput.open(this.#stdin, this.picture, this.timeBase);
      if (picture) {
        const { pts, duration } = picture;
        if (this.#count === 0) [this.#start, this.#step] = [pts, duration > 0n ? duration : 1n];
        if (this.#count === 1) this.#step = pts - this.#start;
        this.#count += 1;
        this.#shown.push(pts);
        this.#durations.set(pts, duration);
      }
      await this.#nut.write(picture);
      if (picture === null) this.#stdin.end();
    } catch (error) {
      if (this.#stopped) return;
      this.#child.output.resume();
      await this.#child.gone;
      throw this.#childFailure() ?? error;
    }
  }

  receive(): Promise<av.Packet | undefined> {
    return this.#packets.take();
  }

  stop(): void {
    this.#stopped = true;
    this.#packets.end();
    for (const packet of this.#packets.drain()) packet.free();
    this.#refuse(new DeblurError('CANCELLED', 'The encoding was stopped.'));
    this.#stdin.destroy();
    void this.#child.kill();
  }

  async free(): Promise<void> {
    this.stop();
    await this.#child.kill();
    await this.#reading;
    await this.#nut?.close();
    this.#parameters?.free();
  }

  /** Takes the encoded packets from the child. */
  async #read(): Promise<void> {
    let nut: NutInput | undefined;
    try {
      nut = await NutInput.open(this.#child.output);
      if (nut) await this.#collect(nut);
      await this.#child.gone;
      const failure = this.#childFailure();
      if (failure) throw failure;
      if (!nut) throw new DeblurError('ENGINE_FAILED', 'ffmpeg ended without a picture.');
      this.#packets.end();
    } catch (error) {
      this.#refuse(error);
      this.#packets.fail(error);
    } finally {
      await nut?.close();
    }
  }

  async #collect(nut: NutInput): Promise<void> {
    const stream = nut.context.streams[0]!;
    this.#parameters = this.#describe(stream);
    this.#announce(this.#parameters);
    const delay = stream.codecpar.videoDelay || (deepestReordering.get(stream.codecpar.codecId) ?? 0);
    for (let index = 0; ; index += 1) {
      const packet = new av.Packet();
      packet.alloc();
      if ((await nut.context.readFrame(packet)) < 0) {
        packet.free();
        return;
      }
      packet.pts = rescale(packet.pts, stream.timeBase, this.timeBase);
      packet.dts = this.#decodingTime(index, delay);
      packet.duration = this.#durations.get(packet.pts) ?? 0n;
      this.#durations.delete(packet.pts);
      if (await this.#packets.push(packet)) continue;
      packet.free();
      return;
    }
  }

  /** The stream's parameters with what NUT does not carry. */
  #describe(stream: av.Stream): av.CodecParameters {
    const parameters = new av.CodecParameters();
    parameters.alloc();
    stream.codecpar.copy(parameters);
    parameters.codecTag = 0;
    parameters.format = this.picture.format;
    parameters.width = this.picture.width;
    parameters.height = this.picture.height;
    parameters.sampleAspectRatio = toNative(this.#source.sampleAspectRatio);
    writeColor(parameters, this.#color);
    return parameters;
  }

  /** With a reordering of `delay` frames, the n-th packet is decoded when the (n - delay)-th picture is shown. */
  #decodingTime(index: number, delay: number): bigint {
    if (index < delay) return this.#start - BigInt(delay - index) * this.#step;
    return this.#shown.shift() ?? this.#start;
  }

  #childFailure(): DeblurError | undefined {
    if (this.#complaint) return this.#complaint;
    const { failure, tellingLine } = this.#child;
    if (!failure) return undefined;
    const what = `${this.picture.width}x${this.picture.height} ${this.picture.formatName}`;
    return new DeblurError(
      'FORMAT_UNSUPPORTED',
      `The encoder ${this.encoder} refuses ${what} with these options: ${tellingLine ?? 'it does not say why'}.`,
      {
        cause: failure,
      },
    );
  }
}

function settingArguments(help: EncoderHelp, options: EncoderOptions): string[] {
  const { options: settings, quantiser } = encoderSettings(help.name, options, (key) => help.options.has(key));
  const list = [...settings].flatMap(([key, value]) => {
    // Anything else would be an option of the ffmpeg command and not of the encoder.
    if (!help.options.has(key)) throw unknownOption(help.name, key, help.options);
    return [`-${key}:v`, value];
  });
  return quantiser === undefined ? list : [...list, '-q:v', String(quantiser)];
}

/** Tags the pictures without converting them. */
function tagFilter(color: ColorTags, { num, den }: Picture['sampleAspectRatio']): string {
  const known = {
    range: color.range,
    colorspace: color.matrix,
    color_primaries: color.primaries,
    color_trc: color.transfer,
  };
  const tags = Object.entries(known).filter(([, value]) => value !== 'unknown');
  const ratio = `setsar=${num}/${Math.max(1, den)}`;
  return tags.length === 0 ? ratio : `setparams=${tags.map(([key, value]) => `${key}=${value}`).join(':')},${ratio}`;
}
