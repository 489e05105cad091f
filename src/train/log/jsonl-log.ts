import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { writeError } from '../../io/atomic-file.js';
import { GrowingFile } from './growing-file.js';
import type { TrainLog } from './train-log.js';

/**
 * A log of one JSON object per line, `{"step": 20, "loss": 0.1}`. A number that JSON has no word for is `null`.
 *
 * @param file the lines of a run that goes on are kept up to `from`; one that breaks off is not.
 * @param from the step that the run begins with.
 * @throws DeblurError `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`; so do the log's methods.
 */
export function jsonlLog(file: string, from: number): TrainLog {
  if (existsSync(file)) keepUntil(file, from);
  const lines = new GrowingFile(file);
  const write = (value: object) => {
    lines.append(Buffer.from(`${JSON.stringify(value)}\n`));
  };
  return {
    scalars: (step, values) => {
      write({ step, ...values });
    },
    picture: () => Promise.resolve(),
    text: (step, name, text) => {
      write({ step, [name]: text });
    },
    close: () => {
      lines.close();
      return Promise.resolve();
    },
  };
}

/** Leaves out the lines after a step. */
function keepUntil(file: string, from: number): void {
  const temporary = `${file}.partial`;
  try {
    const kept = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => {
        const step = /^\{"step":(\d+),.*\}$/.exec(line)?.[1];
        return step !== undefined && Number(step) <= from;
      });
    writeFileSync(temporary, kept.map((line) => `${line}\n`).join(''));
    renameSync(temporary, file);
  } catch (error) {
    throw writeError(file, error as NodeJS.ErrnoException);
  }
}
