import { spawn } from 'node:child_process';
import { packagePath } from '../../src/package-root.js';

/** How a finished `deblur` ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link deblur}. */
export interface CommandOptions {
  /** Called with each line of standard output. */
  onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void;
  env?: Readonly<Record<string, string>>;
}

/** Runs the built command line to its end, without a terminal. */
export function deblur(args: readonly string[], { onLine, env }: CommandOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [packagePath('dist/bin/deblur.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let stdout = '';
    let stderr = '';
    let seen = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      for (let end = stdout.indexOf('\n', seen); end >= 0; end = stdout.indexOf('\n', seen)) {
        onLine?.(stdout.slice(seen, end), (signal) => child.kill(signal));
        seen = end + 1;
      }
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}
