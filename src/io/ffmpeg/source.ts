import { DeblurError } from '../../errors.js';
import type { DamageCount } from '../damage.js';
import type { VideoStreamInfo } from '../video.js';
import { av, constants as c } from '../node-av/binding.js';
import { writeColor } from '../node-av/color.js';
import { FrameDecoder, type PictureSink } from '../node-av/frame-decoder.js';
import { fileAddress } from '../node-av/input.js';
import type { PictureSource } from '../node-av/picture-source.js';
import { rescale, toNative } from '../node-av/rational.js';
import { passthroughOption, type Binary } from './binary.js';
import { Child } from './child.js';
import { NutInput } from './nut.js';

/** Decoding with the user's ffmpeg: it writes raw pictures as NUT to a pipe, which are taken out here. */
export class FfmpegSource implements PictureSource {
  readonly engine = 'ffmpeg';
  readonly #binary: Binary;
  readonly #path: string;
  readonly #video: VideoStreamInfo;
  readonly #end: bigint | undefined;
  readonly #damage: DamageCount;
  #child: Child | undefined;
  #stopped = false;
  #broken: unknown;

  /** Takes what it has to know of the opened container and closes it: the child opens the file itself. */
  static async open(
    binary: Binary,
    path: string,
    input: av.FormatContext,
    stream: av.Stream,
    video: VideoStreamInfo,
    damage: DamageCount,
  ): Promise<FfmpegSource> {
    const source = new FfmpegSource(binary, path, stream, video, damage);
    await input.closeInput();
    return source;
  }

  private constructor(binary: Binary, path: string, stream: av.Stream, video: VideoStreamInfo, damage: DamageCount) {
    this.#binary = binary;
    this.#path = path;
    this.#video = video;
    this.#damage = damage;
    const known = stream.duration !== c.AV_NOPTS_VALUE && stream.startTime !== c.AV_NOPTS_VALUE;
    this.#end = known ? stream.startTime + stream.duration : undefined;
  }

  async run(sink: PictureSink): Promise<void> {
    if (this.#stopped) return;
    const { timeBase, index } = this.#video;
    const child = new Child({
      binary: this.#binary,
      input: fileAddress(this.#path),
      inputOptions: ['-nostdin', '-noautorotate', '-copyts', '-protocol_whitelist', 'file,pipe'],
      outputOptions: [
        ...[
          '-map',
          `0:${index}`,
          ...passthroughOption(this.#binary),
          '-enc_time_base',
          `${timeBase.num}/${timeBase.den}`,
        ],
        ...['-c:v', 'rawvideo', '-avoid_negative_ts', 'disabled', '-f', 'nut'],
      ],
      onLine: (line) => this.#note(line),
    });
    this.#child = child;
    try {
      const nut = await NutInput.open(child.output);
      if (nut) {
        try {
          await this.#pass(nut, sink);
        } finally {
          await nut.close();
        }
      }
      if (this.#stopped) return;
      await child.gone;
      if (this.#broken !== undefined) throw this.#broken as Error;
      // With a damaged input ffmpeg may end badly after its last picture: what came is delivered and counted.
      if (child.failure && !nut) throw this.#unreadable(child.failure);
    } finally {
      await child.kill();
    }
  }

  stop(): void {
    this.#stopped = true;
    void this.#child?.kill();
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#child?.kill();
  }

  /** Hands on the pictures with their times in the video's time base, each when the next one says how long it lasts. */
  async #pass(nut: NutInput, sink: PictureSink): Promise<void> {
    const stream = nut.context.streams[0]!;
    const { timeBase } = this.#video;
    let waiting: av.Frame | undefined;
    let step = 0n;
    const decoder = await FrameDecoder.open(nut.context, stream, this.#damage);
    try {
      await decoder.run(async (picture) => {
        if (this.#broken !== undefined) {
          picture.free();
          return false;
        }
        this.#describe(picture, rescale(picture.bestEffortTimestamp, stream.timeBase, timeBase));
        const before = waiting;
        waiting = picture;
        if (!before) return true;
        step = picture.bestEffortTimestamp - before.bestEffortTimestamp;
        if (step > 0n) before.duration = step;
        return sink(before);
      });
      if (!waiting || this.#stopped) return;
      const last = waiting;
      waiting = undefined;
      const left = this.#end === undefined ? step : this.#end - last.bestEffortTimestamp;
      last.duration = left > 0n ? left : step;
      await sink(last);
    } finally {
      waiting?.free();
      decoder[Symbol.dispose]();
    }
  }

  /** Gives a raw picture what NUT does not carry. */
  #describe(picture: av.Frame, pts: bigint): void {
    picture.pts = pts;
    picture.bestEffortTimestamp = pts;
    picture.duration = 0n;
    writeColor(picture, this.#video.color);
    picture.sampleAspectRatio = toNative(this.#video.sampleAspectRatio);
  }

  /** Counts the damage that ffmpeg reports, line by line. */
  #note(line: string): void {
    try {
      if (line.includes('corrupt decoded frame')) this.#damage.concealFrame();
      else if (/Error (while decoding|submitting packet)/.test(line)) this.#damage.losePacket();
      else if (/File ended prematurely|partial file/.test(line)) this.#damage.cutOff();
    } catch (error) {
      this.#broken ??= error;
    }
  }

  #unreadable(failure: DeblurError): DeblurError {
    return new DeblurError('INPUT_UNREADABLE', `${this.#path} cannot be decoded. ${failure.message}`, {
      cause: failure,
    });
  }
}
