import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { DeblurError } from '../../errors.js';
import type { FramePair } from './pair-set.js';

const pictureEndings = new Set(['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.bmp']);

async function entries(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new DeblurError('INPUT_NOT_FOUND', `The folder ${folder} can't be read.`, { cause });
  }
}

/** Names of the folders inside a folder, sorted. */
export async function subfolders(folder: string): Promise<string[]> {
  return (await entries(folder))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !entry.name.endsWith('.part'))
    .map(({ name }) => name)
    .sort();
}

/** Names of the pictures inside a folder, sorted. */
export async function pictureNames(folder: string): Promise<string[]> {
  return (await entries(folder))
    .filter((entry) => entry.isFile() && pictureEndings.has(path.extname(entry.name).toLowerCase()))
    .map(({ name }) => name)
    .sort();
}

/**
 * Pairs the pictures of two folders by their names.
 *
 * @param rename What the sharp picture of a blurry one is called. Default: the same.
 * @throws DeblurError `INPUT_UNREADABLE` that names the first picture without a partner.
 */
export async function partnerFolders(
  blurFolder: string,
  sharpFolder: string,
  rename: (name: string) => string = (name) => name,
): Promise<FramePair[]> {
  const [blurry, sharp] = [await pictureNames(blurFolder), await pictureNames(sharpFolder)];
  const there = new Set(sharp);
  const wanted = new Set(blurry.map(rename));
  const lonely = blurry.find((name) => !there.has(rename(name)));
  if (lonely !== undefined) {
    throw new DeblurError('INPUT_UNREADABLE', `${path.join(blurFolder, lonely)} has no partner in ${sharpFolder}.`);
  }
  const extra = sharp.find((name) => !wanted.has(name));
  if (extra !== undefined) {
    throw new DeblurError('INPUT_UNREADABLE', `${path.join(sharpFolder, extra)} has no partner in ${blurFolder}.`);
  }
  return blurry.map((name) => ({ blur: path.join(blurFolder, name), sharp: path.join(sharpFolder, rename(name)) }));
}
