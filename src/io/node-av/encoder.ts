import { DeblurError } from '../../errors.js';
import {
  encoderSettings,
  ignoredOption,
  ignoredOptionError,
  refusedOption,
  unknownEncoder,
  unknownOption,
} from '../encoder-settings.js';
import type { ColorTags, Rational } from '../frame.js';
import type { VideoReader, VideoStreamInfo, WriterOptions } from '../video.js';
import { av, constants as c } from './binding.js';
import { writeColor } from './color.js';
import type { Container } from './container.js';
import { errorText } from './failure.js';
import { LogRecording } from './log.js';
import { formatName, plainFormat } from './native-frame.js';
import { findPixelFormat, type NamedFormat } from './pixel-formats.js';
import { toNative } from './rational.js';
import { colorAfter } from './scaler.js';

/** The pictures an encoder will be given. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly color: ColorTags;
  readonly sampleAspectRatio: Rational;
  readonly timeBase: Rational;
  readonly averageRate: Rational;
}

/** The options of {@link WriterOptions} that concern the encoder. */
export type EncoderOptions = Pick<WriterOptions, 'codec' | 'crf' | 'preset' | 'format' | 'encoderOptions' | 'threads'>;

/** An opened encoder. */
export interface OpenEncoder {
  readonly context: av.CodecContext;
  readonly codec: av.Codec;
  readonly format: NamedFormat;
}

/** Names of the video encoders of this FFmpeg. */
function videoEncoderNames(): string[] {
  return av.Codec.getCodecList()
    .filter((codec) => codec.isEncoder() && codec.type === c.AVMEDIA_TYPE_VIDEO)
    .map((codec) => codec.name ?? '');
}

/** The video encoder of that name (or for the codec of that name), or the container's usual one. Throws `CODEC_UNAVAILABLE` with near names. */
export function findVideoEncoder(name: string | undefined, container: Container): av.Codec {
  if (name === undefined) {
    const usual = av.Codec.findEncoder(container.defaults.video);
    if (usual) return usual;
    throw new DeblurError(
      'CODEC_UNAVAILABLE',
      `The container ${container.name} has no usual video codec here; name one.`,
    );
  }
  const list = av.Codec.getCodecList().filter((codec) => codec.isEncoder() && codec.type === c.AVMEDIA_TYPE_VIDEO);
  const found = list.find((codec) => codec.name === name) ?? list.find((codec) => av.avGetCodecName(codec.id) === name);
  if (found) return found;
  throw unknownEncoder(name, videoEncoderNames());
}

/**
 * Opens an encoder for the pictures. Throws `CODEC_UNAVAILABLE` for an unknown codec, `USAGE` that names an
 * unknown option or a value it refuses, `FORMAT_UNSUPPORTED` when it cannot encode such pictures.
 */
