import type { DamageCount } from '../damage.js';
import type { Engine, VideoStreamInfo } from '../video.js';
import type { av } from './binding.js';
import { FrameDecoder, type PictureSink } from './frame-decoder.js';

/** Decodes the pictures of one video, wherever that happens. */
export interface PictureSource {
  readonly engine: Engine;
  /** Decodes all of it into the sink, with times in the video's time base. Rejects with the reason when it cannot go on. */
  run(sink: PictureSink): Promise<void>;
  /** Ends a running `run` soon. */
  stop(): void;
  /** Frees everything; after `run` has ended. */
  close(): Promise<void>;
}

/** Containers that state their true length, so that a shorter one was cut off. */
const exactLength = /^(matroska|mov)/;

/** Decoding with FFmpeg's libraries in this process. */
export class LibrarySource implements PictureSource {
  readonly engine = 'node-av';
  readonly #input: av.FormatContext;
  readonly #decoder: FrameDecoder;
  readonly #video: VideoStreamInfo;
  readonly #damage: DamageCount;

  private constructor(input: av.FormatContext, decoder: FrameDecoder, video: VideoStreamInfo, damage: DamageCount) {
    this.#input = input;
    this.#decoder = decoder;
    this.#video = video;
    this.#damage = damage;
  }

  /** Opens the stream's decoder; the container then belongs to the source. */
  static async open(
    this: void,
    input: av.FormatContext,
    stream: av.Stream,
    video: VideoStreamInfo,
    damage: DamageCount,
  ): Promise<LibrarySource> {
    return new LibrarySource(input, await FrameDecoder.open(input, stream, damage), video, damage);
  }

  async run(sink: PictureSink): Promise<void> {
    await this.#decoder.run(sink);
    this.#checkLength();
  }

  stop(): void {
    this.#input.interrupt();
  }

  async close(): Promise<void> {
    this.#decoder[Symbol.dispose]();
    await this.#input.closeInput();
  }

  /** Compares what was read with what the container promised. */
  #checkLength(): void {
    if (!exactLength.test(this.#input.iformat?.name ?? '')) return;
    const { frameCount, averageRate } = this.#video;
    if (frameCount !== undefined) {
      if (this.#decoder.packets < frameCount) this.#damage.cutOff();
      return;
    }
    const frameSeconds = averageRate.num > 0 ? averageRate.den / averageRate.num : 0.05;
    const duration = this.#input.duration > 0n ? Number(this.#input.duration) / 1e6 : undefined;
    const promised = videoSeconds(this.#video) ?? duration;
    if (promised !== undefined && this.#decoder.endSeconds < promised - 2 * frameSeconds) this.#damage.cutOff();
  }
}

/** Matroska's own statement of a track's length, which mkvmerge and FFmpeg write as a tag. */
function videoSeconds(video: VideoStreamInfo): number | undefined {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(video.metadata['DURATION'] ?? '');
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : undefined;
}
