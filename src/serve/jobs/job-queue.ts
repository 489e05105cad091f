import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { Subject, type Observable } from 'rxjs';
import { DeblurError } from '../../errors.js';
import { deblurVideo, type RunProgress } from '../../pipeline/run.js';
import type { Job, JobSettings } from '../../protocol/index.js';
import type { Choices } from '../choices.js';
import type { JobRoot } from './job-root.js';

/** A change of a job; without `job` it is gone. */
export interface JobChange {
  readonly id: string;
  readonly job?: Job;
  /** Another change follows soon that says the same and more. */
  readonly passing?: boolean;
}

/** What a job is about. */
export interface JobInput {
  readonly path: string;
  /** Its name for people. */
  readonly name: string;
  /** The file is the job's own and goes with it. */
  readonly uploaded: boolean;
}

/** Options of {@link JobQueue}. */
export interface JobQueueOptions {
  root: JobRoot;
  choices: Choices;
  /** The model and the translator of a job that names none. */
  model: string;
  translator: string | undefined;
  /** Jobs that are known at once. */
  limit: number;
  log: Logger;
}

/** Containers that a result may have, with their media types. */
const containers: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  mkv: 'video/x-matroska',
  mov: 'video/quicktime',
  webm: 'video/webm',
};

/** Milliseconds between two tellings of a job's progress. */
const progressInterval = 250;

interface Entry {
  job: Job;
  readonly input: JobInput;
  readonly output: string;
  readonly cancel: AbortController;
}

