import { DeblurError } from '../../errors.js';
import { didYouMean } from '../../nearest.js';
import { bsd } from './bsd.js';
import { isFolder } from './folders.js';
import { gopro } from './gopro.js';
import { hide } from './hide.js';
import type { Layout } from './layout.js';
import type { PairSet } from './pair-set.js';
import { plainPairs } from './plain-pairs.js';
import { rb2v } from './rb2v.js';
import { realblur } from './realblur.js';
import { reds } from './reds.js';
import { rsblur } from './rsblur.js';

/** In the order in which a folder is compared with them: where letters' case does not count, BSD also looks like GoPro. */
const layouts: readonly Layout[] = [...reds, bsd, ...gopro, rb2v, ...realblur, rsblur, hide, plainPairs];

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
 * or names the first file that does not fit; `USAGE` for a layout or a split that there is not.
 */
export async function openPairSet(root: string, { layout, split = 'train' }: OpenSetOptions = {}): Promise<PairSet> {
  if (!(await isFolder(root))) throw new DeblurError('INPUT_NOT_FOUND', `There is no folder ${root}.`);
  const { found, splits } = await (layout === undefined ? recognised(root) : named(root, layout));
  // Sets call it by either name.
  const part = split === 'valid' && !splits.includes(split) ? 'val' : split;
  if (!splits.includes(part)) {
    const hint = didYouMean(split, splits) ?? `It has ${splits.join(', ')}.`;
    throw new DeblurError('USAGE', `${root} (${found.name}) has no split "${split}".`, { hint });
  }
  const scenes = (await found.read(root, part)).filter(({ pairs }) => pairs.length > 0);
  if (scenes.length === 0) {
    throw new DeblurError('INPUT_UNREADABLE', `${root} has no pairs of the split "${split}".`, {
      hint: `The layout ${found.name} is ${found.shape}.`,
    });
  }
  return { layout: found.name, root, scenes };
}

interface Match {
  readonly found: Layout;
  readonly splits: readonly string[];
}

async function named(root: string, name: string): Promise<Match> {
  const found = layouts.find((layout) => layout.name === name);
  if (!found) {
    throw new DeblurError('USAGE', `There is no layout ${name}.`, {
      hint: didYouMean(name, layoutNames) ?? `Known layouts: ${layoutNames.join(', ')}.`,
    });
  }
  const splits = await found.splits(root);
  if (splits.length === 0) {
    throw new DeblurError('INPUT_UNREADABLE', `${root} is not laid out as ${name}.`, { hint: `It is ${found.shape}.` });
  }
  return { found, splits };
}

async function recognised(root: string): Promise<Match> {
  for (const found of layouts) {
    const splits = await splitsOrNone(found, root);
    if (splits.length > 0) return { found, splits };
  }
  throw new DeblurError('INPUT_UNREADABLE', `${root} has none of the known layouts (${layoutNames.join(', ')}).`, {
    hint: `The simplest is ${plainPairs.shape}.`,
  });
}

/** What can't be read as a layout is not of that layout. */
async function splitsOrNone(layout: Layout, root: string): Promise<readonly string[]> {
  try {
    return await layout.splits(root);
  } catch (error) {
    if (error instanceof DeblurError && error.code.startsWith('INPUT_')) return [];
    throw error;
  }
}
