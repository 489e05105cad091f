import { av, constants as c } from './binding.js';
import { addStream, type Container, type MuxableStream } from './container.js';
import { openInput } from './input.js';
import { streamInfo } from './media-info.js';
import type { StreamPath } from './stream-copy.js';

/** A cover picture on its way into Matroska, which keeps such pictures as attachments and not as video tracks. */
export class AttachedPicture implements StreamPath {
  readonly source: av.Stream;
  readonly #parameters: av.CodecParameters;

  private constructor(source: av.Stream, picture: Buffer) {
    this.source = source;
    this.#parameters = new av.CodecParameters();
    this.#parameters.alloc();
    this.#parameters.codecType = c.AVMEDIA_TYPE_ATTACHMENT;
    this.#parameters.codecId = source.codecpar.codecId;
    this.#parameters.extradata = picture;
  }

  /** Plans the attachment, or returns undefined where the stream is no cover picture or the container takes it as it is. */
  static async plan(
    path: string,
    source: av.Stream,
    container: Container,
    video: MuxableStream,
  ): Promise<AttachedPicture | undefined> {
    if ((source.disposition & c.AV_DISPOSITION_ATTACHED_PIC) === 0 || !container.isMatroska) return undefined;
    const data = await readPicture(path, source.index);
    if (!data) return undefined;
    const picture = new AttachedPicture(source, data);
    if ((await container.refusal([video, picture.#muxable])) === undefined) return picture;
    picture.free();
    return undefined;
  }

  get #muxable(): MuxableStream {
    return { parameters: this.#parameters, timeBase: this.source.timeBase, metadata: this.#metadata };
  }

  /** Matroska asks for a file name and a media type. */
  get #metadata(): Readonly<Record<string, string>> {
    const { codec, metadata } = streamInfo(this.source);
    const kind = codec === 'mjpeg' ? 'jpeg' : codec;
    return { filename: `cover.${kind === 'jpeg' ? 'jpg' : kind}`, mimetype: `image/${kind}`, ...metadata };
  }

  attach(output: av.FormatContext): void {
    addStream(output, this.#muxable);
  }

  /** The picture is in the header; its packet is not needed. */
  write(): Promise<void> {
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  free(): void {
    this.#parameters.free();
  }
}

/** The picture's bytes, from the packet that demuxers give out first. (node-av 6.1.1 crashes on `Stream.attachedPic`.) */
async function readPicture(path: string, index: number): Promise<Buffer | undefined> {
  const input = await openInput(path);
  try {
    for (const stream of input.streams) if (stream.index !== index) stream.discard = c.AVDISCARD_ALL;
    using packet = new av.Packet();
    packet.alloc();
    while ((await input.readFrame(packet)) >= 0) {
      if (packet.streamIndex === index) return Buffer.from(packet.data ?? []);
      packet.unref();
    }
    return undefined;
  } finally {
    await input.closeInput();
  }
}
