import { cancelled, DeblurError, throwIfAborted } from '../../errors.js';
import { av, constants as c } from '../../io/node-av/binding.js';
import { errorText } from '../../io/node-av/failure.js';

/** Demuxers that read what other files name; a live stream is one stream. `hls` and `dash` are made of addresses. */
const referring = new Set(['concat', 'imf', 'lavfi', 'vapoursynth', 'avisynth']);

/** How to open an input. */
export interface ConnectionRequest {
  readonly url: string;
  /** FFmpeg's demuxer. Default: found out. */
  readonly format?: string;
  readonly options?: Readonly<Record<string, string>>;
  /** The input's name in messages. */
  readonly shown: string;
  /** Bytes from JavaScript in place of the address; undefined is the end. */
  readonly read?: (size: number) => Promise<Buffer | undefined>;
  /** Milliseconds of silence after which the connection counts as dead. Default 10 000. */
  readonly silence?: number;
  /** Whether everything there is can be read at once, so that a thorough look costs no time. Default false. */
  readonly complete?: boolean;
}

/** Looking for streams ends after so much, so that a live picture comes soon. */
const quick = { probesize: '500000', analyzeduration: '1000000', fflags: 'nobuffer' };

/** An opened input and its one video stream. */
export class Connection implements AsyncDisposable {
  readonly stream: av.Stream;
  readonly #input: av.FormatContext;
  readonly #io: av.IOContext | undefined;
  readonly #watch: Watch;
  #closing: Promise<void> | undefined;

  private constructor(input: av.FormatContext, io: av.IOContext | undefined, stream: av.Stream, watch: Watch) {
    this.#input = input;
    this.#io = io;
    this.stream = stream;
    this.#watch = watch;
  }

  /**
   * Opens an input and finds its video.
   * @throws DeblurError `INPUT_UNREADABLE`, `CANCELLED`.
   */
  static async open(request: ConnectionRequest, signal?: AbortSignal): Promise<Connection> {
    throwIfAborted(signal);
    const input = new av.FormatContext();
    // Allocated beforehand, so that opening can be interrupted, too.
    input.allocContext();
    const watch = new Watch(input, request.silence ?? 10_000, signal);
    const io = request.read && readingContext(request.read);
    try {
      if (io) {
        input.pb = io;
        input.setFlags(c.AVFMT_FLAG_CUSTOM_IO);
      }
      const format = request.format === undefined ? null : av.InputFormat.findInputFormat(request.format);
      if (request.format !== undefined && !format) {
        throw new DeblurError('CODEC_UNAVAILABLE', `This FFmpeg can't read ${request.format}.`);
      }
      const settings = request.complete ? {} : quick;
      using options = av.Dictionary.fromObject({ ...settings, ...request.options });
      watch.alive();
      must(await input.openInput(request.url, format, options), request.shown, watch, signal);
      const names = input.iformat?.name?.split(',') ?? [];
      if (names.some((name) => referring.has(name))) {
        throw new DeblurError('INPUT_UNREADABLE', `${request.shown} is a list of other files, not a video.`);
      }
      watch.alive();
      must(await input.findStreamInfo(), request.shown, watch, signal);
      const index = input.findBestStream(c.AVMEDIA_TYPE_VIDEO);
      const stream = input.streams.find((each) => each.index === index);
      if (index < 0 || !stream) throw new DeblurError('INPUT_UNREADABLE', `${request.shown} has no video.`);
      for (const other of input.streams) if (other.index !== index) other.discard = c.AVDISCARD_ALL;
      return new Connection(input, io, stream, watch);
    } catch (error) {
      watch.end();
      await close(input, io);
      throw error;
    }
  }

  /**
   * Reads the video's packets until the input ends. The packet is the connection's, valid during the call.
   * @throws DeblurError `INPUT_UNREADABLE` when the connection is lost, `CANCELLED`.
   */
  async run(onPacket: (packet: av.Packet) => Promise<void>, shown: string, signal?: AbortSignal): Promise<void> {
    using packet = new av.Packet();
    packet.alloc();
    for (;;) {
      this.#watch.alive();
      const read = await this.#input.readFrame(packet);
      if (read === c.AVERROR_EOF && !signal?.aborted) return;
      if (read === c.AVERROR_EAGAIN) continue;
      must(read, shown, this.#watch, signal);
      // What is done with a packet takes as long as it takes.
      this.#watch.rest();
      if (packet.streamIndex === this.stream.index) await onPacket(packet);
      packet.unref();
      throwIfAborted(signal);
    }
  }

  close(): Promise<void> {
    this.#watch.end();
    this.#closing ??= close(this.#input, this.#io);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Interrupts an input that has gone silent, or whose signal has fired. */
class Watch {
  /** The input was interrupted because it was silent. */
  silent = false;
  readonly #input: av.FormatContext;
  readonly #milliseconds: number;
  readonly #signal: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => {
    this.#input.interrupt();
  };

  constructor(input: av.FormatContext, milliseconds: number, signal: AbortSignal | undefined) {
    this.#input = input;
    this.#milliseconds = milliseconds;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  alive(): void {
    if (this.#timer) {
      this.#timer.refresh();
      return;
    }
    this.#timer = setTimeout(() => {
      this.silent = true;
      this.#input.interrupt();
    }, this.#milliseconds);
  }

  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  end(): void {
    this.rest();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

function readingContext(read: (size: number) => Promise<Buffer | undefined>): av.IOContext {
  const io = new av.IOContext();
  io.allocContextWithCallbacks(16_384, 0, async (size) => (await read(size)) ?? null, null, null);
  return io;
}

async function close(input: av.FormatContext, io: av.IOContext | undefined): Promise<void> {
  if (io) input.pb = null;
  await input.closeInput();
  await io?.[Symbol.asyncDispose]();
}

function must(code: number, shown: string, watch: Watch, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal);
  if (watch.silent) throw new DeblurError('INPUT_UNREADABLE', `${shown} is silent.`);
  if (code >= 0) return;
  throw new DeblurError('INPUT_UNREADABLE', `${shown} can't be read: ${errorText(code)}.`, {
    cause: new av.FFmpegError(code),
  });
}
