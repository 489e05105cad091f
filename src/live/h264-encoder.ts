import { DeblurError } from '../errors.js';
import type { ColorTags } from '../io/frame.js';
import { av, constants as c } from '../io/node-av/binding.js';
import { writeColor } from '../io/node-av/color.js';
import { check } from '../io/node-av/failure.js';
import type { PictureSize } from './state.js';

/** Options of {@link openH264}. */
export interface H264Options extends PictureSize {
  readonly color: ColorTags;
  /** Ticks per second of times. */
  readonly clock: number;
  /** Frames per second, as far as known; only a hint to the encoder. */
  readonly rate: number;
  /** Seconds between keyframes at most. */
  readonly keyframeInterval: number;
  /** Options of x264. */
  readonly x264: Readonly<Record<string, string>>;
}

/** Opens x264 for 8-bit 4:2:0 pictures, which it gives back one by one, in order. Throws `CODEC_UNAVAILABLE`, `FORMAT_UNSUPPORTED`. */
export async function openH264(options: H264Options): Promise<av.CodecContext> {
  const codec = av.Codec.findEncoderByName('libx264' as Parameters<typeof av.Codec.findEncoderByName>[0]);
  if (!codec) throw new DeblurError('CODEC_UNAVAILABLE', 'This FFmpeg has no H.264 encoder (libx264).');
  const { width, height, color, clock, rate, keyframeInterval } = options;
  const context = new av.CodecContext();
  try {
    context.allocContext3(codec);
    context.width = width;
    context.height = height;
    context.pixelFormat = c.AV_PIX_FMT_YUV420P;
    context.timeBase = new av.Rational(1, clock);
    context.framerate = new av.Rational(Math.max(1, Math.round(rate)), 1);
    context.sampleAspectRatio = new av.Rational(1, 1);
    // Frames come at the rate they come; the count is only the bound for an even stream.
    context.gopSize = Math.max(1, Math.round(rate * keyframeInterval));
    context.maxBFrames = 0;
    writeColor(context, color);
    context.setFlags(c.AV_CODEC_FLAG_GLOBAL_HEADER);
    for (const [key, value] of Object.entries(options.x264)) {
      check(
        context.setOption(key, value, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN),
        'USAGE',
        `The H.264 encoder refuses ${key}=${value}`,
      );
    }
    check(await context.open2(codec), 'FORMAT_UNSUPPORTED', `The H.264 encoder refuses ${width}x${height} pictures`);
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

/**
 * RFC 6381 name of an H.264 stream, `avc1.PPCCLL`, from its header in Annex B format.
 * @throws DeblurError `ENGINE_FAILED` when it holds no sequence parameter set.
 */
export function h264Name(header: Uint8Array | null): string {
  const bytes = Buffer.from(header ?? []);
  for (let at = bytes.indexOf('000001', 0, 'hex'); at >= 0; at = bytes.indexOf('000001', at + 3, 'hex')) {
    const sequenceParameters = ((bytes[at + 3] ?? 0) & 0x1f) === 7;
    if (sequenceParameters && at + 7 <= bytes.length) return `avc1.${bytes.toString('hex', at + 4, at + 7)}`;
  }
  throw new DeblurError('ENGINE_FAILED', 'The H.264 encoder gave no header.');
}
