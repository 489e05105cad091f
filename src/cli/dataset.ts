import path from 'node:path';
import { Command, Option } from 'commander';
import { checked, readExtended } from '../checked.js';
import { DeblurError } from '../errors.js';
import { cameraResponses } from '../train/synthesis/camera-response.js';
import { datasetConfig } from '../train/synthesis/config.js';
import { buildDataset, type BuildReport } from '../train/synthesis/dataset.js';
import { blurPictures } from '../train/known-blur/blur-pictures.js';
import { kernelWizardBlur } from '../train/known-blur/kernel-wizard-blur.js';
import type { KnownBlur } from '../train/known-blur/known-blur.js';
import { readMotionFields } from '../train/known-blur/motion-fields.js';
import { syntheticBlur } from '../train/known-blur/synthetic-blur.js';
import { openPairSet } from '../train/sets/open-set.js';
import { findFootage } from '../train/split/footage.js';
import { splitFootage, type SplitReport } from '../train/split/split-footage.js';
import { CountBar } from './count-bar.js';
import { interruptSignal } from './exit.js';
import { count, fraction, wholeNumber } from './numbers.js';

interface BuildFlags {
  sources?: string;
  seed?: number;
  workers?: number;
  limit?: number;
}

async function build(file: string, given: string | undefined, flags: BuildFlags): Promise<void> {
  const { sources, seed, workers, limit } = flags;
  const values = { ...readExtended(file), ...(seed === undefined ? {} : { seed }) };
  const config = checked(datasetConfig, values, `${file} is not right`);
  const folder = path.dirname(file);
  const out = given ?? (config.out === undefined ? undefined : path.join(folder, config.out));
  if (out === undefined) {
    throw new DeblurError('USAGE', `${file} does not say which folder to write.`, {
      hint: 'Name it after the config, or as "out" inside it.',
    });
  }
  using bar = new CountBar('{bar} {value}/{total} sequences | ETA {eta_formatted}');
  const report = await buildDataset(config, {
    out,
    sources: sources ?? folder,
    ...(workers === undefined ? {} : { workers }),
    ...(limit === undefined ? {} : { limit }),
    signal: interruptSignal(),
    onSequence: ({ done, total, kept }) => {
      bar.update({ done, total, kept });
      if (!bar.visible && (done % 10 === 0 || done === total)) process.stderr.write(`${done} of ${total} sequences\n`);
    },
  });
  bar.stop();
  process.stdout.write(summary(report));
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

interface SplitFlags {
  ratio?: number;
  least?: number;
  perScene?: number;
  gap?: number;
  step?: number;
  longest?: number;
  overwrite?: boolean;
}

async function split(paths: readonly string[], flags: SplitFlags): Promise<void> {
  const out = paths[paths.length - 1];
  if (out === undefined || paths.length < 2) {
    throw new DeblurError('USAGE', 'The footage and the folder to write are needed.', {
      hint: 'For instance: deblur dataset split clips/ photo.jpg own-camera/',
    });
  }
  using bar = new CountBar('{bar} {doing} {value}/{total}');
  const report = await splitFootage(paths.slice(0, -1), {
    ...flags,
    out,
    signal: interruptSignal(),
    onProgress: ({ doing, done, total }) => {
      bar.update({ doing, done, total, kept: done });
    },
  });
  bar.stop();
  process.stdout.write(splitSummary(report));
}

function splitSummary({ out, scenes, frames, looked, unusable }: SplitReport): string {
  return [
    `${path.join(out, 'trainA')}: ${frames.blurry} blurry frames of ${scenes.blurry} scenes.`,
    `${path.join(out, 'trainB')}: ${frames.sharp} sharp frames of ${scenes.sharp} scenes.`,
    `${looked} frames were looked at.`,
    ...(unusable.length > 0 ? [`${unusable.length} files could not be used:`] : []),
    ...listed(unusable),
    `Look at ${path.join(out, 'contact-sheet.png')}; ${path.join(out, 'manifest.json')} says where each frame is from.`,
    '',
  ].join('\n');
}

interface BlurFlags {
  clips?: string[];
  kernelWizard?: string;
  pairs?: string;
  minLength: number;
  maxLength: number;
  response: string;
  shortSide?: number;
  variants?: number;
  seed?: number;
}

async function blur(from: string, to: string, flags: BlurFlags): Promise<void> {
  const { variants, seed, shortSide } = flags;
  const signal = interruptSignal();
  using bar = new CountBar('{bar} {value}/{total} pictures | ETA {eta_formatted}');
  await using known = await knownBlur(flags, signal);
  const { made, kept } = await blurPictures(known, {
    ...{ from, to, signal },
    ...(variants === undefined ? {} : { variants }),
    ...(seed === undefined ? {} : { seed }),
    ...(shortSide === undefined ? {} : { shortSide }),
    onPicture: ({ done, total }) => {
      bar.update({ done, total });
    },
  });
  bar.stop();
  process.stdout.write(`${to}: ${made} pictures blurred${kept > 0 ? `, ${kept} kept` : ''}; ${known.name}.\n`);
}

async function knownBlur(flags: BlurFlags, signal: AbortSignal): Promise<KnownBlur> {
  const { clips = [], kernelWizard: weights, pairs, minLength: min, maxLength: max, response } = flags;
  if (weights !== undefined && pairs !== undefined) {
    const { scenes } = await openPairSet(pairs);
    return kernelWizardBlur({ weights, pairs: scenes.flatMap((scene) => scene.pairs) });
  }
  if (weights !== undefined || pairs !== undefined) {
    throw new DeblurError('USAGE', '--kernel-wizard and --pairs go together.', {
      hint: 'KernelWizard takes the blur of pairs and gives it to other pictures.',
    });
  }
  if (min > max) throw new DeblurError('USAGE', `--min-length ${min} is more than --max-length ${max}.`);
  const files = clips.length === 0 ? [] : await findFootage(clips);
  const videos = files.filter(({ kind }) => kind === 'clip').map((file) => file.path);
  const fields = videos.length === 0 ? [] : await readMotionFields(videos, { signal });
  return syntheticBlur({ fields, length: { min, max }, response });
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
  command
    .command('split')
    .description(
      "take one camera's blurry and sharp frames apart, for Blur2Blur: trainA and trainB, from other scenes each",
    )
    .argument('<footage...>', 'clips, photos and folders of them; the last name is the folder to write')
    .option('--ratio <0..1>', 'part of the scenes that gives blurry frames (default: 0.6)', fraction)
    .option('--least <n>', 'fewest frames of each kind (default: 24)', count)
    .option('--per-scene <n>', 'most frames of a scene (default: 120)', count)
    .option('--gap <n>', 'least distance of chosen frames in a clip (default: 3)', count)
    .option('--step <n>', 'look at every n-th frame of clips (default: 1)', count)
    .option('--longest <n>', 'frames of a shot after which another scene begins (default: 300)', count)
    .option('--overwrite', 'replace the folder')
    .action(split);
  command
    .command('blur')
    .description('give sharp pictures a known blur and leave all else as the camera made it, for Blur2Blur: trainC')
    .argument('<from>', 'folder of sharp pictures, for instance trainB')
    .argument('<to>', 'folder to write; pictures that are there already are kept')
    .option('--clips <footage...>', "blur along these clips' motion (default: as a hand moves)")
    .option('--min-length <n>', 'shortest blur in pixels', count, 3)
    .option('--max-length <n>', 'longest blur in pixels', count, 24)
    .addOption(
      new Option('--response <name>', 'how the camera turns light into code values')
        .choices(cameraResponses.map(({ name }) => name))
        .default('srgb'),
    )
    .option('--kernel-wizard <weights>', "blur with KernelWizard: its authors' checkpoint")
    .option('--pairs <set>', 'pairs whose blur KernelWizard takes')
    .option('--short-side <n>', 'pixels of the shorter side that pictures are resized to before', count)
    .option('--variants <n>', 'blurred pictures of each sharp one (default: 1)', count)
    .option('--seed <n>', 'everything random follows from it', wholeNumber)
    .action(blur);
  return command;
}
