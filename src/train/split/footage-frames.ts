import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import type { FrameFilter } from '../../io/node-av/frame-filter.js';
import { openVideo } from '../../io/open.js';
import { frameToRgb } from '../../io/picture.js';
import { decodePicture, type DecodedPicture } from '../sets/picture-cache.js';
import { displaySteps } from '../synthesis/clip-filters.js';
import type { FootageFile } from './footage.js';

/** A frame of a file, as it is displayed. */
export interface TakenFrame {
  /** Its place in the clip; 0 for a photo. */
  readonly index: number;
  readonly picture: DecodedPicture;
}

/**
 * Frames of a clip in their order, or a photo.
 *
 * @param wanted places of the frames; a photo is given whatever they are.
 * @throws DeblurError `INPUT_NOT_FOUND`, `INPUT_UNREADABLE`, `CANCELLED`.
 */
export async function* takeFrames(
  { path: file, kind }: Pick<FootageFile, 'path' | 'kind'>,
  wanted: ReadonlySet<number>,
  signal?: AbortSignal,
): AsyncGenerator<TakenFrame> {
  if (kind === 'photo') {
    yield { index: 0, picture: await decodePicture(file, { upright: true }) };
    return;
  }
  const last = Math.max(...wanted);
  const filters = await import('../../io/node-av/frame-filter.js');
  await using reader = await openVideo(file, { ...(signal && { signal }) });
  let filter: FrameFilter | undefined;
  try {
    for await (const frame of reader.frames()) {
      using decoded = frame;
      if (decoded.index > last) break;
      if (!wanted.has(decoded.index)) continue;
      filter ??= await filters.FrameFilter.open(decoded, displaySteps(reader.video));
      const [shown] = await filter.push(decoded);
      if (!shown) throw new RangeError('a filter without memory kept a frame');
      using picture = shown;
      const { width, height } = picture.properties;
      yield { index: decoded.index, picture: { data: await frameToRgb(picture), width, height } };
    }
  } finally {
    filter?.[Symbol.dispose]();
  }
}

/** Name of a frame's file in its scene's folder. */
export function frameFile(index: number): string {
  return `${String(index).padStart(8, '0')}.png`;
}

/** Writes a frame into a folder, which is made where it is missing. */
export async function writeFrame(
  folder: string,
  { index, picture: { data, width, height } }: TakenFrame,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 2 })
    .toBuffer();
  await writeFile(path.join(folder, frameFile(index)), png);
}
