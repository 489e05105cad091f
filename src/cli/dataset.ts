import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { checked, readJson } from '../checked.js';
import { DeblurError } from '../errors.js';
import { datasetConfig } from '../train/synthesis/config.js';
import { buildDataset, type BuildReport } from '../train/synthesis/dataset.js';
import { interruptSignal } from './exit.js';
import { count } from './numbers.js';

interface BuildFlags {
  sources?: string;
  seed?: number;
  workers?: number;
  limit?: number;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number is expected.');
  return value;
}

async function build(file: string, given: string | undefined, flags: BuildFlags): Promise<void> {
  const { sources, seed, workers, limit } = flags;
  const values = { ...readJson(file), ...(seed === undefined ? {} : { seed }) };
  const config = checked(datasetConfig, values, `${file} is not right`);
  const folder = path.dirname(file);
  const out = given ?? (config.out === undefined ? undefined : path.join(folder, config.out));
  if (out === undefined) {
    throw new DeblurError('USAGE', `${file} does not say which folder to write.`, {
      hint: 'Name it after the config, or as "out" inside it.',
    });
  }
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} sequences | ETA {eta_formatted}', clearOnComplete: true })
    : undefined;
  let started = false;
  try {
    const report = await buildDataset(config, {
      out,
      sources: sources ?? folder,
      ...(workers === undefined ? {} : { workers }),
      ...(limit === undefined ? {} : { limit }),
      signal: interruptSignal(),
      onSequence: ({ done, total, kept }) => {
        if (bar && !started) bar.start(total, kept);
        started = true;
        bar?.update(done);
        if (!bar && (done % 10 === 0 || done === total)) process.stderr.write(`${done} of ${total} sequences\n`);
      },
    });
    bar?.stop();
    process.stdout.write(summary(report));
  } finally {
    bar?.stop();
  }
}

/** Reasons that are listed before the rest is only counted. */
const mostReasons = 10;

function listed(reasons: readonly string[]): string[] {
  const rest = reasons.length - mostReasons;
  return [...reasons.slice(0, mostReasons), ...(rest > 0 ? [`and ${rest} more`] : [])].map((line) => `  ${line}`);
}

/** What was done, and what was left out and why. */
function summary({ out, made, kept, left, unusable, skipped }: BuildReport): string {
  const also = [
    ...(kept > 0 ? [`${kept} kept`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} could not be made`] : []),
    ...(left > 0 ? [`${left} left for another time`] : []),
  ];
  return [
    `${out}: ${[`${made} sequences made`, ...also].join(', ')}.`,
    ...listed(skipped),
    ...(unusable.length > 0 ? [`${unusable.length} sources could not be used:`] : []),
    ...listed(unusable),
    `Look at ${path.join(out, 'contact-sheet.png')}; ${path.join(out, 'manifest.json')} says what each was made from.`,
    '',
  ].join('\n');
}

/** `deblur dataset`: data for training. */
export function datasetCommand(): Command {
  const command = new Command('dataset').description('make and check data for training');
  command
    .command('build')
    .description('make blurry frames with their sharp truth from sharp photos and clips, in the layout of REDS')
    .argument('<config>', 'what to make: a JSON file such as config/dataset/light.json')
    .argument('[out]', 'the folder to write (default: the config’s); sequences that are there already are kept')
    .option('--sources <folder>', 'where the photos and clips are (default: the config’s folder)')
    .option('--seed <n>', 'everything random follows from it', wholeNumber)
    .option('--workers <n>', 'processes at work (default: one per processor)', count)
    .option('--limit <n>', 'make at most so many sequences now', count)
    .action(build);
  return command;
}
