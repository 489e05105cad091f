import path from 'node:path';
import { isFolder, partnerFolders, pictureNames, stem, subfolders, those } from './folders.js';
import { groupScenes } from './group-scenes.js';
import type { Layout } from './layout.js';

/**
 * HIDE (Shen et al., ICCV 2019): `train/1fromGOPR0950.png` and `test/test-close-ups/…`, `test/test-long-shot/…`, their
 * sharp pictures of the same names all in `GT`. What follows `from` names the video that a picture is taken from.
 */
export const hide: Layout = {
  name: 'hide',
  shape: 'train/1fromGOPR0950.png and GT/1fromGOPR0950.png',
  splits: async (root) =>
    (await isFolder(root, 'GT'))
      ? those(['train', 'test'], async (split) => (await parts(root, split)).length > 0)
      : [],
  read: async (root, split) => {
    const folders = await parts(root, split);
    const sharp = path.join(root, 'GT');
    const pairs = await Promise.all(folders.map((folder) => partnerFolders(folder, sharp, { extra: true })));
    const videoOf = (file: string) => /^\d+from(.+)$/.exec(stem(file))?.[1] ?? 'others';
    return groupScenes(pairs.flat(), ({ blur }) => `${split}/${videoOf(blur)}`, { stills: true });
  },
};

/** The folders of a split that hold pictures. */
async function parts(root: string, split: string): Promise<string[]> {
  const folder = path.join(root, split);
  if (!(await isFolder(folder))) return [];
  const inside = (await subfolders(folder)).map((name) => path.join(folder, name));
  return those([folder, ...inside], async (part) => (await pictureNames(part)).length > 0);
}
