import sharp from 'sharp';
import { DeblurError } from '../../errors.js';

/** A decoded picture: interleaved RGB, 8 bits, row by row. */
export interface DecodedPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes a picture (PNG, JPEG, WebP, TIFF). Alpha is left out, gray becomes RGB, 16 bits are rounded to 8.
 * @throws DeblurError `INPUT_UNREADABLE` that names the file.
 */
export async function decodePicture(file: string): Promise<DecodedPicture> {
  try {
    const { data, info } = await sharp(file)
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw new DeblurError('INPUT_UNREADABLE', `The picture ${file} can't be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** Decoded pictures up to a number of bytes; the one that was not used for longest gives way. */
export class PictureCache {
  readonly #budget: number;
  readonly #pictures = new Map<string, Promise<DecodedPicture>>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  /** @param budget Bytes. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** A picture, decoded where it is not here. */
  get(file: string): Promise<DecodedPicture> {
    const known = this.#pictures.get(file);
    if (known) {
      this.#pictures.delete(file);
      this.#pictures.set(file, known);
      return known;
    }
    const decoding = decodePicture(file);
    this.#pictures.set(file, decoding);
    decoding.then(
      ({ data }) => {
        this.#sizes.set(file, data.byteLength);
        this.#bytes += data.byteLength;
        for (const old of this.#pictures.keys()) {
          if (this.#bytes <= this.#budget || old === file) break;
          this.#bytes -= this.#sizes.get(old) ?? 0;
          this.#sizes.delete(old);
          this.#pictures.delete(old);
        }
      },
      () => this.#pictures.delete(file),
    );
    return decoding;
  }
}
