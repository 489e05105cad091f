import path from 'node:path';
import { isFolder, partnerFolders, subfolders, those } from './folders.js';
import type { Layout } from './layout.js';

const folders = { train: 'train', val: 'valid', test: 'test' } as const;
type Split = keyof typeof folders;

/**
 * BSD (Zhong et al., ECCV 2020), filmed through a beam splitter: `BSD_3ms24ms/train/001/{Blur,Sharp}/RGB/00000000.png`.
 * The folder is one of the three exposures, or the one that holds them.
 */
export const bsd: Layout = {
  name: 'bsd',
  shape: 'BSD_3ms24ms/train/001/Blur/RGB/00000000.png and BSD_3ms24ms/train/001/Sharp/RGB/00000000.png',
  splits: (root) => those(Object.keys(folders) as Split[], async (split) => (await scenesOf(root, split)).length > 0),
  read: async (root, split) =>
    Promise.all(
      (await scenesOf(root, split as Split)).map(async (scene) => ({
        name: scene,
        pairs: await partnerFolders(path.join(root, scene, 'Blur', 'RGB'), path.join(root, scene, 'Sharp', 'RGB')),
      })),
    ),
};

/** The folders of a split's scenes, from the root on. */
async function scenesOf(root: string, split: Split): Promise<string[]> {
  const exposures = (await subfolders(root)).filter((name) => name.startsWith('BSD_'));
  const parts = ['', ...exposures].map((exposure) => path.join(exposure, folders[split]));
  const there = await those(parts, (part) => isFolder(root, part));
  const scenes = await Promise.all(
    there.map(async (part) => (await subfolders(path.join(root, part))).map((name) => path.join(part, name))),
  );
  return those(scenes.flat(), (scene) => isFolder(root, scene, 'Blur', 'RGB'));
}
