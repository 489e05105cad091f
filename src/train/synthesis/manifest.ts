import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../../errors.js';
import { AtomicFile } from '../../io/atomic-file.js';
import { manifest as program } from '../../package-root.js';
import type { SequenceRecord } from './sequence.js';

/** What readers of a data set rely on; the rest is for people. */
const schema = z.looseObject({
  width: z.number(),
  height: z.number(),
  sequences: z.array(
    z.looseObject({
      name: z.string(),
      split: z.enum(['train', 'val', 'test']),
      digest: z.string().optional(),
      lengths: z.array(z.number()),
    }),
  ),
});

/** What a data set was made from, and how: `manifest.json` in its folder. */
export type DatasetManifest = z.output<typeof schema>;

const fileName = 'manifest.json';

/**
 * The manifest of a folder, or `undefined` where there is none.
 * @throws DeblurError `INPUT_UNREADABLE` when it is not one.
 */
export async function readManifest(folder: string): Promise<DatasetManifest | undefined> {
  const file = path.join(folder, fileName);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DeblurError('INPUT_UNREADABLE', `${file} can't be read.`, { cause: error });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new DeblurError('INPUT_UNREADABLE', `${file} is not the manifest of a data set.`, { cause });
  }
}

/** What {@link writeManifest} writes. */
export interface ManifestContent {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly sequences: readonly (SequenceRecord | DatasetManifest['sequences'][number])[];
}

/**
 * Writes the manifest, replacing the one before at once.
 * @throws DeblurError `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`.
 */
export async function writeManifest(folder: string, content: ManifestContent): Promise<void> {
  const sequences = [...content.sequences].sort((a, b) => (a.name < b.name ? -1 : 1));
  const text = JSON.stringify({ program: `deblur-stream ${program.version}`, ...content, sequences }, undefined, 1);
  const file = await AtomicFile.create(path.join(folder, fileName), { overwrite: true });
  await file.write(Buffer.from(`${text}\n`));
  await file.commit();
}
