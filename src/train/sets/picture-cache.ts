import sharp from 'sharp';
import { DeblurError } from '../../errors.js';

/** A decoded picture: interleaved RGB, 8 bits, row by row. */
export interface DecodedPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Options of {@link decodePicture}. */
export interface DecodeOptions {
  /** Pixels of the shorter side, to which the picture is resized with a cubic kernel. Default: as it is. */
  readonly shortSide?: number;
  /** Turn a photo as its camera says it was held. Default false. */
  readonly upright?: boolean;
}

/**
 * Decodes a picture (PNG, JPEG, WebP, TIFF). Alpha is left out, gray becomes RGB, of 16 bits the upper 8 are kept.
 * @throws DeblurError `INPUT_UNREADABLE` that names the file.
 */
export async function decodePicture(
  file: string,
  { shortSide, upright = false }: DecodeOptions = {},
): Promise<DecodedPicture> {
  try {
    const picture = sharp(file);
    if (upright) picture.rotate();
    if (shortSide !== undefined) {
      picture.resize({ width: shortSide, height: shortSide, fit: 'outside', kernel: 'cubic' });
    }
    const { data, info } = await picture
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/**
 * A picture's size, from its header alone.
 * @throws DeblurError `INPUT_UNREADABLE` that names the file.
 */
export async function pictureSize(file: string): Promise<{ width: number; height: number }> {
  try {
    const { width, height } = await sharp(file).metadata();
    return { width, height };
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): DeblurError {
  const message = `The picture ${file} can't be read: ${(cause as Error).message}.`;
  return new DeblurError('INPUT_UNREADABLE', message, { cause });
}

interface Entry {
  readonly picture: Promise<DecodedPicture>;
  /** 0 until it is decoded. */
  bytes: number;
}

/** Decoded pictures up to a number of bytes; the one that was not used for longest gives way. */
export class PictureCache {
  readonly #budget: number;
  readonly #decode: (file: string) => Promise<DecodedPicture>;
  /** In order of use, the latest last. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /**
   * @param budget Bytes.
   * @param decode how a file becomes a picture. Default {@link decodePicture}.
   */
  constructor(budget: number, decode: (file: string) => Promise<DecodedPicture> = (file) => decodePicture(file)) {
    this.#budget = budget;
    this.#decode = decode;
  }

  /** Bytes of the pictures that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A picture, decoded where it is not here. One that can't be read is not kept. */
  get(file: string): Promise<DecodedPicture> {
    const known = this.#entries.get(file);
    if (known) {
      this.#entries.delete(file);
      this.#entries.set(file, known);
      return known.picture;
    }
    const entry: Entry = { picture: this.#decode(file), bytes: 0 };
    this.#entries.set(file, entry);
    entry.picture.then(
      ({ data }) => {
        entry.bytes = data.byteLength;
        this.#bytes += entry.bytes;
        this.#shrink();
      },
      () => this.#entries.delete(file),
    );
    return entry.picture;
  }

  #shrink(): void {
    for (const [file, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#budget) return;
      // What is being decoded has no bytes yet, and others may be waiting for it.
      if (bytes === 0) continue;
      this.#bytes -= bytes;
      this.#entries.delete(file);
    }
  }
}
