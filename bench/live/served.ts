import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { packagePath } from '../../src/package-root.js';

/** Clock ticks a second of /proc’s stat files, the same on every Linux that Node runs on. */
const ticks = 100;

/** What a process and those it started have used so far. */
export interface Usage {
  /** Seconds of processor time, of all of them. */
  readonly seconds: number;
  /** Bytes of the server's own process. */
  readonly bytes: number;
}

/** A `deblur serve` of the build, as a user starts it. */
export class Served implements AsyncDisposable {
  /** The server's address and its token. */
  readonly url: string;
  readonly token: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, link: string) {
    const { origin, hash } = new URL(link);
    this.url = origin;
    this.token = hash.slice('#token='.length);
    this.#child = child;
  }

  /** Starts it and waits until it listens. */
  static async start(args: readonly string[]): Promise<Served> {
    const command = [packagePath('dist/bin/deblur.js'), 'serve', ...args, '--port', '0', '--log-level', 'warn'];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
    const link = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('\n')) resolve(text.trim());
      });
      child.on('error', reject);
      child.on('exit', (code) => {
        reject(new Error(`deblur serve ended with ${code}.`));
      });
    });
    return new Served(child, link);
  }

  /** Its process. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('deblur serve does not run.');
    return pid;
  }

  /** What it has used so far (Linux). */
  async usage(): Promise<Usage> {
    const { pid } = this;
    const resident = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
    return { seconds: await processorSeconds(pid), bytes: Number(resident?.[1]) * 1024 };
  }

  /** One of its figures for Prometheus. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`${this.url}/metrics`, { headers: { authorization: `Bearer ${this.token}` } });
    const line = (await response.text()).split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}

async function processorSeconds(pid: number): Promise<number> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const own = (Number(fields[11]) + Number(fields[12])) / ticks;
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
    const others = await Promise.all(
      children === '' ? [] : children.split(' ').map((each) => processorSeconds(Number(each))),
    );
    return others.reduce((sum, seconds) => sum + seconds, own);
  } catch {
    return 0;
  }
}
