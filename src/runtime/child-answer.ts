import { fork, type ChildProcess } from 'node:child_process';
import { cancelled } from '../errors.js';

/** Options of {@link askChild}. */
export interface AskOptions {
  /** Milliseconds the child has to load and answer. */
  readonly timeout: number;
  /** Ends the wait with a `CANCELLED` error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A child process's exchange: one task, one answer, and it is gone. It is for what may hang or end the process that
 * does it, a driver for instance; crashes and silence are answers too.
 * @param file what the child runs; it answers the first message it gets.
 * @throws DeblurError `CANCELLED`.
 */
export function askChild<Task extends object | string, Answer>(
  file: string,
  task: Task,
  { timeout, signal }: AskOptions,
): Promise<Answer | { error: string }> {
  const child = fork(file, {
    execArgv: [],
    serialization: 'advanced',
    // Drivers and runtimes print to the terminal what the answer says better.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise<Answer | { error: string }>((resolve, reject) => {
    const timer = setTimeout(() => {
      resolve({ error: `It gave no answer within ${timeout / 1000} seconds` });
    }, timeout);
    const onAbort = () => {
      reject(cancelled(signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    child.once('message', (answer) => {
      resolve(answer as Answer);
    });
    child.once('error', (error) => {
      resolve({ error: `The process that tries it cannot be started: ${error.message}` });
    });
    child.once('exit', (code, killer) => {
      resolve({ error: `Its native code ended the process that tried it (${killer ?? `exit code ${code}`})` });
    });
    child.send(task, (error) => {
      if (error) resolve({ error: `The process that tries it does not listen: ${error.message}` });
    });
    child.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
  }).finally(() => ended(child));
}

/** Ends a child process and resolves when it is gone, so that its files can be removed. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
