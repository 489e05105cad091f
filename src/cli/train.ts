import path from 'node:path';
import { Command, Option } from 'commander';
import { checked, readJson } from '../checked.js';
import { DeblurError } from '../errors.js';
import { backendNames, openBackend, type BackendName } from '../runtime/tensorflow/backend.js';
import { trainConfig } from '../train/config.js';
import { eventLog } from '../train/log/event-file.js';
import { jsonlLog } from '../train/log/jsonl-log.js';
import { TrainingView } from '../train/log/terminal-view.js';
import { logTo } from '../train/log/train-log.js';
import { train, type TrainReport } from '../train/trainer.js';
import { interruptSignal } from './exit.js';

interface TrainFlags {
  run?: string;
  backend: BackendName | 'auto';
}

async function trainNetwork(file: string, { run, backend: name }: TrainFlags): Promise<void> {
  const config = checked(trainConfig, readJson(file), `${file} is not right`);
  const folder = path.dirname(file);
  const runFolder = run ?? path.join('runs', path.basename(file, '.json'));
  const backend = await openBackend(name);
  process.stderr.write(`${config.network.name} on ${backend.name}, ${config.steps} steps, in ${runFolder}\n`);
  const signal = interruptSignal();
  const view = new TrainingView(process.stderr, { every: config.logEvery });
  let report: TrainReport;
  try {
    report = await train({
      ...{ config, folder, run: runFolder, backend, signal },
      log: (from) => {
        const log = logTo(jsonlLog(path.join(runFolder, 'log.jsonl'), from), eventLog(runFolder, from));
        log.text(from, 'recipe', JSON.stringify(config));
        return log;
      },
      onNote: (note) => {
        view.note(note);
      },
      onStep: (progress) => {
        view.update(progress);
      },
    });
  } finally {
    view.close();
  }
  process.stdout.write(`${report.model}: ${report.steps} of ${config.steps} steps.\n`);
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
