import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { packagePath } from '../src/package-root.js';

/** How a finished process did. */
export interface ProcessRun {
  readonly seconds: number;
  /** Peak resident memory in bytes; undefined where the platform does not tell. */
  readonly peakBytes: number | undefined;
}

/** Peak resident memory of a running process (Linux). */
async function peakOf(pid: number): Promise<number | undefined> {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** Runs a command to its end, watching its memory. */
export async function timeProcess(command: string, args: readonly string[]): Promise<ProcessRun> {
  const begun = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let peakBytes: number | undefined;
  const watch = setInterval(() => {
    if (child.pid) void peakOf(child.pid).then((peak) => (peakBytes = peak ?? peakBytes));
  }, 50);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.trim()}`);
    return { seconds: (performance.now() - begun) / 1000, peakBytes };
  } finally {
    clearInterval(watch);
  }
}

/** Runs `deblur` as a user does, from the build. */
export function timeDeblur(args: readonly string[]): Promise<ProcessRun> {
  return timeProcess(process.execPath, [packagePath('dist/bin/deblur.js'), ...args]);
}
