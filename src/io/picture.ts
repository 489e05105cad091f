import { DeblurError } from '../errors.js';
import type { Frame } from './frame.js';

/**
 * Writes a picture as PNG, replacing an existing file at once or not at all.
 *
 * @param rgb - `height × width × 3` bytes, red, green, blue, row by row without padding.
 * @throws DeblurError `USAGE` when the size does not fit, `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`.
 */
export async function writePicture(path: string, rgb: Uint8Array, width: number, height: number): Promise<void> {
  if (width < 1 || height < 1 || rgb.byteLength !== width * height * 3) {
    throw new DeblurError(
      'USAGE',
      `A ${width}x${height} RGB picture has ${width * height * 3} bytes, not ${rgb.byteLength}.`,
    );
  }
  const { encodePng, writeAtomically } = await import('./node-av/picture.js');
  await writeAtomically(path, await encodePng(rgb, width, height));
}

/**
 * A frame as packed 8-bit RGB (`height × width × 3` bytes without padding), converted by its own matrix and range
 * (BT.709 from 720 rows on and SMPTE 170M below, limited range, where it does not say). The frame stays the caller's.
 */
export async function frameToRgb(frame: Frame): Promise<Uint8Array> {
  const { toRgb } = await import('./node-av/picture.js');
  return toRgb(frame);
}
