import { DeblurError } from '../../errors.js';
import type { ColorTags, Rational } from '../frame.js';
import { didYouMean } from '../nearest-name.js';
import type { WriterOptions } from '../video.js';
import { av, constants as c } from './binding.js';
import { writeColor } from './color.js';
import type { Container } from './container.js';
import { errorText } from './failure.js';
import { LogRecording } from './log.js';
import { formatName, plainFormat } from './native-frame.js';
import { findPixelFormat, type NamedFormat } from './pixel-formats.js';
import { toNative } from './rational.js';

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

const x26x = new Set(['libx264', 'libx264rgb', 'libx265']);
const x26xPresets = [
  'ultrafast',
  'superfast',
  'veryfast',
  'faster',
  'fast',
  'medium',
  'slow',
  'slower',
  'veryslow',
  'placebo',
];

/** Names of the video encoders of this FFmpeg. */
export function videoEncoderNames(): string[] {
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
  const hint = didYouMean(name, videoEncoderNames());
  throw new DeblurError(
    'CODEC_UNAVAILABLE',
    `There is no video encoder named ${name}.`,
    hint === undefined ? {} : { hint },
  );
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
  const format = chooseFormat(codec, picture.format, options.format);
  const name = codec.name ?? 'unknown';
  const context = new av.CodecContext();
  try {
    context.allocContext3(codec);
    context.width = picture.width;
    context.height = picture.height;
    context.pixelFormat = format.number;
    context.timeBase = toNative(picture.timeBase);
    if (picture.averageRate.num > 0) context.framerate = toNative(picture.averageRate);
    context.sampleAspectRatio = toNative(picture.sampleAspectRatio);
    writeColor(context, picture.color);
    context.threadCount = options.threads ?? 0;
    if (container.globalHeader) context.setFlags(c.AV_CODEC_FLAG_GLOBAL_HEADER);
    if (codec.hasCapabilities(c.AV_CODEC_CAP_ENCODER_REORDERED_OPAQUE))
      context.setFlags(c.AV_CODEC_FLAG_FRAME_DURATION);
    if (codec.isExperimental()) context.setOption('strict', 'experimental', c.AV_OPT_TYPE_STRING);
    setQuality(context, name, options.crf);
    setPreset(context, name, options.preset);
    for (const [key, value] of Object.entries(options.encoderOptions ?? {})) setOption(context, name, key, value);
    using log = new LogRecording();
    const code = await context.open2(codec);
    await log.settle();
    const ignored = log.pieces.find((piece) =>
      /^(Error parsing option|Unknown option|Invalid value for)/.test(piece.text),
    );
    if (code >= 0 && ignored)
      throw new DeblurError('USAGE', `The encoder ${name} refuses an option: ${ignored.text.trim()}`);
    if (code < 0) throw refused(name, picture, format, code, log);
    return { context, codec, format };
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

function chooseFormat(codec: av.Codec, source: string, wanted: string | undefined): NamedFormat {
  const accepted = codec.pixelFormats;
  if (wanted !== undefined) {
    const format = findPixelFormat(wanted);
    if (accepted && !accepted.some((each) => plainFormat(each) === format.number)) {
      const names = [
        ...new Set(
          accepted.filter((each) => !av.avIsHardwarePixelFormat(each)).map((each) => formatName(plainFormat(each))),
        ),
      ];
      throw new DeblurError('FORMAT_UNSUPPORTED', `The encoder ${codec.name} does not take ${wanted} pictures.`, {
        hint: `It takes ${names.join(', ')}.`,
      });
    }
    return format;
  }
  const number = av.avGetPixFmtFromName(source);
  if (!accepted || accepted.length === 0) return { number, name: source };
  const plain = [...new Set(accepted.map(plainFormat))];
  const best = plain.includes(number) ? number : av.avcodecFindBestPixFmtOfList(plain, number);
  return { number: best, name: formatName(best) };
}

/** Sets one option by FFmpeg's name on the encoder or its private part. */
function setOption(context: av.CodecContext, encoder: string, key: string, value: string): void {
  if (x26x.has(encoder) && key === 'preset') return setPreset(context, encoder, value);
  const code = context.setOption(key, value, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN);
  if (code >= 0) return;
  if (code === c.AVERROR_OPTION_NOT_FOUND) {
    const known = context.listOptions().map((option) => option.name ?? '');
    const hint = didYouMean(key, known);
    throw new DeblurError(
      'USAGE',
      `The encoder ${encoder} has no option named ${key}.`,
      hint === undefined ? {} : { hint },
    );
  }
  throw new DeblurError(
    'USAGE',
    `The encoder ${encoder} refuses "${value}" for its option ${key}: ${errorText(code)}.`,
  );
}

function setQuality(context: av.CodecContext, encoder: string, crf: number | undefined): void {
  if (crf === undefined) {
    if (x26x.has(encoder)) setOption(context, encoder, 'crf', '18');
    return;
  }
  if (hasOption(context, 'crf')) return setOption(context, encoder, 'crf', String(crf));
  if (hasOption(context, 'cq')) return setOption(context, encoder, 'cq', String(crf));
  if (fixedQuantiser.has(encoder)) {
    context.setFlags(c.AV_CODEC_FLAG_QSCALE);
    context.globalQuality = Math.round(crf * c.FF_QP2LAMBDA);
    return;
  }
  throw new DeblurError('USAGE', `The encoder ${encoder} has no constant quality setting (crf).`, {
    hint: 'Set its own options with encoder options, for instance b=8M for a bit rate.',
  });
}

/** FFmpeg's own encoders that quantise by a fixed scale when asked for a quality. */
const fixedQuantiser = new Set([
  'mpeg4',
  'mpeg2video',
  'mpeg1video',
  'mjpeg',
  'libxvid',
  'flv',
  'h263',
  'msmpeg4',
  'wmv1',
  'wmv2',
  'prores_ks',
]);

function setPreset(context: av.CodecContext, encoder: string, preset: string | undefined): void {
  if (preset === undefined) return;
  if (!hasOption(context, 'preset')) {
    throw new DeblurError('USAGE', `The encoder ${encoder} has no presets.`);
  }
  if (x26x.has(encoder) && !x26xPresets.includes(preset)) {
    throw new DeblurError('USAGE', `The encoder ${encoder} has no preset named ${preset}.`, {
      hint: `Its presets are ${x26xPresets.join(', ')}.`,
    });
  }
  const code = context.setOption('preset', preset, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN);
  if (code < 0)
    throw new DeblurError('USAGE', `The encoder ${encoder} refuses the preset ${preset}: ${errorText(code)}.`);
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
