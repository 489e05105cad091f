import path from 'node:path';
import { DeblurError } from '../../errors.js';
import { isFolder, pictureNames, sceneInName, stem, subfolders } from '../sets/folders.js';
import type { FramePair } from '../sets/pair-set.js';

/** Pictures that have no partners. */
export interface UnpairedSet {
  /** Paths of pictures with unknown blur, in the order of their scenes. */
  readonly unknown: readonly string[];
  /** Paths of pictures that have the known blur, or are sharp ones that get it. */
  readonly known: readonly string[];
}

/** Options of {@link openUnpairedSet}. */
export interface UnpairedSetOptions {
  /** The folder of the pictures with known blur, or of those that get it, inside the set's. Default `trainB`. */
  readonly known?: string;
  /** Where both folders have scenes in common: the first part of the scenes of trainA, and of the other one the rest. Default 0.6. */
  readonly ratio?: number;
}

/** A folder's pictures of one scene. */
export interface PictureScene {
  readonly name: string;
  readonly files: readonly string[];
}

/** Deepest folders that are looked into. */
const deepest = 8;

/**
 * Finds the pictures of an unpaired set, Blur2Blur's `trainA` and a second folder. Folders are looked into, too; a
 * folder of its own is a scene, and so are pictures called `SCENE_NUMBER`.
 *
 * @throws DeblurError `INPUT_NOT_FOUND` for a folder that is missing, `INPUT_UNREADABLE` for one without pictures, or
 * where both hold the same one scene.
 */
export async function openUnpairedSet(
  root: string,
  { known = 'trainB', ratio = 0.6 }: UnpairedSetOptions = {},
): Promise<UnpairedSet> {
  const [ofUnknown, ofKnown] = await Promise.all([scenesIn(root, 'trainA'), scenesIn(root, known)]);
  const inUnknown = new Set(ofUnknown.map(({ name }) => name));
  const common = ofKnown.map(({ name }) => name).filter((name) => inUnknown.has(name));
  // Neither folder may become empty.
  const least = ofUnknown.length === common.length ? 1 : 0;
  const most = ofKnown.length === common.length ? common.length - 1 : common.length;
  if (least > most) {
    throw new DeblurError(
      'INPUT_UNREADABLE',
      `trainA and ${known} of ${root} are the same scene, "${common.join()}".`,
      {
        hint: 'The discriminator would compare contents in place of blurs. Add scenes, or give them folders of their own.',
      },
    );
  }
  const first = new Set(common.slice(0, Math.min(most, Math.max(least, Math.round(ratio * common.length)))));
  const rest = new Set(common.filter((name) => !first.has(name)));
  const files = (scenes: readonly PictureScene[], without: ReadonlySet<string>) =>
    scenes.flatMap((scene) => (without.has(scene.name) ? [] : scene.files));
  return { unknown: files(ofUnknown, rest), known: files(ofKnown, first) };
}

/**
 * The pictures of `trainC` with their sharp partners of `trainD`, in the order of their names.
 * @throws DeblurError `INPUT_NOT_FOUND`, `INPUT_UNREADABLE` where they are not as many.
 */
export async function openKnownPairs(root: string): Promise<FramePair[]> {
  const [blurry = [], sharp = []] = await Promise.all(
    ['trainC', 'trainD'].map(async (folder) => (await scenesIn(root, folder)).flatMap(({ files }) => files)),
  );
  if (blurry.length !== sharp.length) {
    throw new DeblurError(
      'INPUT_UNREADABLE',
      `${root} has ${blurry.length} pictures in trainC, and ${sharp.length} in trainD where their sharp partners should be.`,
    );
  }
  return blurry.map((blur, i) => ({ blur, sharp: sharp[i] ?? blur }));
}

/**
 * The scenes of a folder inside a set's.
 * @throws DeblurError `INPUT_NOT_FOUND`, `INPUT_UNREADABLE` where it has no pictures.
 */
export async function scenesIn(root: string, folder: string): Promise<PictureScene[]> {
  if (!(await isFolder(root, folder))) {
    throw new DeblurError('INPUT_NOT_FOUND', `${root} has no folder ${folder}.`, {
      hint: 'Blur2Blur learns from trainA (unknown blur) and trainB (sharp); "deblur dataset split" makes both from footage.',
    });
  }
  const scenes = new Map<string, string[]>();
  for (const { scene, file } of await picturesBelow(root, folder, '', 0)) {
    const files = scenes.get(scene) ?? [];
    files.push(file);
    scenes.set(scene, files);
  }
  if (scenes.size === 0) throw new DeblurError('INPUT_UNREADABLE', `${path.join(root, folder)} has no pictures.`);
  return [...scenes].map(([name, files]) => ({ name, files }));
}

async function picturesBelow(
  root: string,
  folder: string,
  inside: string,
  depth: number,
): Promise<{ scene: string; file: string }[]> {
  const here = path.join(root, folder, inside);
  const own = (await pictureNames(here)).map((name) => ({
    scene: path.posix.join(inside, sceneInName(stem(name)) ?? (inside === '' ? stem(name) : '')),
    file: path.join(here, name),
  }));
  const below = depth < deepest ? await subfolders(here) : [];
  const others = [];
  for (const name of below)
    others.push(...(await picturesBelow(root, folder, path.posix.join(inside, name), depth + 1)));
  return [...own, ...others];
}
