import path from 'node:path';
import { isFolder, partnerFolders, subfolders, those } from './folders.js';
import type { Layout } from './layout.js';

/**
 * GoPro (Nah et al., CVPR 2017): `train/GOPR0372_07_00/{blur,blur_gamma,sharp}/000047.png`.
 *
 * @param blur `blur`: frames averaged as they are; `blur_gamma`: averaged in linear light.
 */
function goproLayout(name: string, blur: string): Layout {
  const scenesOf = async (root: string, split: string) =>
    (await isFolder(root, split))
      ? those(await subfolders(path.join(root, split)), (scene) => isFolder(root, split, scene, blur))
      : [];
  return {
    name,
    shape: `train/GOPR0372_07_00/${blur}/000047.png and train/GOPR0372_07_00/sharp/000047.png`,
    splits: (root) => those(['train', 'val', 'test'], async (split) => (await scenesOf(root, split)).length > 0),
    read: async (root, split) => {
      const scenes = await scenesOf(root, split);
      return Promise.all(
        scenes.map(async (scene) => {
          const folder = path.join(root, split, scene);
          return {
            name: `${split}/${scene}`,
            pairs: await partnerFolders(path.join(folder, blur), path.join(folder, 'sharp')),
          };
        }),
      );
    },
  };
}

/** GoPro, and GoPro averaged in linear light. */
export const gopro: readonly Layout[] = [goproLayout('gopro', 'blur'), goproLayout('gopro-gamma', 'blur_gamma')];
