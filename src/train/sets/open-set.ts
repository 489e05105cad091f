import path from 'node:path';
import { DeblurError } from '../../errors.js';
import type { PairScene, PairSet } from './pair-set.js';
import { looksLikeReds, readReds } from './reds.js';

/** A published way of laying out blurry and sharp frames. */
interface Layout {
  readonly name: string;
  /** Whether a folder looks like it. */
  readonly matches: (root: string) => boolean;
  readonly read: (root: string, split: string) => Promise<PairScene[]>;
}

const layouts: readonly Layout[] = [{ name: 'reds', matches: looksLikeReds, read: readReds }];

/** Names of the layouts. */
export const layoutNames: readonly string[] = layouts.map(({ name }) => name);

/** Options of {@link openPairSet}. */
export interface OpenSetOptions {
  /** One of {@link layoutNames}. Default: recognised by the folders. */
  readonly layout?: string;
  /** Which part. Default `train`. */
  readonly split?: string;
}

/**
 * Finds the pairs of a published set.
 *
 * @throws DeblurError `INPUT_NOT_FOUND` without the folder, `INPUT_UNREADABLE` when it fits no layout, has no pairs,
 * or names the first file that does not fit.
 */
export async function openPairSet(root: string, { layout, split = 'train' }: OpenSetOptions = {}): Promise<PairSet> {
  const found = layouts.find(({ name, matches }) => (layout === undefined ? matches(root) : name === layout));
  if (!found) {
    throw new DeblurError(
      'INPUT_UNREADABLE',
      layout === undefined
        ? `${root} has none of the known layouts (${layoutNames.join(', ')}).`
        : `There is no layout ${layout}.`,
      { hint: `Known layouts: ${layoutNames.join(', ')}.` },
    );
  }
  const scenes = (await found.read(root, split)).filter(({ pairs }) => pairs.length > 0);
  if (scenes.length === 0) {
    throw new DeblurError('INPUT_UNREADABLE', `${path.join(root)} has no pairs of the split "${split}".`);
  }
  return { layout: found.name, root, scenes };
}
