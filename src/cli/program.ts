import { Command } from 'commander';
import { manifest } from '../package-root.js';
import { adaptCommand } from './adapt.js';
import { compareCommand } from './compare.js';
import { datasetCommand } from './dataset.js';
import { devicesCommand } from './devices.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { modelsCommand } from './models.js';
import { runCommand } from './run.js';
import { serveCommand } from './serve.js';
import { trainCommand } from './train.js';

/** The command line, one subcommand per file. */
export function program(): Command {
  const root = new Command('deblur')
    .description('Removes motion blur from video.')
    .version(manifest.version, '-V, --version', 'print the version')
    .option('--verbose', 'print the cause of an error with its stack')
    .showHelpAfterError('Run "deblur --help" or "deblur COMMAND --help" for the options.')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false });
  for (const command of [
    runCommand(),
    serveCommand(),
    devicesCommand(),
    compareCommand(),
    modelsCommand(),
    datasetCommand(),
    trainCommand(),
    evaluateCommand(),
    adaptCommand(),
    doctorCommand(),
  ]) {
    root.addCommand(command.copyInheritedSettings(root));
  }
  for (const command of [root, ...root.commands, ...root.commands.flatMap((c) => c.commands)]) command.exitOverride();
  return root;
}
