import path from 'node:path';
import { DeblurError } from '../../errors.js';
import { isFolder, partnerFolders, sceneInName, stem, subfolders, those } from './folders.js';
import { groupScenes } from './group-scenes.js';
import type { Layout } from './layout.js';
import type { PairScene } from './pair-set.js';

const blurNames = ['blur', 'input'] as const;
const sharpNames = ['sharp', 'target', 'gt'] as const;
/** Where the pictures of a split lie, from the root on. */
const places: Readonly<Record<string, readonly string[]>> = {
  train: ['train'],
  val: ['val', 'valid'],
  test: ['test'],
  all: ['.'],
};

/**
 * What the trainings of MIMO-UNet, NAFNet and Restormer read: `train/blur/GOPR0372_07_00_000047.png` beside
 * `train/sharp/…` of the same name, or `input` beside `target`. Pictures called `SCENE_NUMBER` are the frames of a
 * scene, others are stills; scenes may have folders of their own. Without `train` and `test` there is one split `all`.
 */
export const plainPairs: Layout = {
  name: 'pairs',
  shape: 'train/blur/SCENE_000047.png and train/sharp/SCENE_000047.png, or train/input and train/target',
  splits: (root) => those(Object.keys(places), async (split) => (await foldersOf(root, split)) !== undefined),
  read: async (root, split) => {
    const folders = await foldersOf(root, split);
    if (!folders) throw new DeblurError('INPUT_NOT_FOUND', `${root} has no pairs of the split "${split}".`);
    const { blur, sharp } = folders;
    const scenes = await subfolders(blur);
    if (scenes.length > 0) {
      return Promise.all(
        scenes.map(async (name) => ({
          name: `${split}/${name}`,
          pairs: await partnerFolders(path.join(blur, name), path.join(sharp, name)),
        })),
      );
    }
    return groupByName(split, await partnerFolders(blur, sharp));
  },
};

function groupByName(split: string, pairs: PairScene['pairs']): PairScene[] {
  const sceneOf = (file: string) => sceneInName(stem(file));
  const [frames, stills] = [true, false].map((named) =>
    pairs.filter(({ blur }) => (sceneOf(blur) !== undefined) === named),
  );
  return [
    ...groupScenes(frames ?? [], ({ blur }) => `${split}/${sceneOf(blur) ?? ''}`),
    ...groupScenes(stills ?? [], () => `${split}/stills`, { stills: true }),
  ];
}

async function foldersOf(root: string, split: string): Promise<{ blur: string; sharp: string } | undefined> {
  for (const place of places[split] ?? []) {
    const among = (names: readonly string[]) =>
      those(
        names.map((name) => path.join(root, place, name)),
        (folder) => isFolder(folder),
      );
    const [[blur], [sharp]] = await Promise.all([among(blurNames), among(sharpNames)]);
    if (blur !== undefined && sharp !== undefined) return { blur, sharp };
  }
  return undefined;
}
