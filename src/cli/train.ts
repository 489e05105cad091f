import path from 'node:path';
import { Command, Option } from 'commander';
import { checked, readExtended } from '../checked.js';
import { DeblurError } from '../errors.js';
import { backendNames, openBackend, type BackendName } from '../runtime/tensorflow/backend.js';
import { blur2blurConfig } from '../train/blur2blur/config.js';
import { trainBlur2Blur } from '../train/blur2blur/trainer.js';
import { trainConfig } from '../train/config.js';
import { eventLog } from '../train/log/event-file.js';
import { jsonlLog } from '../train/log/jsonl-log.js';
import { TrainingView } from '../train/log/terminal-view.js';
import { logTo } from '../train/log/train-log.js';
import { train, type TrainOptions, type TrainReport } from '../train/trainer.js';
import { interruptSignal } from './exit.js';

interface TrainFlags {
  run?: string;
  backend: BackendName | 'auto';
}

/** A recipe, told apart by its method, and what runs it. */
function recipeOf(file: string) {
  const value = readExtended(file);
  const what = `${file} is not right`;
  if (value['method'] === 'blur2blur') {
    const config = checked(blur2blurConfig, value, what);
    const start = (options: Omit<TrainOptions, 'config'>) => trainBlur2Blur({ ...options, config });
    return { config, title: 'Blur2Blur', start };
  }
  const config = checked(trainConfig, value, what);
  const start = (options: Omit<TrainOptions, 'config'>) => train({ ...options, config });
  return { config, title: config.network.name, start };
}

async function trainNetwork(file: string, { run, backend: name }: TrainFlags): Promise<void> {
  const { config, title, start } = recipeOf(file);
  const folder = path.dirname(file);
  const runFolder = run ?? path.join('runs', path.basename(file, '.json'));
  const backend = await openBackend(name);
  process.stderr.write(`${title} on ${backend.name}, in ${runFolder}\n`);
  const signal = interruptSignal();
  const view = new TrainingView(process.stderr, { every: config.logEvery });
  let report: TrainReport;
  let steps = 0;
  try {
    report = await start({
      ...{ folder, run: runFolder, backend, signal },
      log: (from) => {
        const log = logTo(jsonlLog(path.join(runFolder, 'log.jsonl'), from), eventLog(runFolder, from));
        log.text(from, 'recipe', JSON.stringify(config));
        return log;
      },
      onNote: (note) => {
        view.note(note);
      },
      onStep: (progress) => {
        steps = progress.steps;
        view.update(progress);
      },
    });
  } finally {
    view.close();
  }
  process.stdout.write(`${report.model}: ${report.steps}${steps > 0 ? ` of ${steps}` : ''} steps.\n`);
  if (!report.complete) {
    throw new DeblurError(
      'CANCELLED',
      `Stopped at step ${report.steps}; the run goes on from there when it is started again.`,
    );
  }
}

/** `deblur train CONFIG`: trains a network. */
export function trainCommand(): Command {
  return new Command('train')
    .description('train a network on blurry frames and their sharp truth; goes on where its folder has a checkpoint')
    .argument('<config>', 'the recipe: a JSON file such as config/train/light.json')
    .option('--run <folder>', 'where checkpoints, logs and the result go (default: runs/ and the recipe’s name)')
    .addOption(
      new Option('--backend <name>', 'where TensorFlow.js computes').choices(['auto', ...backendNames]).default('auto'),
    )
    .action(trainNetwork);
}
