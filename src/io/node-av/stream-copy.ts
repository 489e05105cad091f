import type { StreamNote } from '../video.js';
import { av, constants as c } from './binding.js';
import { addStream, type Container, type MuxableStream } from './container.js';
import type { Rational } from '../frame.js';
import { writeFailure } from './failure.js';
import { streamInfo } from './media-info.js';
import { rescale } from './rational.js';

/** What becomes of one stream of the source in the output. */
export interface StreamPath {
  readonly source: av.Stream;
  /** Adds the stream with its metadata and disposition to the output. */
  attach(output: av.FormatContext, shown: string): void;
  /** Takes one packet of the source, whose data may be consumed. */
  write(packet: av.Packet): Promise<void>;
  /** Writes what is held back, at the end. */
  flush(): Promise<void>;
  free(): void;
}

/** Muxes packets into one stream of an output, in decoding order. */
export class PacketSink {
  readonly #output: av.FormatContext;
  readonly #stream: av.Stream;
  #lastDts: bigint | undefined;

  readonly #shown: string;

  /** `shown` names the file in errors. */
  constructor(output: av.FormatContext, stream: av.Stream, shown: string) {
    this.#output = output;
    this.#stream = stream;
    this.#shown = shown;
  }

  /** Muxes one packet with times in the given time base; takes over its data. */
  async write(packet: av.Packet, timeBase: Rational): Promise<void> {
    packet.streamIndex = this.#stream.index;
    packet.pos = -1n;
    packet.rescaleTs(timeBase, this.#stream.timeBase);
    this.#keepOrder(packet);
    const code = await this.#output.interleavedWriteFrame(packet);
    if (code < 0) throw writeFailure(this.#shown, code);
  }

  /** Muxers refuse a decoding time that does not grow; a source that has one is repaired by the least step. */
  #keepOrder(packet: av.Packet): void {
    if (packet.dts === c.AV_NOPTS_VALUE) return;
    if (this.#lastDts !== undefined && packet.dts <= this.#lastDts) {
      packet.dts = this.#lastDts + 1n;
      if (packet.pts !== c.AV_NOPTS_VALUE && packet.pts < packet.dts) packet.pts = packet.dts;
    }
    this.#lastDts = packet.dts;
  }
}

/** A stream of the source that goes to the output packet by packet. */
export class StreamCopy implements StreamPath {
  readonly source: av.Stream;
  readonly muxable: MuxableStream;
  #sink: PacketSink | undefined;

  private constructor(source: av.Stream, muxable: MuxableStream) {
    this.source = source;
    this.muxable = muxable;
  }

  /** Plans a copy, or says why the container refuses it. Beside `video`, because muxers judge streams in company. */
  static async plan(source: av.Stream, container: Container, video: MuxableStream): Promise<StreamCopy | string> {
    let refusal: string | undefined;
    // The source's codec tag is right in a container of the same family and often wrong in another.
    for (const keepTag of [true, false]) {
      const parameters = new av.CodecParameters();
      parameters.alloc();
      source.codecpar.copy(parameters);
      if (!keepTag) parameters.codecTag = 0;
      const muxable = { parameters, timeBase: source.timeBase, averageRate: source.avgFrameRate, like: source };
      refusal = await container.refusal([video, muxable]);
      if (refusal === undefined) return new StreamCopy(source, muxable);
      parameters.free();
    }
    return refusal ?? 'refused';
  }

  attach(output: av.FormatContext, shown: string): void {
    const stream = addStream(output, this.muxable);
    this.#sink = new PacketSink(output, stream, shown);
  }

  async write(packet: av.Packet): Promise<void> {
    await this.#sink?.write(packet, this.source.timeBase);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  free(): void {
    this.muxable.parameters.free();
  }
}

/** A note that a stream stays behind. */
export function leftNote(stream: av.Stream, container: Container, refusal: string): StreamNote {
  const { index, type, codec } = streamInfo(stream);
  return {
    index,
    type,
    codec,
    action: 'left',
    reason: `Stream ${index} (${type}, ${codec}) was left out: ${container.name} does not take it (${refusal.replace(/\.$/, '')}).`,
  };
}

/** A note that a stream goes on in another codec. */
export function convertedNote(stream: av.Stream, container: Container, to: string): StreamNote {
  const { index, type, codec } = streamInfo(stream);
  return {
    index,
    type,
    codec,
    action: 'converted',
    reason: `Stream ${index} (${type}, ${codec}) was converted to ${to}: ${container.name} does not take ${codec}.`,
  };
}

/** A packet's decoding time in microseconds, or undefined. */
export function packetMicros(packet: av.Packet, timeBase: av.Rational): bigint | undefined {
  const time = packet.dts === c.AV_NOPTS_VALUE ? packet.pts : packet.dts;
  return time === c.AV_NOPTS_VALUE ? undefined : rescale(time, timeBase, { num: 1, den: 1_000_000 });
}
