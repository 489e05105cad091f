import path from 'node:path';
import { Command, Option } from 'commander';
import { DeblurError } from '../errors.js';
import type { Engine } from '../io/index.js';
import { compareVideos, type FrameComparison } from '../metrics/compare.js';
import { plotComparison } from '../metrics/comparison-plot.js';
import type { SsimKind } from '../metrics/ssim.js';
import { tableFoot, tableHead, tableRow } from './comparison-table.js';
import { interruptSignal } from './exit.js';
import { refuseExisting, writeReport } from './report-file.js';

interface CompareFlags {
  against?: string;
  ssim: SsimKind;
  json?: string | true;
  plot?: string;
  summary?: boolean;
  overwrite?: boolean;
  engine: Engine;
}

async function compare(reference: string, result: string, flags: CompareFlags): Promise<void> {
  const { against, ssim, json, plot, summary, overwrite = false, engine } = flags;
  if (plot !== undefined && path.extname(plot).toLowerCase() !== '.svg') {
    throw new DeblurError('USAGE', `The plot is written as SVG, and ${plot} does not end in .svg.`);
  }
  // Said before the work rather than after it.
  refuseExisting([json, plot], overwrite);
  const head = tableHead(against !== undefined);
  const printRow = (frame: FrameComparison) => {
    process.stdout.write(`${frame.index === 0 ? head : ''}${tableRow(frame)}`);
  };
  const comparison = await compareVideos(reference, result, {
    ssim,
    engine,
    signal: interruptSignal(),
    ...(against !== undefined && { before: against }),
    ...(json !== true && !summary && { onFrame: printRow }),
  });
  if (json !== true) process.stdout.write(`${summary ? head : ''}${tableFoot(comparison)}`);
  const text = `${JSON.stringify(comparison, undefined, 2)}\n`;
  if (json === true) process.stdout.write(text);
  if (typeof json === 'string') await writeReport(json, text, overwrite);
  if (plot !== undefined) await writeReport(plot, plotComparison(comparison), overwrite);
}

/** `deblur compare REFERENCE RESULT`. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('measure a video or picture against its sharp truth: PSNR and SSIM per frame and in the mean')
    .argument('<reference>', 'the truth')
    .argument('<result>', 'what is measured')
    .option('--against <file>', 'a third video, usually the blurry source: shows what the result gained over it')
    .addOption(
      new Option(
        '--ssim <kind>',
        '3d: window over R, G and B together, as NAFNet and MATLAB; 2d: per channel, as Restormer and scikit-image',
      )
        .choices(['3d', '2d'])
        .default('3d'),
    )
    .option('--json [file]', 'all numbers as JSON, into a file or in place of the table (put it last then)')
    .option('--plot <file.svg>', 'PSNR and SSIM over time as a picture')
    .option('--summary', 'print the means only')
    .option('--overwrite', 'replace existing files of --json and --plot')
    .addOption(new Option('--engine <name>', 'who decodes').choices(['node-av', 'ffmpeg']).default('node-av'))
    .action(compare);
}
