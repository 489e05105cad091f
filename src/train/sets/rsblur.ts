import path from 'node:path';
import { isFile, isFolder, partnerFolders, subfolders, those } from './folders.js';
import { groupScenes } from './group-scenes.js';
import type { Layout } from './layout.js';
import { readPairList } from './pair-list.js';
import type { FramePair } from './pair-set.js';

/**
 * RSBlur (Rim et al., ECCV 2022): `0001/000001/{real_blur/real_blur.png,gt/gt_sharp.png}`, and the lists
 * `RSBlur_real_{train,val,test}.txt` from the authors' repository in the folder or beside it. Where they are missing,
 * there is one split `all`. A scene is one of the numbered folders at the top.
 */
export const rsblur: Layout = {
  name: 'rsblur',
  shape: '0001/000001/real_blur/real_blur.png, 0001/000001/gt/gt_sharp.png and RSBlur_real_train.txt',
  splits: async (root) => {
    if ((await capturesOf(root)).length === 0) return [];
    const lists = await those(['train', 'val', 'test'], async (split) => (await listOf(root, split)) !== undefined);
    return lists.length > 0 ? lists : ['all'];
  },
  read: async (root, split) => {
    const list = await listOf(root, split);
    const pairs = list === undefined ? await allPairs(root) : await readPairList(list, root);
    return groupScenes(pairs, sceneOf, { stills: true });
  },
};

/** The scene of `…/0001/000001/real_blur/real_blur.png`. */
function sceneOf({ blur }: FramePair): string {
  return path.basename(path.dirname(path.dirname(path.dirname(blur))));
}

async function listOf(root: string, split: string): Promise<string | undefined> {
  const name = `RSBlur_real_${split}.txt`;
  const places = [root, path.dirname(path.resolve(root)), path.join(root, 'datalist', 'RSBlur')];
  const [found] = await those(
    places.map((place) => path.join(place, name)),
    (file) => isFile(file),
  );
  return found;
}

/** The numbered folders of the first scene that has any: enough to tell the layout. */
async function capturesOf(root: string): Promise<string[]> {
  for (const scene of await subfolders(root)) {
    const captures = await those(await subfolders(path.join(root, scene)), (capture) =>
      isFolder(root, scene, capture, 'real_blur'),
    );
    if (captures.length > 0) return captures;
  }
  return [];
}

async function allPairs(root: string): Promise<FramePair[]> {
  const pairs: FramePair[] = [];
  for (const scene of await subfolders(root)) {
    for (const capture of await subfolders(path.join(root, scene))) {
      const folder = path.join(root, scene, capture);
      if (!(await isFolder(folder, 'real_blur'))) continue;
      const rename = () => 'gt_sharp';
      pairs.push(...(await partnerFolders(path.join(folder, 'real_blur'), path.join(folder, 'gt'), { rename })));
    }
  }
  return pairs;
}
