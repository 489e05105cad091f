import type { Chapter } from '../chapters/chapter.js';
import type { StreamNote } from '../video.js';
import { av, constants as c } from './binding.js';
import { readChapters } from './chapter-list.js';
import type { Container, MuxableStream } from './container.js';
import { openInput } from './input.js';
import { mainVideo } from './media-info.js';
import { AttachedPicture } from './attached-picture.js';
import { AudioConversion } from './audio-conversion.js';
import { convertedNote, leftNote, packetMicros, StreamCopy, type StreamPath } from './stream-copy.js';
import { SubtitleConversion } from './subtitle-conversion.js';

/** The source's other streams on their way to the output, in step with the encoded video. */
export class Passthrough implements AsyncDisposable {
  /** The source, opened a second time, for its streams beside the picture. */
  readonly input: av.FormatContext;
  readonly notes: StreamNote[] = [];
  chapters: readonly Chapter[] = [];
  readonly #paths = new Map<number, StreamPath>();
  readonly #packet = new av.Packet();
  #waiting = false;
  #ended = false;
  #closed = false;

  readonly #path: string;

  private constructor(path: string, input: av.FormatContext) {
    this.#path = path;
    this.input = input;
    this.#packet.alloc();
  }

  /** Opens the source's file and plans what becomes of each stream. */
  static async open(path: string, container: Container, video: MuxableStream): Promise<Passthrough> {
    const passthrough = new Passthrough(path, await openInput(path));
    try {
      await passthrough.#planChapters(container);
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

  async #planChapters(container: Container): Promise<void> {
    this.chapters = await readChapters(this.input);
    if (this.chapters.length === 0 || container.takesChapters) return;
    this.notes.push({
      index: -1,
      type: 'data',
      codec: 'chapters',
      action: 'left',
      reason: `The ${this.chapters.length} chapters were left out: chapters cannot be written to ${container.name} files here.`,
    });
    this.chapters = [];
  }

  async #plan(stream: av.Stream, container: Container, video: MuxableStream): Promise<void> {
    if (stream.index === this.video?.index) {
      stream.discard = c.AVDISCARD_ALL;
      return;
    }
    if (this.#isRebuilt(stream, container)) {
      stream.discard = c.AVDISCARD_ALL;
      return;
    }
    const picture = await AttachedPicture.plan(this.#path, stream, container, video);
    if (picture) {
      this.#paths.set(stream.index, picture);
      return;
    }
    const copy = await StreamCopy.plan(stream, container, video);
    if (typeof copy !== 'string') {
      this.#paths.set(stream.index, copy);
      return;
    }
    const converted = await convert(stream, container, video);
    if (converted) this.#paths.set(stream.index, converted);
    else stream.discard = c.AVDISCARD_ALL;
    this.notes.push(converted ? convertedNote(stream, container, converted.codec) : leftNote(stream, container, copy));
  }

  /** True for data that is written anew from what it says: a chapter track, and in MP4 a timecode that the video's metadata repeats. */
  #isRebuilt(stream: av.Stream, container: Container): boolean {
    if (stream.codecpar.codecType !== c.AVMEDIA_TYPE_DATA) return false;
    const tag = stream.codecpar.codecTagString;
    if (tag === 'text') return this.chapters.length > 0;
    const timecode = this.video?.metadata?.get('timecode');
    return tag === 'tmcd' && container.name === 'mp4' && timecode !== null && timecode !== undefined;
  }

  /** Adds the streams to the output in the source's order; `addVideo` adds the encoded one in its place and returns it. */
  attach(output: av.FormatContext, shown: string, addVideo: () => av.Stream): av.Stream {
    let video: av.Stream | undefined;
    for (const stream of this.input.streams) {
      if (stream.index === this.video?.index) video = addVideo();
      else this.#paths.get(stream.index)?.attach(output, shown);
    }
    return video ?? addVideo();
  }

  /** Muxes everything that is due before the given time in microseconds; all that is left when undefined. */
  async advance(until: bigint | undefined): Promise<void> {
    if (this.#paths.size === 0) return;
    while (!this.#ended) {
      if (!this.#waiting) {
        // A source that breaks off ends its other streams, too; the reader counts the damage.
        if ((await this.input.readFrame(this.#packet)) < 0) {
          this.#ended = true;
          for (const path of this.#paths.values()) await path.flush();
          return;
        }
        this.#waiting = true;
      }
      const path = this.#paths.get(this.#packet.streamIndex);
      if (path) {
        const due = packetMicros(this.#packet, path.source.timeBase);
        if (until !== undefined && due !== undefined && due > until) return;
        await path.write(this.#packet);
      }
      this.#packet.unref();
      this.#waiting = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#packet.free();
    for (const path of this.#paths.values()) path.free();
    await this.input.closeInput();
  }
}

/** Another codec for a stream that the container refuses as it is, or undefined where there is none. */
async function convert(
  stream: av.Stream,
  container: Container,
  video: MuxableStream,
): Promise<(StreamPath & { readonly codec: string }) | undefined> {
  switch (stream.codecpar.codecType) {
    case c.AVMEDIA_TYPE_AUDIO:
      return AudioConversion.plan(stream, container, video);
    case c.AVMEDIA_TYPE_SUBTITLE:
      return SubtitleConversion.plan(stream, container, video);
    default:
      return undefined;
  }
}
