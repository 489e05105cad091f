import sharp from 'sharp';
import { DeblurError } from '../../errors.js';
import { laplacianVariance } from '../../metrics/sharpness.js';
import type { FrameSize, LinearPicture, Place } from './virtual-camera.js';

/** The green samples of a photo, 8 bits, to judge its detail by. */
export interface GreenPhoto extends FrameSize {
  readonly green: Uint8Array;
}

/** Which samples of a photo are read. */
export interface PhotoSize {
  /** Width in pixels that the photo is resized to. */
  readonly width: number;
  /** And height. Default: in proportion. */
  readonly height?: number;
  /** The part of the resized photo that is read. Default: all of it. */
  readonly region?: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

/** Options of {@link readPhoto}. */
export interface PhotoOptions extends PhotoSize {
  /** Linear light of the 256 code values. */
  readonly linear: Float32Array;
  /** How many times brighter the lights are that the photo shows as white; 1 leaves them. */
  readonly highlights: number;
}

/** Codes from here on are taken for light that was brighter than the photo could hold. */
const nearlyWhite = 235;

/**
 * Reads a photo in linear light, upright, resized with Lanczos' filter.
 * @throws DeblurError `INPUT_UNREADABLE`.
 */
export async function readPhoto(path: string, options: PhotoOptions): Promise<LinearPicture> {
  const { data, width, height } = await readCodes(path, options);
  return { data: linearLight(data, options), width, height };
}

/**
 * Reads the green samples of a photo, upright, resized with Lanczos' filter.
 * @throws DeblurError `INPUT_UNREADABLE`.
 */
export async function readGreen(path: string, size: PhotoSize): Promise<GreenPhoto> {
  const { data, width, height } = await readCodes(path, size);
  return { green: Uint8Array.from({ length: data.length / 3 }, (_, i) => data[3 * i + 1]!), width, height };
}

/** Interleaved RGB of 8 bits. */
async function readCodes(
  path: string,
  { width, height, region }: PhotoSize,
): Promise<FrameSize & { readonly data: Uint8Array }> {
  try {
    const resized = sharp(path)
      .rotate()
      .removeAlpha()
      .toColourspace('srgb')
      .resize({ width, ...(height === undefined ? {} : { height, fit: 'fill' }), kernel: 'lanczos3' });
    const part = region ? resized.extract(region) : resized;
    const { data, info } = await part.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw new DeblurError('INPUT_UNREADABLE', `The photo ${path} can't be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** Interleaved RGB of 8 bits in linear light. */
export function linearLight(
  codes: Uint8Array,
  { linear, highlights }: Pick<PhotoOptions, 'linear' | 'highlights'>,
): Float32Array {
  const light = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i += 3) {
    const [r, g, b] = [codes[i]!, codes[i + 1]!, codes[i + 2]!];
    // What is white in every channel was cut off there; coloured light stays as it is.
    const least = Math.min(r, g, b);
    const over = least > nearlyWhite ? ((least - nearlyWhite) / (255 - nearlyWhite)) ** 2 : 0;
    const gain = 1 + (highlights - 1) * over;
    light[i] = linear[r]! * gain;
    light[i + 1] = linear[g]! * gain;
    light[i + 2] = linear[b]! * gain;
  }
  return light;
}

/** How much detail a camera sees there: the variance of the Laplacian of the green samples. */
export function detailAt({ green, width, height }: GreenPhoto, size: FrameSize, centre: Place): number {
  const [w, h] = [Math.min(size.width, width), Math.min(size.height, height)];
  const left = Math.min(width - w, Math.max(0, Math.round(centre[0] - w / 2)));
  const top = Math.min(height - h, Math.max(0, Math.round(centre[1] - h / 2)));
  return laplacianVariance(green, { left, top, width: w, height: h, stride: width });
}
