import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DeblurError, throwIfAborted } from '../../errors.js';
import { AtomicFile } from '../../io/atomic-file.js';
import { Random } from '../random.js';
import type { DatasetConfig, Split } from './config.js';
import { drawContactSheet } from './contact-sheet.js';
import { readManifest, writeManifest, type DatasetManifest } from './manifest.js';
import { planDigest, planSequence, type SequencePlan } from './plan.js';
import { removeParts, sequenceFolders, type SequenceRecord } from './sequence.js';
import { SequenceProcess } from './sequence-process.js';
import type { SequenceAnswer } from './sequence-worker.js';
import { findSources, type SourceFile } from './source-files.js';

/** Options of {@link buildDataset}. */
export interface BuildOptions {
  /** The folder to write. */
  readonly out: string;
  /** The folder that sources are looked for in. */
  readonly sources: string;
  /** Processes at work. Default: one per processor. */
  readonly workers?: number;
  /** Make at most so many sequences now; the others are left for another time. Default: all. */
  readonly limit?: number;
  /** Called after each sequence. */
  readonly onSequence?: (progress: { done: number; total: number; kept: number }) => void;
  /** Ends the build at once; complete sequences stay. */
  readonly signal?: AbortSignal;
}

/** What a build did. */
export interface BuildReport {
  readonly out: string;
  /** Sequences made now. */
  readonly made: number;
  /** Sequences that were there already. */
  readonly kept: number;
  /** Sequences that are still to be made, because of the limit. */
  readonly left: number;
  /** Sources that can't be used, each with the reason. */
  readonly unusable: readonly string[];
  /** Sequences that could not be made, each with the reason. */
  readonly skipped: readonly string[];
  readonly manifest: DatasetManifest;
}

const splits: readonly Split[] = ['train', 'val', 'test'];

/**
 * Draws all sequences of a data set: in each split first those from photos, then those from clips, dealt to the
 * sources in turn, in an order that is drawn. Each depends on the seed, its name and the sources alone.
 *
 * @throws DeblurError `INPUT_NOT_FOUND` when a split has sequences and no source.
 */
