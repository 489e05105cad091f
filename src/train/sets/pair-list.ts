import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DeblurError } from '../../errors.js';
import { isFile } from './folders.js';
import type { FramePair } from './pair-set.js';

/** Files whose being there is looked up at once. */
const atOnce = 64;

/**
 * Reads a list of pairs as RealBlur and RSBlur have them: the sharp picture's path and the blurry one's on each line.
 *
 * @param root The set's folder. Paths begin there or in the folder around it, as the first line shows.
 * @throws DeblurError `INPUT_UNREADABLE` that names the first line that is no pair, or the first picture that is missing.
 */
export async function readPairList(file: string, root: string): Promise<FramePair[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new DeblurError('INPUT_NOT_FOUND', `The list ${file} can't be read.`, { cause });
  }
  const listed = text.split(/\r?\n/).flatMap((line, i) => {
    const [sharp, blur] = line.trim().split(/\s+/);
    if (sharp === undefined || sharp === '') return [];
    if (blur === undefined || ![sharp, blur].every(staysInside)) {
      throw new DeblurError(
        'INPUT_UNREADABLE',
        `Line ${i + 1} of ${file} is not the paths of two pictures of the set.`,
      );
    }
    return { sharp, blur };
  });
  const around = path.dirname(path.resolve(root));
  const base =
    listed[0] && !(await isFile(root, listed[0].sharp)) && (await isFile(around, listed[0].sharp)) ? around : root;
  const pairs = listed.map(({ sharp, blur }) => ({ blur: path.join(base, blur), sharp: path.join(base, sharp) }));
  await checkListed(pairs, file);
  return pairs;
}

/**
 * Looks whether the pictures of pairs are there.
 *
 * @param list the file that names them, for the error.
 * @throws DeblurError `INPUT_UNREADABLE` that names the first one that is missing.
 */
export async function checkListed(pairs: readonly FramePair[], list: string): Promise<void> {
  const files = pairs.flatMap(({ blur, sharp }) => [blur, sharp]);
  for (let i = 0; i < files.length; i += atOnce) {
    const some = files.slice(i, i + atOnce);
    const there = await Promise.all(some.map((file) => isFile(file)));
    const missing = some.find((_, k) => !there[k]);
    if (missing !== undefined) throw new DeblurError('INPUT_UNREADABLE', `${missing} is missing, which ${list} lists.`);
  }
}

/** Whether a path in a list stays below where it begins. */
export function staysInside(listed: string): boolean {
  const normal = path.normalize(listed);
  return !path.isAbsolute(normal) && normal.split(path.sep)[0] !== '..';
}
