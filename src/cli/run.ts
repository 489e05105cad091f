import { Command, InvalidArgumentError, Option } from 'commander';
import { DeblurError } from '../errors.js';
import { deblurVideo, type RunOptions, type RunReport } from '../pipeline/run.js';
import { backendNames } from '../runtime/tensorflow/backend.js';
import { presetNames } from '../settings.js';
import { interruptSignal } from './exit.js';
import { ProgressBar } from './progress-bar.js';
import { describeRun } from './run-summary.js';

/** The options of `deblur run` as commander hands them over. */
interface RunFlags extends Omit<RunOptions, 'input' | 'output' | 'sceneCut' | 'encode'> {
  codec?: string;
  crf?: number;
  preset?: string;
  pixelFormat?: string;
  container?: string;
  encoderOption?: Record<string, string>;
  sceneThreshold?: number;
  json?: boolean;
  quiet?: boolean;
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('A number is expected.');
  return value;
}

function keyValue(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is written NAME=VALUE.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}

function printLine(event: string, value: object): void {
  process.stdout.write(`${JSON.stringify({ event, ...value })}\n`);
}

async function run(input: string, output: string, flags: RunFlags): Promise<void> {
  const { codec, crf, preset, pixelFormat: format, container, encoderOption: encoderOptions } = flags;
  const { model, translate, strength, engine, runtime, provider, backend, memory, threads, batch } = flags;
  const { temporalFilter, processes, concurrency, credits, strict } = flags;
  const { json = false, quiet = false, overwrite, settings, sceneThreshold: threshold } = flags;
  const bar = !json && !quiet && process.stderr.isTTY ? new ProgressBar(process.stderr) : undefined;
  const options = {
    ...{ model, translate, strength, engine, runtime, provider, backend, memory, threads, batch },
    ...{ temporalFilter, processes, concurrency, credits, strict, overwrite, settings },
    encode: { codec, crf, preset, format, container, encoderOptions },
    sceneCut: { threshold },
  };
  let report: RunReport;
  try {
    report = await deblurVideo({
      ...options,
      input,
      output,
      signal: interruptSignal(),
      onPlan: (plan) => {
        if (json) printLine('start', plan);
        bar?.start(plan);
      },
      onProgress: (progress) => {
        if (json) printLine('progress', progress);
        bar?.update(progress);
      },
    });
  } catch (error) {
    if (json && error instanceof DeblurError) {
      printLine('error', { code: error.code, message: error.message, hint: error.hint });
    }
    throw error;
  } finally {
    bar?.stop();
  }
  if (json) printLine('done', report);
  else if (!quiet) process.stderr.write(describeRun(report));
}

/** `deblur run INPUT OUTPUT` */
export function runCommand(): Command {
  return new Command('run')
    .description('deblur a video file')
    .argument('<input>', 'the video to read')
    .argument('<output>', 'the video to write; its extension chooses the container')
    .optionsGroup('Deblurring:')
    .option('-m, --model <name>', 'a name of "deblur models", an .onnx file, or "none"')
    .option('--translate <name>', "a network before the model that turns the camera's blur into one the model knows")
    .option('--strength <0..1>', 'how much of the result to use: 0 is the source', number)
    .option('--temporal-filter <0..1>', 'how much a result takes of the one before it: less flicker', number)
    .addOption(new Option('--runtime <name>', 'who executes the network').choices(['onnx', 'tensorflow']))
    .option('--provider <name>', 'of ONNX Runtime: cpu, cuda, webgpu, coreml, dml, … or auto')
    .addOption(new Option('--backend <name>', 'of TensorFlow.js').choices(['auto', ...backendNames]))
    .option('--memory <size>', 'budget for a network run, such as 2G; larger frames are tiled')
    .option('--threads <n>', 'threads for the network', number)
    .option('--batch <n>', 'frames per network run', number)
    .option('--processes <n>', 'processes that run the network side by side', number)
    .option('--concurrency <n>', 'network runs asked of each process at once', number)
    .option('--credits <n>', 'frames in flight between decoder and encoder', number)
    .option('--scene-threshold <0..1>', 'scene-change score above which a new shot begins', number)
    .optionsGroup('Encoding:')
    .option('--codec <name>', 'encoder, for instance libx264, libx265, prores_ks, ffv1')
    .option('--crf <n>', "constant quality on the encoder's scale", number)
    .option('--preset <name>', 'encoder preset, for instance veryfast')
    .option('--pixel-format <name>', 'pixel format to encode, for instance yuv420p10le')
    .option('--container <name>', "FFmpeg's muxer, where the extension does not say it")
    .option('--encoder-option <name=value>', 'any other encoder option; may be given often', keyValue)
    .optionsGroup('Files and engine:')
    .addOption(
      new Option('--engine <name>', 'who decodes and encodes: FFmpeg inside, or your own ffmpeg').choices([
        'node-av',
        'ffmpeg',
      ]),
    )
    .option('--settings <name|file>', `a preset (${presetNames().join(', ')}) or a JSON file of settings`)
    .option('--strict', 'fail on damaged input in place of going on')
    .option('--overwrite', 'replace an existing output')
    .optionsGroup('Output:')
    .option('--json', 'progress and report as JSON lines on standard output')
    .option('--quiet', 'print nothing but errors')
    .action(run);
}
