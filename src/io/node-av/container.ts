import { DeblurError } from '../../errors.js';
import { didYouMean } from '../../nearest.js';
import { av, constants as c } from './binding.js';
import { LogRecording } from './log.js';

/** An output container: FFmpeg's muxer. */
export class Container {
  readonly #context: av.FormatContext;

  private constructor(context: av.FormatContext) {
    this.#context = context;
  }

  /** The muxer of that name, or else the one for the file's extension. Throws `USAGE` when there is none. */
  static find(path: string, name: string | undefined): Container {
    const context = new av.FormatContext();
    try {
      context.allocOutputContext2(null, name ?? null, path);
      return new Container(context);
    } catch {
      context.freeContext();
    }
    if (name !== undefined) {
      const hint = didYouMean(name, [
        'mp4',
        'mov',
        'matroska',
        'webm',
        'avi',
        'mxf',
        'mpegts',
        'nut',
        'ogg',
        'flv',
        'ipod',
      ]);
      throw new DeblurError('USAGE', `There is no output container named ${name}.`, { hint });
    }
    throw new DeblurError('USAGE', `The name ${path} does not say which container to write.`, {
      hint: 'End the name in .mp4, .mov, .mkv or .webm, or name the container.',
    });
  }

  /** FFmpeg's muxer name, for instance `mp4`. */
  get name(): string {
    return this.#context.oformat?.name ?? 'unknown';
  }

  /** The muxer's usual codecs. */
  get defaults(): { video: c.AVCodecID; audio: c.AVCodecID; subtitle: c.AVCodecID } {
    const format = this.#context.oformat;
    return {
      video: format?.videoCodec ?? c.AV_CODEC_ID_NONE,
      audio: format?.audioCodec ?? c.AV_CODEC_ID_NONE,
      subtitle: format?.subtitleCodec ?? c.AV_CODEC_ID_NONE,
    };
  }

  /** True when codec headers belong in the container's header and not in the stream. */
  get globalHeader(): boolean {
    return ((this.#context.oformat?.flags ?? 0) & c.AVFMT_GLOBALHEADER) !== 0;
  }

  /** True for MP4 and its relatives. */
  get isMp4Family(): boolean {
    return ['mp4', 'mov', 'ipod', '3gp', '3g2', 'psp', 'f4v', 'ismv'].includes(this.name);
  }

  /** True for Matroska and WebM. */
  get isMatroska(): boolean {
    return this.name === 'matroska' || this.name === 'webm';
  }

  /** True when frames have no timestamps of their own there, only a rate. */
  get fixedRate(): boolean {
    return ((this.#context.oformat?.flags ?? 0) & c.AVFMT_VARIABLE_FPS) === 0;
  }

  /** True when chapters can be added to such files. */
  get takesChapters(): boolean {
    return this.isMatroska || this.isMp4Family;
  }

  /**
   * Asks the muxer itself whether it takes these streams together, by having it write a header to nowhere.
   * Returns undefined when it does, else its own words.
   */
  async refusal(streams: readonly MuxableStream[]): Promise<string | undefined> {
    using log = new LogRecording();
    await using trial = await NowhereOutput.open(this.name);
    for (const stream of streams) addStream(trial.context, stream);
    const code = await trial.context.writeHeader();
    if (code >= 0) return undefined;
    await log.settle();
    return log.errors.at(-1) ?? av.FFmpegError.strerror(code);
  }

  [Symbol.dispose](): void {
    this.#context.freeContext();
  }
}

/** What a muxer has to know of a stream. */
export interface MuxableStream {
  readonly parameters: av.CodecParameters;
  readonly timeBase: av.Rational;
  /** Frames per second, which timecode tracks need. */
  readonly averageRate?: av.Rational;
  /** The stream whose metadata and disposition it takes over. */
  readonly like?: av.Stream | undefined;
  /** Metadata in place of that stream's. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Adds a stream to an output. */
export function addStream(output: av.FormatContext, stream: MuxableStream): av.Stream {
  const added = output.newStream();
  stream.parameters.copy(added.codecpar);
  added.timeBase = stream.timeBase;
  if (stream.averageRate) added.avgFrameRate = stream.averageRate;
  if (stream.like) {
    added.metadata = stream.like.metadata;
    added.disposition = stream.like.disposition;
  }
  if (stream.metadata) {
    using metadata = av.Dictionary.fromObject(stream.metadata);
    added.metadata = metadata;
  }
  return added;
}

/** An output whose bytes go nowhere. */
class NowhereOutput implements AsyncDisposable {
  readonly context = new av.FormatContext();
  readonly #io = new av.IOContext();

  private constructor() {
    this.#io.allocContextWithCallbacks(
      4096,
      1,
      null,
      (bytes) => bytes.length,
      (offset) => offset,
    );
  }

  static async open(muxer: string): Promise<NowhereOutput> {
    const output = new NowhereOutput();
    output.context.allocOutputContext2(null, muxer, null);
    output.context.pb = output.#io;
    return Promise.resolve(output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.context.pb = null;
    this.context.freeContext();
    await this.#io[Symbol.asyncDispose]();
  }
}
