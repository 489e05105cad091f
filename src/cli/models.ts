import { Command } from 'commander';
import { addModel } from '../models/add-model.js';
import type { PublishedScore } from '../models/catalogue.js';
import { listModels, type ModelListing } from '../models/registry.js';
import { interruptSignal } from './exit.js';
import { describeBytes } from './bytes.js';

interface AddFlags {
  sha256?: string;
}

function describeScore({ dataset, psnr, ssim, source }: PublishedScore): string {
  const structure = ssim === undefined ? '' : `, SSIM ${ssim.toFixed(3)}`;
  return `${dataset} ${psnr.toFixed(2)} dB${structure} (published: ${source})`;
}

function describeModel(model: ModelListing): string {
  const { name, title, parameters, bytes, colour, licence, score, citation, path, install } = model;
  const rows = [
    ['network', title],
    ['size', `${(parameters / 1e6).toFixed(1)} M parameters, ${describeBytes(bytes)}`],
    ['colour', colour.toUpperCase()],
    ['score', score ? describeScore(score) : 'none published that we could verify'],
    ['licence', licence],
    ['citation', citation],
    ['weights', path ?? `not installed; ${install}`],
  ] as const;
  return `${name}\n${rows.map(([label, text]) => `  ${label.padEnd(9)} ${text}\n`).join('')}`;
}

function list(flags: { json?: boolean }): void {
  const models = listModels();
  if (!flags.json) {
    process.stdout.write(`${models.map(describeModel).join('\n')}\nAn .onnx file of your own is used by its path.\n`);
    return;
  }
  const plain = models.map(({ network, ...rest }) => ({
    ...rest,
    network: network.name,
    present: rest.path !== undefined,
  }));
  process.stdout.write(`${JSON.stringify(plain, undefined, 2)}\n`);
}

async function add(name: string, source: string, { sha256 }: AddFlags): Promise<void> {
  const interactive = process.stderr.isTTY;
  const added = await addModel(name, source, {
    sha256,
    signal: interruptSignal(),
    onProgress: (received, total) => {
      if (!interactive) return;
      const share = total === undefined ? '' : ` of ${describeBytes(total)}`;
      process.stderr.write(`\r\x1b[K${describeBytes(received)}${share}`);
    },
  });
  if (interactive) process.stderr.write('\r\x1b[K');
  process.stdout.write(`${added.name} is installed: ${added.path}\nSHA-256 of the checkpoint: ${added.sha256}\n`);
}

/** `deblur models` and `deblur models add NAME FILE|URL` */
export function modelsCommand(): Command {
  return new Command('models')
    .description('list the models, or install a published checkpoint')
    .option('--json', 'as JSON')
    .action(list)
    .addCommand(
      new Command('add')
        .description("install a model's published checkpoint (PyTorch, whatever its name ends in, or .safetensors)")
        .argument('<name>', 'a name of "deblur models"')
        .argument('<source>', 'a file, or an https address')
        .option('--sha256 <hex>', 'refuse the file when its SHA-256 is another')
        .action(add),
    );
}
