import path from 'node:path';
import { readManifest } from '../synthesis/manifest.js';
import { isFolder, partnerFolders, subfolders, those } from './folders.js';
import type { Layout } from './layout.js';
import type { PairScene } from './pair-set.js';

/**
 * REDS (Nah et al., CVPR Workshops 2019), and what `deblur dataset build` makes: `train_blur/000/00000000.png` beside
 * `train_sharp/000/00000000.png`, both perhaps in a folder `train` as the archives have them. A manifest beside them
 * tells the length of each frame's blur.
 *
 * @param blur The folder of blurry frames without its split: `blur`, or `blur_jpeg` and `blur_comp` for the
 * compressed ones.
 */
function redsLayout(name: string, blur: string): Layout {
  return {
    name,
    shape: `train_${blur}/000/00000000.png and train_sharp/000/00000000.png`,
    splits: (root) =>
      those(['train', 'val', 'test'], async (split) => (await folderOf(root, split, `${split}_${blur}`)) !== undefined),
    read: (root, split) => readReds(root, split, blur),
  };
}

/** REDS with blur alone, with blur and JPEG, and with blur and MP4 compression. */
export const reds: readonly Layout[] = [
  redsLayout('reds', 'blur'),
  redsLayout('reds-jpeg', 'blur_jpeg'),
  redsLayout('reds-comp', 'blur_comp'),
];

async function readReds(root: string, split: string, blur: string): Promise<PairScene[]> {
  const blurRoot = (await folderOf(root, split, `${split}_${blur}`)) ?? path.join(root, `${split}_${blur}`);
  const sharpRoot = path.join(path.dirname(blurRoot), `${split}_sharp`);
  const manifest = await readManifest(root);
  const lengths = new Map(manifest?.sequences.map((sequence) => [sequence.name, sequence.lengths]));
  const scenes: PairScene[] = [];
  for (const name of await subfolders(blurRoot)) {
    const known = lengths.get(`${split}/${name}`);
    const pairs = await partnerFolders(path.join(blurRoot, name), path.join(sharpRoot, name));
    scenes.push({
      name: `${split}/${name}`,
      pairs: pairs.map((pair, i) => ({ ...pair, ...(known?.[i] === undefined ? {} : { length: known[i] }) })),
    });
  }
  return scenes;
}

async function folderOf(root: string, split: string, name: string): Promise<string | undefined> {
  const [found] = await those([path.join(root, name), path.join(root, split, name)], (folder) => isFolder(folder));
  return found;
}
