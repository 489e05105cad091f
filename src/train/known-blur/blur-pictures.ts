import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { glob } from 'tinyglobby';
import { DeblurError, throwIfAborted } from '../../errors.js';
import { writeError } from '../../io/atomic-file.js';
import { Random } from '../random.js';
import { decodePicture } from '../sets/picture-cache.js';
import type { KnownBlur } from './known-blur.js';

/** Options of {@link blurPictures}. */
export interface BlurPicturesOptions {
  /** Folder of the sharp pictures, folders in it included. */
  readonly from: string;
  /** Folder to write, with the same folders and names; pictures that are there already are kept. */
  readonly to: string;
  /** Everything random follows from it and the pictures' names. Default 1. */
  readonly seed?: number;
  /** Blurred pictures of each sharp one. Default 1. */
  readonly variants?: number;
  /** Pixels of the shorter side that pictures are resized to before. Default: as they are. */
  readonly shortSide?: number;
  readonly onPicture?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Gives every picture of a folder a known blur.
 *
 * @returns how many pictures were written, and how many were there.
 * @throws DeblurError `INPUT_NOT_FOUND` for a folder without pictures, `INPUT_UNREADABLE`, `OUTPUT_FULL`,
 * `OUTPUT_UNWRITABLE`, `CANCELLED`.
 */
export async function blurPictures(
  known: KnownBlur,
  options: BlurPicturesOptions,
): Promise<{ readonly made: number; readonly kept: number }> {
  const { from, to, seed = 1, variants = 1, shortSide, onPicture, signal } = options;
  await readdir(from).catch((cause: unknown) => {
    throw new DeblurError('INPUT_NOT_FOUND', `The folder ${from} can't be read.`, { cause });
  });
  const pattern = '**/*.{png,jpg,jpeg,webp,tif,tiff}';
  const names = (await glob(pattern, { cwd: from, onlyFiles: true, caseSensitiveMatch: false })).sort();
  if (names.length === 0) throw new DeblurError('INPUT_NOT_FOUND', `There are no pictures in ${from}.`);
  const random = new Random(seed);
  const there = new Set(await glob('**/*.png', { cwd: to, onlyFiles: true }).catch(() => []));
  let [made, kept] = [0, 0];
  for (const name of names) {
    for (let variant = 0; variant < variants; variant += 1) {
      throwIfAborted(signal);
      const target = targetName(name, variant, variants);
      if (there.has(target)) kept += 1;
      else {
        const picture = await decodePicture(path.join(from, name), shortSide === undefined ? {} : { shortSide });
        const { data, width, height } = await known.blur(picture, random.fork(name, variant));
        await write(path.join(to, target), data, width, height);
        made += 1;
      }
      onPicture?.({ done: made + kept, total: names.length * variants });
    }
  }
  return { made, kept };
}

/** A variant carries its number behind the name: it stays in the folder of its scene. */
function targetName(name: string, variant: number, variants: number): string {
  const { dir, name: stem } = path.posix.parse(name);
  const number = String(variant).padStart(String(variants - 1).length, '0');
  return path.posix.join(dir, variants === 1 ? `${stem}.png` : `${stem}.${number}.png`);
}

async function write(file: string, data: Uint8Array, width: number, height: number): Promise<void> {
  const temporary = `${file}.part`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const picture = sharp(data, { raw: { width, height, channels: 3 } });
    await writeFile(temporary, await picture.png({ compressionLevel: 2 }).toBuffer());
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(file, cause as NodeJS.ErrnoException);
  }
}
