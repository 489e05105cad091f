import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DeblurError } from '../../errors.js';
import type { FramePair } from './pair-set.js';

const pictureEndings = new Set(['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff']);
/** Puts `blur_2` before `blur_10`. */
const inOrder = new Intl.Collator('en', { numeric: true });

async function entries(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new DeblurError('INPUT_NOT_FOUND', `The folder ${folder} can't be read.`, { cause });
  }
}

/** Names of the folders inside a folder, in the order of their numbers. */
export async function subfolders(folder: string): Promise<string[]> {
  return (await entries(folder))
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !/^\.|\.part$/.test(entry.name))
    .map(({ name }) => name)
    .filter((name) => !pictureEndings.has(path.extname(name).toLowerCase()))
    .sort(inOrder.compare);
}

/** Names of the pictures inside a folder, in the order of their numbers. */
export async function pictureNames(folder: string): Promise<string[]> {
  return (await entries(folder))
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .filter((name) => pictureEndings.has(path.extname(name).toLowerCase()))
    .sort(inOrder.compare);
}

/** Whether a path is a folder. */
export async function isFolder(...parts: readonly string[]): Promise<boolean> {
  return (await kindOf(path.join(...parts)))?.isDirectory() ?? false;
}

/** Whether a path is a file. */
export async function isFile(...parts: readonly string[]): Promise<boolean> {
  return (await kindOf(path.join(...parts)))?.isFile() ?? false;
}

async function kindOf(file: string) {
  try {
    return await stat(file);
  } catch {
    return undefined;
  }
}

/** The items for which a question is answered with yes. */
export async function those<T>(items: readonly T[], question: (item: T) => Promise<boolean>): Promise<T[]> {
  const answers = await Promise.all(items.map(question));
  return items.filter((_, i) => answers[i]);
}

/** A picture's name without its ending. */
export function stem(name: string): string {
  return path.basename(name, path.extname(name));
}

/** The scene in a picture's name without its ending, `SCENE_000047` or `SCENE-47`; undefined in another name. */
export function sceneInName(name: string): string | undefined {
  return /^(.+)[_-]\d+$/.exec(name)?.[1];
}

/** Options of {@link partnerFolders}. */
export interface PartnerOptions {
  /** The sharp picture's name without ending, of a blurry one's. Default: the same. */
  readonly rename?: (stem: string) => string;
  /** Whether sharp pictures may lie there that have no blurry one. Default false. */
  readonly extra?: boolean;
}

/**
 * Pairs the pictures of two folders by their names, whatever their endings.
 *
 * @throws DeblurError `INPUT_UNREADABLE` that names the first picture without a partner.
 */
export async function partnerFolders(
  blurFolder: string,
  sharpFolder: string,
  { rename = (name) => name, extra = false }: PartnerOptions = {},
): Promise<FramePair[]> {
  const [blurry, sharp] = await Promise.all([pictureNames(blurFolder), pictureNames(sharpFolder)]);
  const partners = new Map(sharp.map((name) => [stem(name), name]));
  const lonely = (name: string, folder: string, other: string) =>
    new DeblurError('INPUT_UNREADABLE', `${path.join(folder, name)} has no partner in ${other}.`, {
      hint: `There are ${blurry.length} blurry and ${sharp.length} sharp pictures.`,
    });
  const pairs = blurry.map((name) => {
    const partner = partners.get(rename(stem(name)));
    if (partner === undefined) throw lonely(name, blurFolder, sharpFolder);
    return { blur: path.join(blurFolder, name), sharp: path.join(sharpFolder, partner) };
  });
  const wanted = new Set(blurry.map((name) => rename(stem(name))));
  const unwanted = extra ? undefined : sharp.find((name) => !wanted.has(stem(name)));
  if (unwanted !== undefined) throw lonely(unwanted, sharpFolder, blurFolder);
  return pairs;
}
