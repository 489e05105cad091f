import type { ColorTags, Frame, Plane } from '../io/frame.js';
import { av, constants as c } from '../io/node-av/binding.js';
import { check } from '../io/node-av/failure.js';
import { allocatePicture, copyRows } from '../io/node-av/native-frame.js';
import { FragmentMuxer, fragmentClock } from './fragment-muxer.js';
import { h264Name, openH264 } from './h264-encoder.js';
import type { PictureSize } from './state.js';

/** Options of {@link StackedEncoder.open}. */
export interface StackedEncoderOptions extends PictureSize {
  readonly color: ColorTags;
  /** Frames per second, as far as known. */
  readonly rate: number;
  /** x264's constant rate factor. */
  readonly crf: number;
  /** Seconds between keyframes at most. */
  readonly keyframeInterval: number;
}

/** One encoded picture. */
export interface EncodedFragment {
  readonly data: Buffer;
  readonly keyframe: boolean;
}

/** A fragment lasts this much longer than the usual frame, so that a little jitter leaves no gap. */
const slack = 1.25;
/** A player takes a step of more than two fragments' length for a break, and goes on at a keyframe only. */
const breakAfter = 1.9;
/** Seconds that a fragment is said to last, at most. */
const longest = 1;

/** Encodes pairs of pictures, one above the other, as H.264 in fragmented MP4. */
export class StackedEncoder implements AsyncDisposable {
  /** RFC 6381 name of the stream. */
  readonly codec: string;
  readonly #encoder: av.CodecContext;
  readonly #muxer: FragmentMuxer;
  readonly #keyframeInterval: number;
  /** Running mean of the time between frames, in seconds. */
  #interval: number;
  #last = -Infinity;
  #lastDuration = 0;
  #lastKey = -Infinity;

  private constructor(encoder: av.CodecContext, muxer: FragmentMuxer, options: StackedEncoderOptions) {
    this.#encoder = encoder;
    this.#muxer = muxer;
    this.#keyframeInterval = options.keyframeInterval;
    this.#interval = 1 / options.rate;
    this.codec = h264Name(encoder.extraData);
  }

  /** @param options Width and height of one picture. Throws `CODEC_UNAVAILABLE`, `FORMAT_UNSUPPORTED`. */
  static async open(options: StackedEncoderOptions): Promise<StackedEncoder> {
    const encoder = await openH264({
      ...options,
      height: 2 * options.height,
      clock: fragmentClock,
      x264: { preset: 'ultrafast', tune: 'zerolatency', crf: String(options.crf), 'forced-idr': '1' },
    });
    try {
      return new StackedEncoder(encoder, await FragmentMuxer.open(encoder), options);
    } catch (error) {
      encoder.freeContext();
      throw error;
    }
  }

  /** The stream's header. */
  get header(): Uint8Array {
    return this.#muxer.header;
  }

  /**
   * Encodes a stacked picture, which stays the caller's.
   * @param seconds Presentation time, above that of the picture before.
   * @param key Begin a group of pictures with it.
   */
  async encode(stacked: av.Frame, seconds: number, key: boolean): Promise<EncodedFragment> {
    const step = seconds - this.#last;
    const early = 1.5 * this.#interval;
    const due = seconds - this.#lastKey + early > this.#keyframeInterval;
    const first = this.#last === -Infinity;
    if (!first) this.#interval += 0.1 * (Math.min(step, longest) - this.#interval);
    const begin = key || first || due || step > breakAfter * this.#lastDuration;
    this.#lastDuration = Math.min(longest, slack * this.#interval);
    this.#last = seconds;
    if (begin) this.#lastKey = seconds;
    stacked.pts = BigInt(Math.round(seconds * fragmentClock));
    stacked.pictType = begin ? c.AV_PICTURE_TYPE_I : c.AV_PICTURE_TYPE_NONE;
    check(await this.#encoder.sendFrame(stacked), 'ENGINE_FAILED', 'The H.264 encoder failed');
    using packet = new av.Packet();
    packet.alloc();
    check(await this.#encoder.receivePacket(packet), 'ENGINE_FAILED', 'The H.264 encoder gave no picture');
    packet.duration = BigInt(Math.round(this.#lastDuration * fragmentClock));
    const keyframe = packet.isKeyframe;
    return { data: await this.#muxer.fragment(packet), keyframe };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#muxer[Symbol.asyncDispose]();
    this.#encoder.freeContext();
  }
}

/**
 * The original above the result, as one 4:2:0 picture of twice the height, which the caller frees.
 * @param original 8-bit 4:2:0, of even width and height.
 * @param result The result's planes, of the same size; undefined for a copy of the original.
 */
export function stack(original: Frame, result: readonly Plane[] | undefined): av.Frame {
  const { width, height } = original.properties;
  const stacked = allocatePicture(c.AV_PIX_FMT_YUV420P, width, 2 * height);
  try {
    const data = stacked.data ?? [];
    const strides = stacked.linesize;
    for (const [i, top] of original.planes().entries()) {
      const [rows, stride] = [data[i], strides[i]];
      if (!rows || stride === undefined) throw new RangeError(`a 4:2:0 picture has no plane ${i}`);
      copyRows(top, rows, stride, top.width);
      const bottom = result?.[i] ?? top;
      copyRows(bottom, rows.subarray(top.height * stride), stride, bottom.width);
    }
    return stacked;
  } catch (error) {
    stacked.free();
    throw error;
  }
}

/** The upper (0) or lower (1) half of a stacked picture, as planes that are valid as long as it is. */
export function half(stacked: av.Frame, which: 0 | 1): Plane[] {
  const strides = stacked.linesize;
  return (stacked.data ?? []).slice(0, 3).map((rows, i): Plane => {
    const stride = strides[i] ?? 0;
    const [width, height] = i === 0 ? [stacked.width, stacked.height / 2] : [stacked.width / 2, stacked.height / 4];
    const data = rows.subarray(which * height * stride, (which + 1) * height * stride);
    return { data, stride, width, height };
  });
}
