import { DeblurError } from '../../errors.js';
import type { ColorTags } from '../frame.js';
import { av, constants as c } from './binding.js';
import { errorText } from './failure.js';
import { allocatePicture, formatName } from './native-frame.js';

/** What a picture is converted to. */
export interface Target {
  readonly format: c.AVPixelFormat;
  readonly width: number;
  readonly height: number;
  /** Matrix and range for a YUV result made from RGB. Default: limited range, the matrix by the height. */
  readonly matrix?: c.AVColorSpace;
  readonly range?: c.AVColorRange;
}

/** How pictures are resampled, in swscale's words. */
const scalerFlags = {
  /** Bicubic where the size changes; every rounding exact and the same on each machine. */
  exact: 'bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact',
  /** For pictures that have to be ready in a few milliseconds. */
  quick: 'bilinear',
} as const;

/**
 * Converts pictures with swscale, by the matrix and range their tags name. Untagged YUV is taken as
 * limited range, BT.709 from 720 rows on and SMPTE 170M below, as players do.
 */
export class Scaler implements Disposable {
  readonly #context = new av.SoftwareScaleContext();

  /** @param quality Default `exact`. */
  constructor(quality: keyof typeof scalerFlags = 'exact') {
    this.#context.allocContext();
    this.#context.setOption('sws_flags', scalerFlags[quality], c.AV_OPT_TYPE_STRING);
  }

  /** A new picture with the source's properties and timestamps; the source stays the caller's. */
  async convert(source: av.Frame, target: Target): Promise<av.Frame> {
    const result = allocatePicture(target.format, target.width, target.height);
    try {
      result.copyProps(source);
      const { colorSpace, colorRange } = source;
      tagSource(source);
      tagResult(result, source, target);
      const code = await this.#context.scaleFrame(result, source);
      source.colorSpace = colorSpace;
      source.colorRange = colorRange;
      if (isRgb(source.format as c.AVPixelFormat) === isRgb(target.format)) {
        result.colorSpace = colorSpace;
        result.colorRange = colorRange;
      }
      if (code < 0) {
        const from = `${formatName(source.format as c.AVPixelFormat)} ${source.width}x${source.height}`;
        throw new DeblurError(
          'FORMAT_UNSUPPORTED',
          `Pictures cannot be converted from ${from} to ${formatName(target.format)} ${target.width}x${target.height}: ${errorText(code)}.`,
        );
      }
      return result;
    } catch (error) {
      result.free();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#context.freeContext();
  }
}

/** True for pixel formats of red, green and blue. */
function isRgb(format: c.AVPixelFormat): boolean {
  return /^(gbr|rgb|bgr|argb|abgr|0rgb|0bgr|x2rgb|x2bgr|pal8)/.test(formatName(format));
}

/** A picture's tags after a conversion between pixel formats: they change only from RGB to YUV or back. */
export function colorAfter(color: ColorTags, from: c.AVPixelFormat, to: c.AVPixelFormat, height: number): ColorTags {
  const rgb = isRgb(to);
  if (rgb === isRgb(from)) return color;
  if (rgb) return { ...color, matrix: 'gbr', range: 'pc' };
  return { ...color, matrix: height >= 720 ? 'bt709' : 'smpte170m', range: 'tv' };
}

function defaultMatrix(height: number): c.AVColorSpace {
  return height >= 720 ? c.AVCOL_SPC_BT709 : c.AVCOL_SPC_SMPTE170M;
}

function tagSource(frame: av.Frame): void {
  const rgb = isRgb(frame.format as c.AVPixelFormat);
  if (rgb) frame.colorSpace = c.AVCOL_SPC_RGB;
  else if (frame.colorSpace === c.AVCOL_SPC_UNSPECIFIED || frame.colorSpace === c.AVCOL_SPC_RGB) {
    frame.colorSpace = defaultMatrix(frame.height);
  }
  if (frame.colorRange === c.AVCOL_RANGE_UNSPECIFIED) {
    frame.colorRange = rgb ? c.AVCOL_RANGE_JPEG : c.AVCOL_RANGE_MPEG;
  }
}

function tagResult(result: av.Frame, source: av.Frame, target: Target): void {
  if (isRgb(result.format as c.AVPixelFormat)) {
    result.colorSpace = c.AVCOL_SPC_RGB;
    result.colorRange = c.AVCOL_RANGE_JPEG;
  } else if (isRgb(source.format as c.AVPixelFormat)) {
    const unspecified = (target.matrix ?? c.AVCOL_SPC_UNSPECIFIED) === c.AVCOL_SPC_UNSPECIFIED;
    result.colorSpace = unspecified ? defaultMatrix(result.height) : target.matrix!;
    result.colorRange = target.range === c.AVCOL_RANGE_JPEG ? c.AVCOL_RANGE_JPEG : c.AVCOL_RANGE_MPEG;
  } else {
    result.colorSpace = source.colorSpace;
    result.colorRange = source.colorRange;
  }
}
