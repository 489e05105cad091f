import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../../errors.js';
import { AtomicFile } from '../../io/atomic-file.js';
import { manifest as program } from '../../package-root.js';
import type { SequenceRecord } from './sequence.js';

const record = z.object({
  name: z.string(),
  split: z.string(),
  source: z.string(),
  licence: z.string(),
  kind: z.string(),
  foreground: z.string().optional(),
  exposure: z.number(),
  readout: z.number(),
  response: z.string(),
  noise: z.number(),
  compression: z.object({ codec: z.string(), crf: z.number() }).optional(),
  lengths: z.array(z.number()),
});

const schema = z.object({
  program: z.string(),
  seed: z.number(),
  width: z.number(),
  height: z.number(),
  sequences: z.array(record),
});

/** What a data set was made from, and how: `manifest.json` in its folder. */
export interface DatasetManifest {
  /** The program and its version. */
  readonly program: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly sequences: readonly SequenceRecord[];
}

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

/** Writes the manifest, replacing the one before at once. */
export async function writeManifest(folder: string, value: Omit<DatasetManifest, 'program'>): Promise<void> {
  const sequences = [...value.sequences].sort((a, b) => a.name.localeCompare(b.name));
  const text = JSON.stringify({ program: `deblur-stream ${program.version}`, ...value, sequences }, undefined, 1);
  const file = await AtomicFile.create(path.join(folder, fileName), { overwrite: true });
  await file.write(Buffer.from(`${text}\n`));
  await file.commit();
}
