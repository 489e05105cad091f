import path from 'node:path';
import { isFile, isFolder, partnerFolders, subfolders, those } from './folders.js';
import { groupScenes } from './group-scenes.js';
import type { Layout } from './layout.js';
import { readPairList } from './pair-list.js';
import type { FramePair } from './pair-set.js';

/**
 * RealBlur (Rim et al., ECCV 2020): `RealBlur_J_train_list.txt` with a sharp and a blurry path on each line, such as
 * `RealBlur-J_ECC_IMCORR_centroid_itensity_ref/scene230/gt/gt_7.png …/scene230/blur/blur_7.png`. Where the lists are
 * missing, there is one split `all`.
 *
 * @param kind J for pictures processed by the camera, R for raw ones.
 */
function realblurLayout(kind: 'J' | 'R'): Layout {
  const list = (root: string, split: string) => path.join(root, `RealBlur_${kind}_${split}_list.txt`);
  const picturesOf = async (root: string) =>
    (await subfolders(root)).find((name) => name.startsWith(`RealBlur-${kind}`));
  return {
    name: `realblur-${kind.toLowerCase()}`,
    shape: `RealBlur_${kind}_train_list.txt and RealBlur-${kind}_…/scene001/{gt/gt_1.png,blur/blur_1.png}`,
    splits: async (root) => {
      const lists = await those(['train', 'test'], (split) => isFile(list(root, split)));
      if (lists.length > 0) return lists;
      return (await picturesOf(root)) === undefined ? [] : ['all'];
    },
    read: async (root, split) => {
      const pairs =
        split === 'all'
          ? await allPairs(path.join(root, (await picturesOf(root)) ?? ''))
          : await readPairList(list(root, split), root);
      return groupScenes(pairs, sceneOf, { stills: true });
    },
  };
}

/** RealBlur-J and RealBlur-R. */
export const realblur: readonly Layout[] = [realblurLayout('J'), realblurLayout('R')];

function sceneOf({ blur }: FramePair): string {
  return path.basename(path.dirname(path.dirname(blur)));
}

async function allPairs(folder: string): Promise<FramePair[]> {
  const scenes = await those(await subfolders(folder), (scene) => isFolder(folder, scene, 'blur'));
  const pairs = await Promise.all(
    scenes.map((scene) =>
      partnerFolders(path.join(folder, scene, 'blur'), path.join(folder, scene, 'gt'), {
        rename: (name) => name.replace(/^blur/, 'gt'),
      }),
    ),
  );
  return pairs.flat();
}
