import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TrainLog } from './train-log.js';

/**
 * A log of one JSON object per line, `{"step": 20, "loss": 0.1}`.
 *
 * @param file the lines of a run that goes on are kept up to `from`.
 * @param from the step that the run begins with.
 */
export function jsonlLog(file: string, from: number): TrainLog {
  mkdirSync(path.dirname(file), { recursive: true });
  if (existsSync(file)) {
    const kept = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => {
        const step = /^\{"step":(\d+),/.exec(line)?.[1];
        return step !== undefined && Number(step) <= from;
      });
    writeFileSync(file, kept.map((line) => `${line}\n`).join(''));
  }
  return {
    scalars: (step, values) => {
      appendFileSync(file, `${JSON.stringify({ step, ...values })}\n`);
    },
    picture: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
