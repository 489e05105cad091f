import { writeFile } from 'node:fs/promises';
import { av, constants as c } from '../../src/io/node-av/binding.js';
import type { Rational } from '../../src/io/frame.js';

/** A picture's samples, plane by plane. */
export type Painter = (frame: number, plane: number, x: number, y: number) => number;

/** A video made by a test. */
export interface MediaSpec {
  readonly codec: string;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly timeBase: Rational;
  /** Presentation times, and the length of the last frame, in the time base. */
  readonly times: readonly number[];
  readonly lastDuration: number;
  readonly rate?: Rational;
  readonly options?: Readonly<Record<string, string>>;
  /** Sets tags on the encoder before it opens. */
  readonly prepare?: (encoder: av.CodecContext) => void;
  /** Adds metadata, disposition and side data to the video stream before the header. */
  readonly describe?: (stream: av.Stream, output: av.FormatContext) => void;
  /** Further streams. */
  readonly others?: readonly OtherStream[];
  readonly paint?: Painter;
}

/** A stream beside the video. */
export interface OtherStream {
  readonly setUp: (stream: av.Stream) => void;
  readonly timeBase: Rational;
  readonly packets: readonly { pts: number; duration: number; data: Buffer }[];
}

/** Packets of one stream as the demuxer gives them. */
export interface PacketRecord {
  readonly pts: bigint;
  readonly dts: bigint;
  readonly duration: bigint;
  readonly key: boolean;
  readonly data: Buffer;
}

/** A pattern that moves, with detail everywhere, the same on each run. */
export const movingPattern: Painter = (frame, plane, x, y) => {
  const wave = Math.sin((x + frame * 3) / 7 + plane) * Math.cos((y - frame * 2) / 5);
  const grain = ((x * 73 + y * 151 + frame * 199 + plane * 37) % 17) / 17;
  return 0.5 + 0.35 * wave + 0.1 * (grain - 0.5);
};

/** Encodes and muxes the video with FFmpeg's libraries, past the code under test. */
export async function makeMedia(path: string, spec: MediaSpec): Promise<void> {
  const codec = av.Codec.findEncoderByName(spec.codec as Parameters<typeof av.Codec.findEncoderByName>[0]);
  if (!codec) throw new Error(`no encoder ${spec.codec}`);
  const output = new av.FormatContext();
  must(output.allocOutputContext2(null, null, path));
  using encoder = new av.CodecContext();
  encoder.allocContext3(codec);
  encoder.width = spec.width;
  encoder.height = spec.height;
  encoder.pixelFormat = av.avGetPixFmtFromName(spec.format);
  encoder.timeBase = new av.Rational(spec.timeBase.num, spec.timeBase.den);
  if (spec.rate) encoder.framerate = new av.Rational(spec.rate.num, spec.rate.den);
  encoder.setFlags(c.AV_CODEC_FLAG_FRAME_DURATION);
  if (((output.oformat?.flags ?? 0) & c.AVFMT_GLOBALHEADER) !== 0) encoder.setFlags(c.AV_CODEC_FLAG_GLOBAL_HEADER);
  for (const [key, value] of Object.entries(spec.options ?? {})) {
    must(encoder.setOption(key, value, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN));
  }
  spec.prepare?.(encoder);
  must(await encoder.open2(codec));

  const video = output.newStream();
  video.codecpar.fromContext(encoder);
  video.timeBase = encoder.timeBase;
  spec.describe?.(video, output);
  const others = (spec.others ?? []).map((other) => {
    const stream = output.newStream();
    other.setUp(stream);
    stream.timeBase = new av.Rational(other.timeBase.num, other.timeBase.den);
    return { other, stream };
  });
  must(await output.openOutput());
  must(await output.writeHeader());
  for (const { other, stream } of others) {
    for (const { pts, duration, data } of other.packets) {
      using packet = new av.Packet();
      packet.alloc();
      packet.data = data;
      packet.pts = BigInt(pts);
      packet.dts = BigInt(pts);
      packet.duration = BigInt(duration);
      packet.isKeyframe = true;
      packet.streamIndex = stream.index;
      packet.rescaleTs(other.timeBase, stream.timeBase);
      must(await output.interleavedWriteFrame(packet));
    }
  }
  for (const [i, pts] of spec.times.entries()) {
    using picture = paint(spec, i);
    picture.pts = BigInt(pts);
    picture.duration = BigInt((spec.times[i + 1] ?? pts + spec.lastDuration) - pts);
    must(await encoder.sendFrame(picture));
    await drain(encoder, output, video);
  }
  await encoder.sendFrame(null);
  await drain(encoder, output, video);
  must(await output.writeTrailer());
  await output.closeOutput();
  output.freeContext();
}

async function drain(encoder: av.CodecContext, output: av.FormatContext, stream: av.Stream): Promise<void> {
  for (;;) {
    using packet = new av.Packet();
    packet.alloc();
    if ((await encoder.receivePacket(packet)) < 0) return;
    packet.streamIndex = stream.index;
    packet.rescaleTs(encoder.timeBase, stream.timeBase);
    must(await output.interleavedWriteFrame(packet));
  }
}

