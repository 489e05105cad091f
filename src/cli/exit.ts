import { CommanderError, type Command } from 'commander';
import { DeblurError } from '../errors.js';

/** A signal's exit code by the shell's convention. */
const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const;

let interruptedBy: keyof typeof signalCodes | undefined;

/**
 * A signal for a command's work that fires on Ctrl-C and on SIGTERM. A second Ctrl-C ends the process
 * at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interruptedBy) process.exit(signalCodes[interruptedBy]);
      interruptedBy = name;
      controller.abort(new DeblurError('CANCELLED', 'Cancelled; nothing was written.'));
    });
  }
  return controller.signal;
}

/** An error as a person reads it: a sentence, then what to do about it. */
export function describeError(error: unknown): string {
  if (error instanceof DeblurError) return error.hint ? `${error.message}\n${error.hint}` : error.message;
  const text = error instanceof Error ? error.message : String(error);
  return `Something went wrong that deblur did not expect: ${text}\nRun again with --verbose for the details, and please report it.`;
}

function exitCodeOf(error: unknown): number {
  if (interruptedBy) return signalCodes[interruptedBy];
  return error instanceof DeblurError ? error.exitCode : 1;
}

/** Runs a command line, prints errors for people and ends the process with the right code. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  let code = 0;
  try {
    await program.parseAsync(argv);
    code = Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? 0 : 2;
    } else {
      code = exitCodeOf(error);
      process.stderr.write(`deblur: ${describeError(error)}\n`);
      if (program.opts<{ verbose?: boolean }>().verbose) process.stderr.write(`${inspectError(error)}\n`);
    }
  }
  await flushed(process.stdout);
  // A native run that was cancelled half-way still holds the event loop; the user should not wait for it.
  process.exit(code);
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
