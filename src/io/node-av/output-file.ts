import { DeblurError } from '../../errors.js';
import type { StreamNote } from '../video.js';
import { av, constants as c } from './binding.js';
import { addChapters } from './chapter-list.js';
import { addStream, type Container } from './container.js';
import { writeFailure } from './failure.js';
import { fileAddress } from './input.js';
import { Passthrough } from './passthrough.js';
import { rescale } from './rational.js';
import { PacketSink } from './stream-copy.js';
import type { VideoEncoding } from './video-encoding.js';

/** Where an output goes and what it is made of. */
export interface OutputPlan {
  /** The name to write to. */
  readonly file: string;
  /** The name to show to people. */
  readonly shown: string;
  readonly container: Container;
  /** The file whose other streams, chapters and metadata are kept. */
  readonly source: string;
  readonly encoding: VideoEncoding;
}

/** A container being written: the encoded video beside the source's other streams. */
export class OutputFile implements AsyncDisposable {
  readonly #plan: OutputPlan;
  readonly #passthrough: Passthrough;
  readonly #output: av.FormatContext;
  readonly #sink: PacketSink;
  #closed = false;

  private constructor(plan: OutputPlan, passthrough: Passthrough, output: av.FormatContext, sink: PacketSink) {
    this.#plan = plan;
    this.#passthrough = passthrough;
    this.#output = output;
    this.#sink = sink;
  }

  /** Writes the header. Throws `FORMAT_UNSUPPORTED` when the container refuses the codec, `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`. */
  static async open(plan: OutputPlan): Promise<OutputFile> {
    const { container, encoding } = plan;
    const parameters = await encoding.parameters();
    const muxable = { parameters, timeBase: encoding.timeBase, averageRate: encoding.averageRate };
    const refusal = await container.refusal([muxable]);
    if (refusal !== undefined) {
      const what = `${container.name} files do not take ${encoding.encoder} video`;
      throw new DeblurError('FORMAT_UNSUPPORTED', `${what} (${refusal.replace(/\.$/, '')}).`);
    }
    const passthrough = await Passthrough.open(plan.source, container, muxable);
    const output = new av.FormatContext();
    try {
      const original = passthrough.video;
      for (const { type, data } of original?.codecpar.getAllCodedSideData() ?? [])
        parameters.addCodedSideData(type, data);
      if (parameters.codecId === c.AV_CODEC_ID_HEVC && container.isMp4Family) parameters.codecTag = 'hvc1';
      output.allocOutputContext2(null, container.name, fileAddress(plan.file));
      output.metadata = passthrough.input.metadata;
      const video = passthrough.attach(output, plan.shown, () => {
        const stream = addStream(output, { ...muxable, like: original });
        stream.sampleAspectRatio = parameters.sampleAspectRatio;
        return stream;
      });
      const opened = await output.openOutput();
      if (opened < 0) throw writeFailure(plan.shown, opened);
      const header = await output.writeHeader();
      if (header < 0) throw writeFailure(plan.shown, header);
      return new OutputFile(plan, passthrough, output, new PacketSink(output, video, plan.shown));
    } catch (error) {
      await output.closeOutput();
      output.freeContext();
      await passthrough[Symbol.asyncDispose]();
      throw error;
    }
  }

  get notes(): readonly StreamNote[] {
    return this.#passthrough.notes;
  }

  /** Muxes one packet of the encoded video, and before it what the other streams have up to its time. */
  async write(packet: av.Packet): Promise<void> {
    const { timeBase } = this.#plan.encoding;
    await this.#passthrough.advance(rescale(packet.dts, timeBase, { num: 1, den: 1_000_000 }));
    await this.#sink.write(packet, timeBase);
  }

  /** Muxes the rest of the other streams and completes the file. */
  async finish(): Promise<void> {
    await this.#passthrough.advance(undefined);
    const trailer = await this.#output.writeTrailer();
    if (trailer < 0) throw writeFailure(this.#plan.shown, trailer);
    await this.#output.closeOutput();
    await addChapters(this.#plan.file, this.#plan.container, this.#passthrough.chapters);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#output.closeOutput();
    this.#output.freeContext();
    await this.#passthrough[Symbol.asyncDispose]();
  }
}
