import { CommanderError, type Command } from 'commander';
import { DeblurError } from '../errors.js';

/** A signal's exit code by the shell's convention. */
const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 } as const;

let interruptedBy: keyof typeof signalCodes | undefined;

const interruption = new AbortController();

function interrupt(by: keyof typeof signalCodes): void {
  if (interruptedBy) process.exit(signalCodes[interruptedBy]);
  interruptedBy = by;
  interruption.abort(new DeblurError('CANCELLED', 'Cancelled; nothing was written.'));
}

/**
 * A signal for a command's work that fires on Ctrl-C, on SIGTERM, and when nobody reads the output any
 * more (`deblur … | head`). A second Ctrl-C ends the process at once.
 */
export function interruptSignal(): AbortSignal {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      interrupt(name);
    });
  }
  return interruption.signal;
}

/** Node ignores SIGPIPE and reports it as an error of the stream, once per write. */
function watchPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!interruptedBy) interrupt('SIGPIPE');
    process.exitCode = signalCodes.SIGPIPE;
  });
}

/** An error as a person reads it: a sentence, then what to do about it. */
function describeError(error: unknown): string {
  if (error instanceof DeblurError) return error.hint ? `${error.message}\n${error.hint}` : error.message;
  const text = error instanceof Error ? error.message : String(error);
  return `Something went wrong that deblur did not expect: ${text}\nRun again with --verbose for the details, and please report it.`;
}

function exitCodeOf(error: unknown): number {
  if (interruptedBy) return signalCodes[interruptedBy];
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof DeblurError ? error.exitCode : 1;
}

/** Runs a command line, prints errors for people and ends the process with the right code. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  watchPipe();
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    // Commander has printed its own; a reader that went away wants none.
    if (!(error instanceof CommanderError) && interruptedBy !== 'SIGPIPE') {
      process.stderr.write(`deblur: ${describeError(error)}\n`);
      if (program.opts<{ verbose?: boolean }>().verbose) process.stderr.write(`${inspectError(error)}\n`);
    }
  }
  await flushed(process.stdout);
  process.exit();
}

function inspectError(error: unknown): string {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) lines.push(at.stack ?? String(at));
  return lines.join('\ncaused by ');
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
