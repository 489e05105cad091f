import path from 'node:path';
import { throwIfAborted } from '../../errors.js';
import type { ChosenScene } from '../split/choose-frames.js';
import type { FootageFile } from '../split/footage.js';
import { takeFrames, writeFrame } from '../split/footage-frames.js';
import type { DecodedPicture } from '../sets/picture-cache.js';

/** Scenes that are tested, and frames of each that follow one another. */
const [mostScenes, run] = [6, 5];
/** Longest side of a tested picture in pixels: the middle of a larger frame is taken, or a test would take hours. */
const longestSide = 640;

/**
 * Writes frames that follow one another, around a typical blurry frame of some scenes, into a folder per scene: what a
 * translator is tried on. Of large frames it is their middle.
 *
 * @throws DeblurError `INPUT_NOT_FOUND`, `INPUT_UNREADABLE`, `CANCELLED`, and what writing throws.
 */
export async function writeTestFrames(
  scenes: readonly ChosenScene[],
  files: readonly FootageFile[],
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const blurry = scenes.filter(({ kind, frames }) => kind === 'blurry' && frames.length > 0);
  for (const { scene, frames } of spread(blurry, mostScenes)) {
    const file = files.find((each) => each.path === scene.source);
    const typical = [...frames].sort((a, b) => a.edges.middle - b.edges.middle)[frames.length >> 1];
    if (!file || !typical) continue;
    const [first, last] = [scene.frames[0]?.index ?? 0, scene.frames[scene.frames.length - 1]?.index ?? 0];
    const from = Math.max(first, Math.min(typical.index - (run >> 1), last - run + 1));
    const wanted = new Set(Array.from({ length: run }, (_, k) => from + k).filter((index) => index <= last));
    for await (const { index, picture } of takeFrames(file, wanted, signal)) {
      throwIfAborted(signal);
      await writeFrame(path.join(folder, scene.name), { index, picture: middleOf(picture) });
    }
  }
}

/** So many of a list, or all where there are fewer, evenly. */
export function spread<T>(all: readonly T[], most: number): T[] {
  const count = Math.min(most, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)]!);
}

/** A picture's middle, at most 640 pixels on each side. */
export function middleOf(picture: DecodedPicture): DecodedPicture {
  const [width, height] = [Math.min(longestSide, picture.width), Math.min(longestSide, picture.height)];
  const [left, top] = [(picture.width - width) >> 1, (picture.height - height) >> 1];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y += 1) {
    const row = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(row, row + 3 * width), 3 * y * width);
  }
  return { data, width, height };
}