/** Videos to deblur, one at a time, in the order they came. */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #changes = new Subject<JobChange>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /** Every change of every job. */
  get changes(): Observable<JobChange> {
    return this.#changes;
  }

  /** All jobs, the oldest first. */
  list(): Job[] {
    return [...this.#entries.values()].map((entry) => this.#described(entry));
  }

  /** A job. Throws `INPUT_NOT_FOUND`. */
  get(id: string): Job {
    return this.#described(this.#entry(id));
  }

  /** Where a job's result is. Throws `INPUT_NOT_FOUND` when there is none. */
  resultPath(id: string): string {
    const { job, output } = this.#entry(id);
    if (job.state === 'done') return output;
    throw new DeblurError('INPUT_NOT_FOUND', `Job ${id} has no result: it is ${job.state}.`);
  }

  /** Whether one more job fits. */
  get full(): boolean {
    return this.#closed || this.#entries.size >= this.#options.limit;
  }

  /** A new job's name, for those who need it before the job. */
  newId(): string {
    return randomBytes(9).toString('base64url');
  }

  /** Queues a job. Throws `MODEL_UNKNOWN`, and `USAGE` when the queue is full. */
  async add(input: JobInput, settings: JobSettings, id = this.newId()): Promise<Job> {
    const { root, choices, limit } = this.#options;
    if (settings.model !== undefined) choices.model(settings.model);
    if (typeof settings.translator === 'string') choices.translator(settings.translator);
    if (this.full) {
      throw new DeblurError('USAGE', `The server knows ${limit} jobs already.`, {
        hint: 'Delete finished ones first.',
      });
    }
    const extension = path.extname(input.name).slice(1).toLowerCase();
    const container = settings.container ?? (extension in containers ? extension : 'mkv');
    const stem = path.basename(input.name, path.extname(input.name));
    const output = await root.result(`${stem}-${id}.${container}`);
    const job: Job = { id, name: input.name, state: 'queued', settings, created: Date.now() };
    const entry = { job, input, output, cancel: new AbortController() };
    this.#entries.set(id, entry);
    this.#tell(entry);
    this.#wake();
    return this.#described(entry);
  }

  /** Cancels a job that waits or runs; a finished one is forgotten, with its result and upload. Throws `INPUT_NOT_FOUND`. */
  async remove(id: string): Promise<Job | undefined> {
    const entry = this.#entry(id);
    if (entry.job.state === 'running') {
      entry.cancel.abort(new DeblurError('CANCELLED', 'The job was cancelled.'));
      await this.#running;
      return this.#described(entry);
    }
    if (entry.job.state === 'queued') {
      this.#change(entry, { state: 'cancelled', finished: Date.now() });
      await discardUpload(entry);
      this.#tellPositions();
      return this.#described(entry);
    }
    this.#entries.delete(id);
    await fs.rm(entry.output, { force: true });
    await discardUpload(entry);
    this.#changes.next({ id });
    return undefined;
  }

  /** Cancels what runs and waits. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = new DeblurError('CANCELLED', 'The server stopped.');
    for (const entry of this.#entries.values()) {
      entry.cancel.abort(reason);
      if (entry.job.state === 'queued') this.#change(entry, { state: 'cancelled', finished: Date.now() });
    }
    await this.#running;
    await Promise.all([...this.#entries.values()].map(discardUpload));
    this.#changes.complete();
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new DeblurError('INPUT_NOT_FOUND', 'There is no such job.');
    return entry;
  }

  #waiting(): Entry[] {
    return [...this.#entries.values()].filter(({ job }) => job.state === 'queued');
  }

  #described(entry: Entry): Job {
    if (entry.job.state !== 'queued') return entry.job;
    return { ...entry.job, position: this.#waiting().indexOf(entry) };
  }

  #tell(entry: Entry, passing = false): void {
    this.#changes.next({ id: entry.job.id, job: this.#described(entry), passing });
  }

  #tellPositions(): void {
    for (const entry of this.#waiting()) this.#tell(entry);
  }

  #change(entry: Entry, change: Partial<Job>, passing = false): void {
    entry.job = { ...entry.job, ...change };
    this.#tell(entry, passing);
  }

  #wake(): void {
    const [next] = this.#closed ? [] : this.#waiting();
    if (this.#running || !next) return;
    this.#running = this.#run(next).finally(() => {
      this.#running = undefined;
      this.#wake();
    });
  }

  async #run(entry: Entry): Promise<void> {
    const { choices, log } = this.#options;
    const { input, output, cancel, job } = entry;
    const { settings } = job;
    const model = settings.model === undefined ? this.#options.model : choices.model(settings.model);
    const translate = this.#translatorOf(settings);
    this.#change(entry, { state: 'running', started: Date.now() });
    this.#tellPositions();
    log.info({ job: job.id, model, translate }, 'job began');
    try {
      const report = await deblurVideo({
        input: input.path,
        output,
        model,
        ...(translate === undefined ? {} : { translate }),
        ...(settings.strength === undefined ? {} : { strength: settings.strength }),
        encode: settings.crf === undefined ? {} : { crf: settings.crf },
        onProgress: this.#progressOf(entry),
        signal: cancel.signal,
      });
      const type = containers[path.extname(output).slice(1)] ?? 'application/octet-stream';
      const name = `${path.basename(input.name, path.extname(input.name))}-deblurred${path.extname(output)}`;
      const frames = report.written;
      this.#change(entry, {
        state: 'done',
        finished: Date.now(),
        progress: { frames, total: frames, rate: report.rate, remaining: 0 },
        result: { name, bytes: report.bytes, type },
      });
      log.info({ job: job.id, frames, seconds: report.seconds }, 'job done');
    } catch (error) {
      this.#fail(entry, error);
    }
    await discardUpload(entry);
  }

  #translatorOf({ model, translator }: JobSettings): string | undefined {
    // A translator without a network to follow it would show a blur that nobody knows.
    if (translator === null || model === 'none') return undefined;
    return translator === undefined ? this.#options.translator : this.#options.choices.translator(translator);
  }

  #fail(entry: Entry, error: unknown): void {
    const { log } = this.#options;
    const { job, input, output, cancel } = entry;
    if (cancel.signal.aborted) {
      this.#change(entry, { state: 'cancelled', finished: Date.now() });
      log.info({ job: job.id }, 'job cancelled');
      return;
    }
    log.error({ job: job.id, err: error }, 'job failed');
    const known = error instanceof DeblurError;
    const said = known ? error.message : 'Something went wrong that the server did not expect.';
    // Where files are on the server is nobody's business.
    const message = said.replaceAll(input.path, input.name).replaceAll(output, 'the result');
    const hint = known && error.hint !== undefined && !error.hint.includes('--') ? { hint: error.hint } : {};
    this.#change(entry, {
      state: 'failed',
      finished: Date.now(),
      error: { code: known ? error.code : 'INTERNAL', message, ...hint },
    });
  }

  #progressOf(entry: Entry): (progress: RunProgress) => void {
    let told = 0;
    return ({ frames, total, rate, remaining }) => {
      const now = Date.now();
      if (now - told < progressInterval) return;
      told = now;
      const known = {
        ...(total === undefined ? {} : { total }),
        ...(remaining === undefined ? {} : { remaining }),
      };
      this.#change(entry, { progress: { frames, rate, ...known } }, true);
    };
  }
}

async function discardUpload({ input }: Entry): Promise<void> {
  if (input.uploaded) await fs.rm(input.path, { force: true });
}
