import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { checked, readJson } from '../checked.js';
import { datasetConfig } from '../train/synthesis/config.js';
import { buildDataset } from '../train/synthesis/dataset.js';
import { interruptSignal } from './exit.js';
import { count } from './numbers.js';

interface BuildFlags {
  sources?: string;
  seed?: number;
  workers?: number;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number is expected.');
  return value;
}

async function build(file: string, out: string, { sources, seed, workers }: BuildFlags): Promise<void> {
  const values = { ...readJson(file), ...(seed === undefined ? {} : { seed }) };
  const config = checked(datasetConfig, values, `${file} is not right`);
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} sequences | ETA {eta_formatted}', clearOnComplete: true })
    : undefined;
  let started = false;
  try {
    const report = await buildDataset(config, {
      out,
      sources: sources ?? path.dirname(file),
      ...(workers === undefined ? {} : { workers }),
      signal: interruptSignal(),
      onSequence: ({ done, total, kept }) => {
        if (bar && !started) bar.start(total, kept);
        started = true;
        bar?.update(done);
        if (!bar && (done % 10 === 0 || done === total)) process.stderr.write(`${done} of ${total} sequences\n`);
      },
    });
    bar?.stop();
    const { made, kept, skipped } = report;
    for (const reason of skipped) process.stderr.write(`left out ${reason}\n`);
    process.stdout.write(
      `${out}: ${made} sequences made${kept > 0 ? `, ${kept} kept` : ''}${skipped.length > 0 ? `, ${skipped.length} left out` : ''}.\n` +
        `Look at ${path.join(out, 'contact-sheet.png')}; ${path.join(out, 'manifest.json')} says what each was made from.\n`,
    );
  } finally {
    bar?.stop();
  }
}

/** `deblur dataset`: data for training. */
export function datasetCommand(): Command {
  const command = new Command('dataset').description('make and check data for training');
  command
    .command('build')
    .description('make blurry frames with their sharp truth from sharp photos and clips, in the layout of REDS')
    .argument('<config>', 'what to make: a JSON file such as config/dataset/light.json')
    .argument('<out>', 'the folder to write; sequences that are there already are kept')
    .option('--sources <folder>', 'where the photos and clips are (default: the config’s folder)')
    .option('--seed <n>', 'everything random follows from it', wholeNumber)
    .option('--workers <n>', 'threads (default: one per processor)', count)
    .action(build);
  return command;
}
