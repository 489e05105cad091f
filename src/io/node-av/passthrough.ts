import type { StreamNote } from '../video.js';
import { av, constants as c } from './binding.js';
import type { Container, MuxableStream } from './container.js';
import { openInput } from './input.js';
import { mainVideo } from './media-info.js';
import { leftNote, packetMicros, StreamCopy } from './stream-copy.js';

/** The source's other streams on their way to the output, in step with the encoded video. */
export class Passthrough implements AsyncDisposable {
  /** The source, opened a second time, for its streams beside the picture. */
  readonly input: av.FormatContext;
  readonly notes: StreamNote[] = [];
  readonly #copies = new Map<number, StreamCopy>();
  readonly #packet = new av.Packet();
  #waiting = false;
  #ended = false;
  #closed = false;

  private constructor(input: av.FormatContext) {
    this.input = input;
    this.#packet.alloc();
  }

  /** Opens the source's file and plans what becomes of each stream. */
  static async open(path: string, container: Container, video: MuxableStream): Promise<Passthrough> {
    const passthrough = new Passthrough(await openInput(path));
    try {
      for (const stream of passthrough.input.streams) await passthrough.#plan(stream, container, video);
      return passthrough;
    } catch (error) {
      await passthrough[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The stream whose place the encoded video takes. */
  get video(): av.Stream | undefined {
    return mainVideo(this.input);
  }

  async #plan(stream: av.Stream, container: Container, video: MuxableStream): Promise<void> {
    if (stream.index === this.video?.index) {
      stream.discard = c.AVDISCARD_ALL;
      return;
    }
    const copy = await StreamCopy.plan(stream, container, video);
    if (typeof copy === 'string') {
      stream.discard = c.AVDISCARD_ALL;
      this.notes.push(leftNote(stream, container, copy));
    } else this.#copies.set(stream.index, copy);
  }

  /** Adds the streams to the output in the source's order; `addVideo` adds the encoded one in its place. */
  attach(output: av.FormatContext, addVideo: () => void): void {
    for (const stream of this.input.streams) {
      if (stream.index === this.video?.index) addVideo();
      else this.#copies.get(stream.index)?.attach(output);
    }
  }

  /** Muxes everything that is due before the given time in microseconds; all that is left when undefined. */
  async advance(output: av.FormatContext, until: bigint | undefined): Promise<void> {
    if (this.#copies.size === 0) return;
    while (!this.#ended) {
      if (!this.#waiting) {
        // A source that breaks off ends its other streams, too; the reader counts the damage.
        if ((await this.input.readFrame(this.#packet)) < 0) {
          this.#ended = true;
          return;
        }
        this.#waiting = true;
      }
      const copy = this.#copies.get(this.#packet.streamIndex);
      if (copy) {
        const due = packetMicros(this.#packet, copy.source.timeBase);
        if (until !== undefined && due !== undefined && due > until) return;
        await copy.write(this.#packet, output);
      }
      this.#packet.unref();
      this.#waiting = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#packet.free();
    for (const copy of this.#copies.values()) copy.free();
    await this.input.closeInput();
  }
}