export async function openEncoder(
  codec: av.Codec,
  picture: Picture,
  container: Container,
  options: EncoderOptions,
): Promise<OpenEncoder> {
  const format = chooseFormat(codec.name ?? 'unknown', codec.pixelFormats ?? undefined, picture.format, options.format);
  const name = codec.name ?? 'unknown';
  const context = new av.CodecContext();
  try {
    context.allocContext3(codec);
    context.width = picture.width;
    context.height = picture.height;
    context.pixelFormat = format.number;
    context.timeBase = toNative(encodingTimeBase(name, picture, container));
    if (picture.averageRate.num > 0) context.framerate = toNative(picture.averageRate);
    context.sampleAspectRatio = toNative(picture.sampleAspectRatio);
    writeColor(context, encodedColor(format, picture));
    context.threadCount = options.threads ?? 0;
    if (container.globalHeader) context.setFlags(c.AV_CODEC_FLAG_GLOBAL_HEADER);
    if (codec.hasCapabilities(c.AV_CODEC_CAP_ENCODER_REORDERED_OPAQUE))
      context.setFlags(c.AV_CODEC_FLAG_FRAME_DURATION);
    // FFmpeg calls limited range in Motion JPEG unofficial; the source's samples go before a purer stream.
    if (codec.id === c.AV_CODEC_ID_MJPEG) context.setOption('strict', 'unofficial', c.AV_OPT_TYPE_STRING);
    if (codec.isExperimental()) context.setOption('strict', 'experimental', c.AV_OPT_TYPE_STRING);
    const settings = encoderSettings(name, options, (key) => hasOption(context, key));
    for (const [key, value] of settings.options) setOption(context, codec, key, value);
    if (settings.quantiser !== undefined) {
      context.setFlags(c.AV_CODEC_FLAG_QSCALE);
      context.globalQuality = Math.round(settings.quantiser * c.FF_QP2LAMBDA);
    }
    using log = new LogRecording();
    const code = await context.open2(codec);
    await log.settle();
    const ignored = log.pieces.find((piece) => ignoredOption(piece.text));
    if (ignored) throw ignoredOptionError(name, ignored.text);
    if (code < 0) throw refused(name, picture, format, code, log);
    return { context, codec, format };
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

/** MPEG-4 part 2 writes its clock rate in 16 bits. */
const mpeg4Clock = 65_535;

/**
 * The time base to encode in: the source's, so that its timestamps stay exact, but for containers and codecs that
 * have only a frame rate, or a coarser clock.
 */
export function encodingTimeBase(encoder: string, picture: Picture, container: Container): Rational {
  const { timeBase, averageRate } = picture;
  const codec = av.Codec.getCodecList().find((each) => each.name === encoder && each.isEncoder());
  const rates = codec?.supportedFramerates ?? [];
  if (averageRate.num > 0 && (rates.length > 0 || container.fixedRate)) {
    const distance = (rate: Rational): number => Math.abs(rate.num / rate.den - averageRate.num / averageRate.den);
    const rate = rates.length > 0 ? rates.reduce((a, b) => (distance(b) < distance(a) ? b : a)) : averageRate;
    return { num: rate.den, den: rate.num };
  }
  if (codec?.id === c.AV_CODEC_ID_MPEG4 && timeBase.den > mpeg4Clock) return { num: 1, den: 60_000 };
  return timeBase;
}

/** The tags of the encoded video. */
export function encodedColor(format: NamedFormat, { color, format: from, height }: Picture): ColorTags {
  return colorAfter(color, av.avGetPixFmtFromName(from), format.number, height);
}

/** The picture as the source's file has it, whatever format its reader delivers. */
export function sourcePicture(source: Pick<VideoReader, 'info' | 'video'>): Picture {
  const { width, height } = source.video;
  const original = source.info.streams.find(({ index }) => index === source.video.index);
  return { ...((original as VideoStreamInfo | undefined) ?? source.video), width, height };
}

/** The format asked for, or else the source's own or the nearest of those the encoder takes (any where undefined). Throws `FORMAT_UNSUPPORTED`. */
export function chooseFormat(
  encoder: string,
  accepted: readonly c.AVPixelFormat[] | undefined,
  source: string,
  wanted: string | undefined,
): NamedFormat {
  const plain = [...new Set(accepted?.filter((each) => !av.avIsHardwarePixelFormat(each)).map(plainFormat))];
  if (wanted !== undefined) {
    const format = findPixelFormat(wanted);
    if (plain.length > 0 && !plain.includes(format.number)) {
      throw new DeblurError('FORMAT_UNSUPPORTED', `The encoder ${encoder} does not take ${wanted} pictures.`, {
        hint: `It takes ${plain.map(formatName).join(', ')}.`,
      });
    }
    return format;
  }
  const number = av.avGetPixFmtFromName(source);
  if (plain.length === 0 || plain.includes(number)) return { number, name: source };
  const best = av.avcodecFindBestPixFmtOfList(plain, number);
  return { number: best, name: formatName(best) };
}

/** Sets one option by FFmpeg's name on the encoder or its private part. */
function setOption(context: av.CodecContext, codec: av.Codec, key: string, value: string): void {
  const code = context.setOption(key, value, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN);
  if (code >= 0) return;
  const name = codec.name ?? 'unknown';
  if (code !== c.AVERROR_OPTION_NOT_FOUND) throw refusedOption(name, key, value, errorText(code));
  const own = codec.getOptions().map((option) => option.name);
  throw unknownOption(name, key, [...own, ...context.listOptions().map((option) => option.name ?? '')]);
}

function hasOption(context: av.CodecContext, name: string): boolean {
  return av.Option.find(context.getNative(), name, c.AV_OPT_SEARCH_CHILDREN) !== null;
}

function refused(name: string, picture: Picture, format: NamedFormat, code: number, log: LogRecording): DeblurError {
  const reason = log.errors.at(-1)?.replace(/\.$/, '') ?? errorText(code);
  const what = `${picture.width}x${picture.height} ${format.name}`;
  return new DeblurError('FORMAT_UNSUPPORTED', `The encoder ${name} refuses ${what} with these options: ${reason}.`, {
    cause: new av.FFmpegError(code),
  });
}
