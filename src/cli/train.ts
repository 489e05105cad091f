import path from 'node:path';
import { Command, Option } from 'commander';
import { checked, readJson } from '../checked.js';
import { DeblurError } from '../errors.js';
import { backendNames, openBackend, type BackendName } from '../runtime/tensorflow/backend.js';
import { trainConfig } from '../train/config.js';
import { jsonlLog } from '../train/log/jsonl-log.js';
import { logTo } from '../train/log/train-log.js';
import { train } from '../train/trainer.js';
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
  const report = await train({
    ...{ config, folder, run: runFolder, backend, signal },
    log: (from) => logTo(jsonlLog(path.join(runFolder, 'log.jsonl'), from)),
    onNote: (note) => process.stderr.write(`${note}\n`),
    onStep: ({ step, steps, loss, rate, speed, validation }) => {
      if (step % config.logEvery !== 0) return;
      const score = validation ? `, validation ${validation.psnr.toFixed(2)} dB (${signed(validation.gain)})` : '';
      process.stderr.write(
        `step ${step}/${steps}: loss ${loss.toPrecision(4)}, rate ${rate.toPrecision(3)}, ${speed.toFixed(2)} steps/s${score}\n`,
      );
    },
  });
  process.stdout.write(`${report.model}: ${report.steps} of ${config.steps} steps.\n`);
  if (!report.complete) {
    throw new DeblurError(
      'CANCELLED',
      `Stopped at step ${report.steps}; the run goes on from there when it is started again.`,
    );
  }
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
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
