import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { jsonlLog } from '../../src/train/log/jsonl-log.js';
import type { TrainOptions } from '../../src/train/trainer.js';

/** What every kind of training takes, beside its recipe. */
export type RunOptions = Pick<TrainOptions, 'run' | 'log' | 'signal' | 'onStep'>;

/**
 * Trains in a folder, and reads what the run logged.
 * @param stopAfter the step after which the run is interrupted.
 */
export async function runTraining<Report, Line>(
  folder: string,
  stopAfter: number,
  train: (options: RunOptions) => Promise<Report>,
): Promise<{ report: Report; lines: Line[] }> {
  const file = path.join(folder, 'log.jsonl');
  const stop = new AbortController();
  const report = await train({
    run: folder,
    log: (from) => jsonlLog(file, from),
    signal: stop.signal,
    onStep: ({ step }) => {
      if (step >= stopAfter) stop.abort();
    },
  });
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return { report, lines: lines.map((line) => JSON.parse(line) as Line) };
}
