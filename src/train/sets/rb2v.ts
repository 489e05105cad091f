import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../../errors.js';
import { isFile, subfolders, those } from './folders.js';
import { groupScenes } from './group-scenes.js';
import type { Layout } from './layout.js';
import { checkListed, staysInside } from './pair-list.js';
import type { FramePair } from './pair-set.js';

const inside = z.string().refine(staysInside, 'a path of the set');
/** Of an entry, only these keys are used, and its `frame001_path` to `frame007_path`. */
const metadata = z.object({
  frame_per_seq: z.int().min(1),
  data: z.array(z.looseObject({ partition: z.string(), blur_path: inside })),
});

const fileName = 'metadata.json';

/**
 * RB2V (Pham et al., CVPR 2023): `Street/00000/{blur/0000.png,sharp/0000_1.png … sharp/0000_7.png}`, where
 * `Street/metadata.json` tells the partition of each blurry frame and its sharp ones. The middle one is its truth. The
 * folder is one of the three categories, or the one that holds them.
 */
export const rb2v: Layout = {
  name: 'rb2v',
  shape: '00000/blur/0000.png, 00000/sharp/0000_1.png … 0000_7.png and metadata.json',
  splits: async (root) => {
    const entries = await Promise.all((await categoriesOf(root)).map((folder) => entriesOf(folder)));
    const partitions = new Set(entries.flat().map(({ partition }) => partition));
    return ['train', 'val', 'test'].filter((split) => partitions.has(split));
  },
  read: async (root, split) => {
    const pairs: FramePair[] = [];
    for (const folder of await categoriesOf(root)) {
      const listed = (await entriesOf(folder)).filter(({ partition }) => partition === split);
      pairs.push(
        ...listed.map(({ blur, sharp }) => ({ blur: path.join(folder, blur), sharp: path.join(folder, sharp) })),
      );
    }
    await checkListed(pairs, fileName);
    return groupScenes(pairs, ({ blur }) => path.relative(root, path.dirname(path.dirname(blur))));
  },
};

async function categoriesOf(root: string): Promise<string[]> {
  const folders = [root, ...(await subfolders(root)).map((name) => path.join(root, name))];
  return those(folders, (folder) => isFile(folder, fileName));
}

async function entriesOf(folder: string) {
  const file = path.join(folder, fileName);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new DeblurError('INPUT_UNREADABLE', `${file} can't be read.`, { cause });
  }
  const read = metadata.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    const what = `"${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'unknown'}`;
    throw new DeblurError('INPUT_UNREADABLE', `${file} is not the metadata of RB2V: ${what}.`, { cause: read.error });
  }
  const { data, frame_per_seq: frames } = read.data;
  const middle = `frame${String((frames + 1) >> 1).padStart(3, '0')}_path`;
  return data.map(({ partition, blur_path: blur, ...rest }, i) => {
    const sharp = inside.safeParse(rest[middle]);
    if (!sharp.success) {
      throw new DeblurError('INPUT_UNREADABLE', `Entry ${i + 1} of ${file} has no ${middle}.`);
    }
    return { partition, blur, sharp: sharp.data };
  });
}
