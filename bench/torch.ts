import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { packagePath } from '../src/package-root.js';
import { median, spread } from './figure.js';
import type { Figure } from './figure.js';

/** A PyTorch process that does one piece of work per question. */
interface Torch extends AsyncDisposable {
  readonly version: string;
  /** Works once; seconds. */
  run(): Promise<number>;
}

/** Starts a script of this folder with `python3`, or what `PYTHON` names; `undefined` where PyTorch is not installed. */
async function startTorch(script: string, args: readonly (number | string)[]): Promise<Torch | undefined> {
  const child = spawn(process.env['PYTHON'] ?? 'python3', [packagePath('bench', script), ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const started = await Promise.race([
    once(child, 'spawn').then(() => true),
    once(child, 'error').then(
      () => false,
      () => false,
    ),
  ]);
  if (!started) return undefined;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const line = await lines.next();
    return line.done ? undefined : line.value;
  };
  const version = await read();
  if (version === undefined) return undefined;
  return {
    version,
    run: async () => {
      child.stdin.write('\n');
      return Number(await read());
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** Work of ours that a script of this folder does in PyTorch too. */
export interface Comparison {
  readonly name: string;
  readonly asked: string;
  /** The most that our time may be of PyTorch's. */
  readonly most: number;
  /** Does the work once; seconds. */
  readonly ours: () => number | Promise<number>;
  /** What the details call our side. */
  readonly side: string;
  readonly script: string;
  readonly args: readonly (number | string)[];
  /** Uncounted runs of each before the first counted one. */
  readonly warmup: number;
  readonly rounds: number;
}

/** Times work against PyTorch, turn about. Without PyTorch our time alone is told. */
export async function compareWithTorch(comparison: Comparison): Promise<Figure> {
  const { name, asked, most, ours, side, script, args, warmup, rounds } = comparison;
  await using torch = await startTorch(script, args);
  for (let i = 0; i < warmup; i += 1) {
    await ours();
    await torch?.run();
  }
  const [seconds, theirSeconds]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds; i += 1) {
    seconds.push(await ours());
    if (torch) theirSeconds.push(await torch.run());
  }
  const measured = `${side}: ${spread(seconds, 3)} s, ${rounds} runs`;
  if (!torch) {
    const missing = 'PyTorch is not installed: set PYTHON to a python3 that has it.';
    const reached = `${spread(seconds, 3)} s; not compared`;
    return { name, asked, reached, met: undefined, details: [measured, missing] };
  }
  const ratio = median(seconds) / median(theirSeconds);
  return {
    name,
    asked,
    reached: `${ratio.toFixed(2)} of PyTorch's time`,
    met: ratio <= most,
    details: [measured, `PyTorch ${torch.version}: ${spread(theirSeconds, 3)} s, turn about`],
  };
}
