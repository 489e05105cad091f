import { av } from '../io/node-av/binding.js';
import { check } from '../io/node-av/failure.js';

/** Ticks per second of a fragment's times. */
export const fragmentClock = 90_000;

/**
 * Puts encoded pictures into fragmented MP4, one fragment each, at once: FFmpeg's muxer is flushed after every
 * packet, where its own "a fragment per frame" would wait for the next one.
 */
export class FragmentMuxer implements AsyncDisposable {
  /** `ftyp` and `moov`. */
  readonly header: Buffer;
  readonly #output: av.FormatContext;
  readonly #stream: av.Stream;
  readonly #bytes: ByteSink;

  private constructor(output: av.FormatContext, stream: av.Stream, bytes: ByteSink) {
    this.#output = output;
    this.#stream = stream;
    this.#bytes = bytes;
    this.header = bytes.take();
  }

  /** @param encoder An opened encoder with a global header; packets come in its time base, 1/{@link fragmentClock}. */
  static async open(encoder: av.CodecContext): Promise<FragmentMuxer> {
    const output = new av.FormatContext();
    output.allocOutputContext2(null, 'mp4', null);
    const bytes = new ByteSink();
    output.pb = bytes.io;
    try {
      const stream = output.newStream();
      stream.codecpar.fromContext(encoder);
      stream.timeBase = encoder.timeBase;
      using options = av.Dictionary.fromObject({
        movflags: 'empty_moov+default_base_moof+frag_custom',
        write_tmcd: '0',
      });
      check(await output.writeHeader(options), 'ENGINE_FAILED', "The live stream's header cannot be written");
      await bytes.io.flush();
      return new FragmentMuxer(output, stream, bytes);
    } catch (error) {
      await free(output, bytes);
      throw error;
    }
  }

  /** The packet as `moof` and `mdat`. The packet stays the caller's. */
  async fragment(packet: av.Packet): Promise<Buffer> {
    const { pts } = packet;
    packet.streamIndex = this.#stream.index;
    check(await this.#output.writeFrame(packet), 'ENGINE_FAILED', 'A live picture cannot be written');
    check(await this.#output.writeFrame(null), 'ENGINE_FAILED', 'A live picture cannot be written');
    await this.#bytes.io.flush();
    const fragment = this.#bytes.take();
    setDecodeTime(fragment, pts);
    return fragment;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return free(this.#output, this.#bytes);
  }
}

async function free(output: av.FormatContext, bytes: ByteSink): Promise<void> {
  output.pb = null;
  output.freeContext();
  await bytes.io[Symbol.asyncDispose]();
}

/** Collects what a muxer writes. */
class ByteSink {
  readonly io = new av.IOContext();
  readonly #chunks: Buffer[] = [];

  constructor() {
    this.io.allocContextWithCallbacks(
      65_536,
      1,
      null,
      (bytes) => {
        // The muxer's buffer is used again after the call.
        this.#chunks.push(Buffer.from(bytes));
        return bytes.length;
      },
      null,
    );
  }

  take(): Buffer {
    return Buffer.concat(this.#chunks.splice(0));
  }
}

/**
 * Sets a fragment's time (`moof/traf/tfdt`, version 1). FFmpeg counts from the first packet; a stream whose encoder is
 * exchanged on its way has to go on in the session's time.
 */
function setDecodeTime(fragment: Buffer, ticks: bigint): void {
  const at = findBox(fragment, ['moof', 'traf', 'tfdt']);
  if (at === undefined || fragment.readUInt8(at) !== 1)
    throw new TypeError('the muxer wrote a fragment without a time');
  fragment.writeBigUInt64BE(ticks, at + 4);
}

/** Position of a nested box's content (its version and flags) in bytes. */
export function findBox(bytes: Buffer, path: readonly string[]): number | undefined {
  let [from, to] = [0, bytes.length];
  for (const type of path) {
    let found = false;
    while (from + 8 <= to) {
      const size = bytes.readUInt32BE(from);
      if (size < 8) return undefined;
      if (bytes.toString('latin1', from + 4, from + 8) === type) {
        [from, to, found] = [from + 8, Math.min(to, from + size), true];
        break;
      }
      from += size;
    }
    if (!found) return undefined;
  }
  return from;
}
