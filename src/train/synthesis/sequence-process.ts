import { fork, type ChildProcess } from 'node:child_process';
import { DeblurError } from '../../errors.js';
import { packagePath } from '../../package-root.js';
import type { SequenceJob } from './sequence.js';
import type { SequenceAnswer } from './sequence-worker.js';

/** The worker runs from the build, also when this file does not. */
const workerFile = packagePath('dist/src/train/synthesis/sequence-worker.js');

/**
 * A process that makes sequences one after another. A process and not a thread: FFmpeg's binding loses answers when
 * two threads of a process use it, and media that crashes a decoder takes only this process down.
 */
export class SequenceProcess {
  #child: ChildProcess | undefined;

  /**
   * Makes a sequence.
   * @throws DeblurError `ENGINE_FAILED` when the process ended meanwhile; the next sequence gets a new one.
   */
  make(job: SequenceJob): Promise<SequenceAnswer> {
    const child = (this.#child ??= fork(workerFile, {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }));
    return new Promise((resolve, reject) => {
      const onMessage = (answer: SequenceAnswer) => {
        child.off('exit', onExit);
        child.off('error', onError);
        resolve(answer);
      };
      const onExit = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#child = undefined;
        child.off('message', onMessage);
        const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
        reject(new DeblurError('ENGINE_FAILED', `The process that made ${job.plan.name} ${how}.`));
      };
      const onError = (cause: Error) => {
        reject(new DeblurError('ENGINE_FAILED', `A process for ${job.plan.name} can't be started.`, { cause }));
      };
      child.once('message', onMessage);
      child.once('exit', onExit);
      child.once('error', onError);
      child.send(job);
    });
  }

  /** Ends the process, whatever it is doing. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}
