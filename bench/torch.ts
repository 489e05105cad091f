import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { packagePath } from '../src/package-root.js';

/** A PyTorch process that does one piece of work per question. */
export interface Torch extends AsyncDisposable {
  readonly version: string;
  /** Works once; seconds. */
  run(): Promise<number>;
}

/** Starts a script of this folder with `python3`, or what `PYTHON` names; `undefined` where PyTorch is not installed. */
export async function startTorch(script: string, args: readonly (number | string)[]): Promise<Torch | undefined> {
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

/** What to say where it is missing. */
export const torchMissing = 'PyTorch is not installed: set PYTHON to a python3 that has it.';