function paint(spec: MediaSpec, frame: number): av.Frame {
  const picture = new av.Frame();
  picture.alloc();
  picture.format = av.avGetPixFmtFromName(spec.format);
  picture.width = spec.width;
  picture.height = spec.height;
  must(picture.getBuffer());
  const depth = Number(/p(\d+)le$|gray(\d+)le$/.exec(spec.format)?.slice(1).find(Boolean) ?? 8);
  const bytes = depth > 8 ? 2 : 1;
  const painter = spec.paint ?? movingPattern;
  for (const [p, data] of (picture.data ?? []).entries()) {
    const stride = picture.linesize[p]!;
    for (let y = 0; y * stride < data.length; y += 1) {
      for (let x = 0; x < stride / bytes; x += 1) {
        const value = Math.round(Math.min(1, Math.max(0, painter(frame, p, x, y))) * (2 ** depth - 1));
        if (bytes === 2) data.writeUInt16LE(value, y * stride + x * 2);
        else data[y * stride + x] = value;
      }
    }
  }
  return picture;
}

/** All packets of each stream, by index, past the code under test. */
export async function readPackets(path: string): Promise<Map<number, PacketRecord[]>> {
  return inspect(path, async (input) => {
    const found = new Map<number, PacketRecord[]>();
    using packet = new av.Packet();
    packet.alloc();
    while ((await input.readFrame(packet)) >= 0) {
      const { pts, dts, duration, isKeyframe: key } = packet;
      const list = found.get(packet.streamIndex) ?? [];
      list.push({ pts, dts, duration, key, data: Buffer.from(packet.data ?? []) });
      found.set(packet.streamIndex, list);
      packet.unref();
    }
    return found;
  });
}

/** Opens a file with the demuxer itself, past the code under test. */
export async function inspect<T>(path: string, look: (input: av.FormatContext) => T | Promise<T>): Promise<T> {
  const input = new av.FormatContext();
  must(await input.openInput(path));
  must(await input.findStreamInfo());
  try {
    return await look(input);
  } finally {
    await input.closeInput();
  }
}

/** A tone as PCM of 16 bits, or of 8, in packets of a tenth of a second. */
export function pcmTone(seconds: number, bits: 8 | 16 = 16): OtherStream {
  const rate = 48_000;
  const bytes = bits / 8;
  const block = rate / 10;
  return {
    timeBase: { num: 1, den: rate },
    setUp: (stream) => {
      const { codecpar } = stream;
      codecpar.codecType = c.AVMEDIA_TYPE_AUDIO;
      codecpar.codecId = bits === 8 ? c.AV_CODEC_ID_PCM_U8 : c.AV_CODEC_ID_PCM_S16LE;
      codecpar.format = bits === 8 ? c.AV_SAMPLE_FMT_U8 : c.AV_SAMPLE_FMT_S16;
      codecpar.sampleRate = rate;
      codecpar.channelLayout = av.avChannelLayoutDefault(1);
      codecpar.bitsPerCodedSample = bits;
      stream.metadata = av.Dictionary.fromObject({ language: 'deu', title: 'Tone' });
    },
    packets: Array.from({ length: Math.round(seconds * 10) }, (_, i) => {
      const data = Buffer.alloc(block * bytes);
      for (let n = 0; n < block; n += 1) {
        const value = Math.sin(((i * block + n) * 2 * Math.PI * 440) / rate) / 4;
        if (bits === 8) data[n] = 128 + Math.round(127 * value);
        else data.writeInt16LE(Math.round(32767 * value), n * 2);
      }
      return { pts: i * block, duration: block, data };
    }),
  };
}

/** SubRip subtitles with times in milliseconds. */
export function subripCues(cues: readonly { start: number; end: number; text: string }[]): OtherStream {
  return {
    timeBase: { num: 1, den: 1000 },
    setUp: (stream) => {
      stream.codecpar.codecType = c.AVMEDIA_TYPE_SUBTITLE;
      stream.codecpar.codecId = c.AV_CODEC_ID_SUBRIP;
      stream.disposition = c.AV_DISPOSITION_FORCED;
      stream.metadata = av.Dictionary.fromObject({ language: 'fra' });
    },
    packets: cues.map(({ start, end, text }) => ({ pts: start, duration: end - start, data: Buffer.from(text) })),
  };
}

/** An attached font, which need not be one. */
export function attachment(name: string, bytes: Buffer): OtherStream {
  return {
    timeBase: { num: 1, den: 1000 },
    setUp: (stream) => {
      stream.codecpar.codecType = c.AVMEDIA_TYPE_ATTACHMENT;
      stream.codecpar.codecId = c.AV_CODEC_ID_TTF;
      stream.codecpar.extradata = bytes;
      stream.metadata = av.Dictionary.fromObject({ filename: name, mimetype: 'application/x-truetype-font' });
    },
    packets: [],
  };
}

/** Copies a file with some of its bytes changed. */
export async function damaged(bytes: Buffer, path: string, change: (bytes: Buffer) => Buffer): Promise<string> {
  await writeFile(path, change(Buffer.from(bytes)));
  return path;
}

function must(code: number): void {
  if (code < 0) throw new Error(av.FFmpegError.strerror(code));
}
