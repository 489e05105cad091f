import { existsSync } from 'node:fs';
import path from 'node:path';
import { readManifest } from '../synthesis/manifest.js';
import { partnerFolders, subfolders } from './folders.js';
import type { PairScene } from './pair-set.js';

/**
 * REDS (Nah et al., CVPR Workshops 2019), and what `deblur dataset build` makes: `train_blur/000/00000000.png` beside
 * `train_sharp/000/00000000.png`. A manifest beside them tells the length of each frame's blur.
 */
export async function readReds(root: string, split: string): Promise<PairScene[]> {
  const [blurRoot, sharpRoot] = [path.join(root, `${split}_blur`), path.join(root, `${split}_sharp`)];
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

/** Whether a folder looks like REDS. */
export function looksLikeReds(root: string): boolean {
  return ['train', 'val', 'test'].some((split) => existsSync(path.join(root, `${split}_blur`)));
}
