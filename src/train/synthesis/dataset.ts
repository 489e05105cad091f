import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Piscina } from 'piscina';
import { glob } from 'tinyglobby';
import { cancelled, DeblurError, throwIfAborted } from '../../errors.js';
import { packagePath } from '../../package-root.js';
import { Random } from '../random.js';
import { drawContactSheet } from './contact-sheet.js';
import type { DatasetConfig, Split } from './config.js';
import { readManifest, writeManifest, type DatasetManifest } from './manifest.js';
import { planSequence, type SequencePlan, type SourceFile } from './plan.js';
import { sequenceFolders, type SequenceJob, type SequenceRecord } from './sequence.js';
import type { SequenceAnswer } from './sequence-worker.js';

/** Options of {@link buildDataset}. */
export interface BuildOptions {
  /** The folder to write. */
  readonly out: string;
  /** The folder that sources are looked for in. */
  readonly sources: string;
  /** Threads. Default: one per processor. */
  readonly workers?: number;
  /** Called after each sequence. */
  readonly onSequence?: (progress: { done: number; total: number; kept: number }) => void;
  readonly signal?: AbortSignal;
}

/** What a build did. */
export interface BuildReport {
  readonly out: string;
  /** Sequences made now. */
  readonly made: number;
  /** Sequences that were there already. */
  readonly kept: number;
  /** Sequences left out, each with the reason. */
  readonly skipped: readonly string[];
  readonly manifest: DatasetManifest;
}

const splits: readonly Split[] = ['train', 'val', 'test'];

/** The files of the sources, in the order of the config and of their names. */
async function findSources(config: DatasetConfig, folder: string): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const { files, kind, licence, split } of config.sources) {
    const names = await glob(files, { cwd: folder });
    for (const name of names.sort()) {
      const absolute = path.join(folder, name);
      // An earlier entry decides: held-back files are named before the pattern that would take them in.
      if (!found.some((file) => file.path === absolute)) found.push({ path: absolute, name, kind, licence, split });
    }
  }
  if (found.length > 0) return found;
  throw new DeblurError('INPUT_NOT_FOUND', `None of the config's sources is in ${folder}.`, {
    hint: `The first one is "${config.sources[0]?.files}". Say with --sources where the pictures are.`,
  });
}

/** Draws all sequences of a data set. Each depends on the seed and its own name alone. */
export function planDataset(config: DatasetConfig, files: readonly SourceFile[]): SequencePlan[] {
  const photos = files.filter(({ kind }) => kind === 'photo');
  return splits.flatMap((split) => {
    const own = (kind: SourceFile['kind']) => files.filter((file) => file.split === split && file.kind === kind);
    const count = config.sequences[split];
    const pools = { photo: own('photo'), clip: own('clip') };
    if (pools.photo.length + pools.clip.length === 0) {
      if (count === 0 || split !== 'train') return [];
      throw new DeblurError('INPUT_NOT_FOUND', `There are no sources for the ${split} sequences.`);
    }
    const dealt = { photo: 0, clip: 0 };
    return Array.from({ length: count }, (_, i) => {
      const wanted = Math.floor((i + 1) * config.clips) > Math.floor(i * config.clips) ? 'clip' : 'photo';
      const kind = pools[wanted].length > 0 ? wanted : wanted === 'clip' ? 'photo' : 'clip';
      const pool = pools[kind];
      const source = pool[dealt[kind] % pool.length];
      dealt[kind] += 1;
      if (!source) throw new RangeError('a pool is empty');
      const name = `${split}/${String(i).padStart(3, '0')}`;
      return planSequence(new Random(config.seed).fork(name), config, name, source, photos);
    });
  });
}

/**
 * Makes blurry and sharp sequences in the REDS layout, with a manifest and a contact sheet. Sequences that are
 * there already are kept; the same config and seed give the same pictures, whatever the number of workers.
 *
 * @throws DeblurError `INPUT_NOT_FOUND` without sources, `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`, `CANCELLED`.
 */
export async function buildDataset(config: DatasetConfig, options: BuildOptions): Promise<BuildReport> {
  const { out, sources, workers = os.availableParallelism(), onSequence, signal } = options;
  const plans = planDataset(config, await findSources(config, sources));
  try {
    await mkdir(out, { recursive: true });
  } catch (cause) {
    throw new DeblurError('OUTPUT_UNWRITABLE', `The folder ${out} can't be made.`, { cause });
  }
  const before = await readManifest(out);
  const { seed, width, height, frames, sharpness } = config;
  if (before && (before.seed !== seed || before.width !== width || before.height !== height)) {
    throw new DeblurError('OUTPUT_EXISTS', `${out} holds a data set that was made with another seed or size.`, {
      hint: 'Name another folder, or remove this one.',
    });
  }
  const records = new Map<string, SequenceRecord>();
  for (const record of before?.sequences ?? []) {
    const { blur, sharp } = sequenceFolders(out, record as Pick<SequencePlan, 'name' | 'split'>);
    if (existsSync(blur) && existsSync(sharp)) records.set(record.name, record);
  }
  const missing = plans.filter(({ name }) => !records.has(name));
  const kept = plans.length - missing.length;
  const skipped: string[] = [];
  let done = kept;
  const write = () => writeManifest(out, { seed, width, height, sequences: [...records.values()] });

  const pool = new Piscina<SequenceJob, SequenceAnswer>({
    filename: packagePath('dist/src/train/synthesis/sequence-worker.js'),
    maxThreads: workers,
  });
  try {
    await Promise.all(
      missing.map(async (plan) => {
        const job = { plan, seed, width, height, frames, sharpness, out };
        const answer = await pool.run(job, signal ? { signal } : {});
        done += 1;
        if ('record' in answer) {
          records.set(plan.name, answer.record);
          if (records.size % 8 === 0) await write();
        } else {
          const { code, message, hint } = answer.failure;
          if (code !== 'INPUT_UNREADABLE' && code !== 'FORMAT_UNSUPPORTED')
            throw new DeblurError(code, message, { hint });
          skipped.push(`${plan.name}: ${message}`);
        }
        onSequence?.({ done, total: plans.length, kept });
      }),
    );
  } catch (error) {
    throwIfAborted(signal);
    if (signal?.aborted) throw cancelled(signal);
    throw error;
  } finally {
    await pool.destroy();
    if (records.size > 0) await write();
  }
  if (records.size === 0) {
    throw new DeblurError('INPUT_UNREADABLE', `No sequence could be made. ${skipped[0] ?? ''}`.trim());
  }
  const manifest = await readManifest(out);
  if (!manifest) throw new RangeError('the manifest was just written');
  await writeFile(path.join(out, 'contact-sheet.png'), await drawContactSheet(out, manifest));
  return { out, made: missing.length - skipped.length, kept, skipped, manifest };
}