export function planDataset(config: DatasetConfig, files: readonly SourceFile[]): SequencePlan[] {
  const photos = files.filter(({ kind }) => kind === 'photo');
  return splits.flatMap((split) => {
    const dealt = (['photo', 'clip'] as const).flatMap((kind) => {
      const count = config.sequences[`${kind}s`][split];
      const own = files.filter((file) => file.split === split && file.kind === kind);
      const pool = shuffled(new Random(config.seed).fork(split, kind), own);
      if (pool.length > 0) return Array.from({ length: count }, (_, i) => pool[i % pool.length]!);
      if (count === 0) return [];
      throw new DeblurError('INPUT_NOT_FOUND', `There is no ${kind} for the ${count} sequences of ${split}.`, {
        hint: `Name one in the config's sources with "kind": "${kind}", "split": "${split}", or set sequences.${kind}s.${split} to 0.`,
      });
    });
    return dealt.map((source, i) => {
      const name = `${split}/${String(i).padStart(3, '0')}`;
      return planSequence(new Random(config.seed).fork(name), config, name, source, photos);
    });
  });
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/**
 * Makes blurry and sharp sequences in the REDS layout, with a manifest and a contact sheet. Sequences that are
 * there already are kept; the same config and seed give the same pictures, whatever the number of workers.
 *
 * @throws DeblurError `INPUT_NOT_FOUND` without sources, `INPUT_UNREADABLE` when none is usable, `OUTPUT_EXISTS` when
 * the folder holds other sequences, `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`, `CANCELLED`.
 */
export async function buildDataset(config: DatasetConfig, options: BuildOptions): Promise<BuildReport> {
  const { out, limit = Infinity, signal } = options;
  const { files, unusable } = await findSources(config, options.sources, signal);
  const plans = planDataset(config, files);
  try {
    await mkdir(out, { recursive: true });
  } catch (cause) {
    throw new DeblurError('OUTPUT_UNWRITABLE', `The folder ${out} can't be made.`, { cause });
  }
  const records = await keptRecords(out, plans, config);
  const kept = records.size;
  const missing = plans.filter(({ name }) => !records.has(name));
  const wanted = missing.slice(0, limit);
  const { seed, width, height, frames } = config;
  const write = () => writeManifest(out, { seed, width, height, frames, sequences: [...records.values()] });
  const skipped: string[] = [];
  let done = kept;
  const total = kept + wanted.length;
  try {
    await makeAll(wanted, config, options, async (plan, answer) => {
      done += 1;
      if ('record' in answer) records.set(plan.name, answer.record);
      else skipped.push(`${plan.name}: ${answer.failure.message}`);
      if (done % 8 === 0 && records.size > 0) await write();
      options.onSequence?.({ done, total, kept });
    });
  } catch (cause) {
    if (!signal?.aborted) throw cause;
    throw new DeblurError(
      'CANCELLED',
      `Stopped. ${records.size} of ${plans.length} sequences are complete in ${out}.`,
      {
        hint: 'Start it again to go on from there.',
        cause,
      },
    );
  } finally {
    if (records.size > 0) await write();
  }
  const manifest = await readManifest(out);
  if (!manifest) {
    throw new DeblurError('INPUT_UNREADABLE', `No sequence could be made. ${skipped[0] ?? ''}`.trim());
  }
  const sheet = await AtomicFile.create(path.join(out, 'contact-sheet.png'), { overwrite: true });
  await sheet.write(await drawContactSheet(out, manifest));
  await sheet.commit();
  const made = wanted.length - skipped.length;
  return { out, made, kept, left: missing.length - wanted.length, unusable, skipped, manifest };
}

type Kept = SequenceRecord | DatasetManifest['sequences'][number];

/** The sequences of the plan that are in the folder already. */
async function keptRecords(
  out: string,
  plans: readonly SequencePlan[],
  config: DatasetConfig,
): Promise<Map<string, Kept>> {
  const digests = new Map(plans.map((plan) => [plan.name, planDigest(plan, config)]));
  const kept = new Map<string, Kept>();
  for (const record of (await readManifest(out))?.sequences ?? []) {
    const { blur, sharp } = sequenceFolders(out, record);
    if (!existsSync(blur) || !existsSync(sharp)) continue;
    if (record.digest !== digests.get(record.name)) {
      throw new DeblurError(
        'OUTPUT_EXISTS',
        `${out} holds the sequence ${record.name}, which was made with other settings or sources.`,
        { hint: 'Name another folder, or remove this one.' },
      );
    }
    kept.set(record.name, record);
  }
  return kept;
}

/** Failures of one sequence that don't end the others. */
const tolerated = new Set(['INPUT_UNREADABLE', 'INPUT_NOT_FOUND', 'FORMAT_UNSUPPORTED', 'ENGINE_FAILED']);

/** Hands the plans to processes; `take` gets each answer, one at a time. */
async function makeAll(
  plans: readonly SequencePlan[],
  config: DatasetConfig,
  { out, workers = os.availableParallelism(), signal }: BuildOptions,
  take: (plan: SequencePlan, answer: SequenceAnswer) => Promise<void>,
): Promise<void> {
  throwIfAborted(signal);
  const { seed, width, height, frames, sharpness } = config;
  const processes = Array.from({ length: Math.min(workers, plans.length) }, () => new SequenceProcess());
  const stop = new AbortController();
  const halt = () => {
    stop.abort();
    for (const process of processes) void process.end();
  };
  signal?.addEventListener('abort', halt);
  const queue = plans.values();
  let taking: Promise<void> = Promise.resolve();
  const lane = async (process: SequenceProcess) => {
    for (const plan of queue) {
      const job = { plan, seed, width, height, frames, sharpness, digest: planDigest(plan, config), out };
      const answer = await process.make(job).catch(failureOf);
      if (stop.signal.aborted) {
        await removeParts(out, plan);
        return;
      }
      if ('failure' in answer && !tolerated.has(answer.failure.code)) {
        const { code, message, hint } = answer.failure;
        throw new DeblurError(code, message, { hint });
      }
      taking = taking.then(() => take(plan, answer));
      await taking;
    }
  };
  try {
    const lanes = processes.map((process) =>
      lane(process).catch((error: unknown) => {
        halt();
        throw error;
      }),
    );
    const failed = (await Promise.allSettled(lanes)).find((end) => end.status === 'rejected');
    throwIfAborted(signal);
    if (failed) throw failed.reason;
  } finally {
    signal?.removeEventListener('abort', halt);
    await Promise.all(processes.map((process) => process.end()));
  }
}

function failureOf(error: unknown): SequenceAnswer {
  if (!(error instanceof DeblurError)) throw error;
  return { failure: { code: error.code, message: error.message } };
}
