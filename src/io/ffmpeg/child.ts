import type { ChildProcess } from 'node:child_process';
import { PassThrough, type Readable } from 'node:stream';
import ffmpeg from 'fluent-ffmpeg';
import { DeblurError } from '../../errors.js';
import type { Binary } from './binary.js';

/** What to run. */
export interface ChildPlan {
  readonly binary: Binary;
  /** A file's address, or a stream for the child's standard input. */
  readonly input: string | Readable;
  readonly inputOptions: readonly string[];
  readonly outputOptions: readonly string[];
  /** Called with every line of the child's standard error. */
  readonly onLine?: (line: string) => void;
}

/** Lines of standard error kept to explain a failure. */
const keptLines = 50;

/** A running ffmpeg, driven with fluent-ffmpeg, whose standard output is a stream. */
export class Child {
  /** The child's standard output; ends when the child does. */
  readonly output = new PassThrough({ highWaterMark: 1 << 20 });
  /** Resolves when the process is gone, however it ended. */
  readonly gone: Promise<void>;
  readonly #command: ffmpeg.FfmpegCommand;
  readonly #lines: string[] = [];
  #failure: Error | undefined;
  #stopped = false;

  constructor(plan: ChildPlan) {
    const { inputOptions, outputOptions } = plan;
    this.#command = ffmpeg({ logger: silent })
      .setFfmpegPath(plan.binary.path)
      .input(plan.input)
      .inputOptions(...twoOrMore(['-hide_banner', '-loglevel', 'level+warning', ...inputOptions]))
      .outputOptions(...twoOrMore(outputOptions))
      .output(this.output);
    this.gone = new Promise((resolve) => {
      let started = false;
      const end = (): void => {
        if (!this.output.writableEnded) this.output.end();
        resolve();
      };
      this.#command.on('stderr', (line: string) => {
        if (line.trim() === '') return;
        this.#lines.push(line);
        if (this.#lines.length > keptLines) this.#lines.shift();
        plan.onLine?.(line);
      });
      this.#command.on('start', () => {
        started = true;
        // fluent-ffmpeg reports an end before the last output is through, or as soon as a stream fails; what counts
        // is that the process is gone and its output with it.
        (this.#command as { ffmpegProc?: ChildProcess }).ffmpegProc?.once('close', end);
        if (this.#stopped) this.#command.kill('SIGKILL');
      });
      this.#command.on('error', (error: Error) => {
        this.#failure ??= error;
        if (!started) end();
      });
    });
    this.#command.run();
  }

  /** Kills the child and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#stopped = true;
    this.output.resume();
    this.#command.kill('SIGKILL');
    await this.gone;
  }

  /** After `gone`: the error that the child ended with, or undefined when it ended well or was killed from here. */
  get failure(): DeblurError | undefined {
    if (!this.#failure || this.#stopped) return undefined;
    return new DeblurError('ENGINE_FAILED', `ffmpeg failed: ${this.tellingLine ?? this.#failure.message}.`, {
      cause: this.#failure,
    });
  }

  /** The line of standard error that says most about a failure, without its level and its dot. */
  get tellingLine(): string | undefined {
    const bad = this.#lines.filter((line) => /\[(error|fatal|panic)\]/.test(line));
    const telling = bad.filter(
      (line) => !/Conversion failed|Error (opening|initializing) output|Terminating thread/.test(line),
    );
    return (telling.at(-1) ?? bad.at(-1) ?? this.#lines.at(-1))
      ?.replace(/\[[^\]]*@ 0x[0-9a-f]+\] /g, '')
      .replace(/\[(error|fatal|panic|warning)\] /g, '')
      .trim()
      .replace(/\.$/, '');
  }
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** fluent-ffmpeg splits a single option at its space; from two on it takes them as they are. */
function twoOrMore(options: readonly string[]): string[] {
  if (options.length < 2) throw new RangeError('fluent-ffmpeg needs at least two options');
  return [...options];
}
