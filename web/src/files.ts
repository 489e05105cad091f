import type { Job, LiveClient, LiveState, ServerHello } from '../../src/client/index.js';
import { icon, make, need, setText } from './elements.js';
import { notifyError } from './notices.js';

/** A file on its way to the server. */
interface Upload {
  readonly key: string;
  readonly name: string;
  share: number;
  readonly abort: AbortController;
}

/** What a row of the queue shows. */
interface Row {
  readonly key: string;
  readonly name: string;
  readonly state: Job['state'] | 'uploading';
  readonly note: string;
  /** Share that is done; null is some unknown share. */
  readonly progress?: number | null;
  readonly onDownload?: () => void;
  readonly onRemove: () => void;
  readonly removeLabel: string;
}

/** The files that the server deblurs: sends them, shows how far they are, fetches the results. */
export class Files {
  readonly #client: LiveClient;
  readonly #input = need('file', HTMLInputElement);
  readonly #drop = need('drop', HTMLElement);
  readonly #list = need('jobs', HTMLElement);
  readonly #empty = need('queue-empty', HTMLElement);
  readonly #count = need('jobs-count', HTMLElement);
  readonly #rows = new Map<string, RowView>();
  #uploads: Upload[] = [];
  #jobs: readonly Job[] = [];
  #hello: ServerHello | undefined;
  #state: LiveState | undefined;
  #nextKey = 0;

  constructor(client: LiveClient) {
    this.#client = client;
    this.#input.onchange = () => {
      this.#sendAll(this.#input.files);
      this.#input.value = '';
    };
    this.#drop.ondragover = (event) => {
      event.preventDefault();
      this.#drop.dataset['over'] = 'true';
    };
    this.#drop.ondragleave = () => delete this.#drop.dataset['over'];
    this.#drop.ondrop = (event) => {
      event.preventDefault();
      delete this.#drop.dataset['over'];
      if (!this.#input.disabled) this.#sendAll(event.dataTransfer?.files);
    };
  }

  offer(hello: ServerHello | undefined): void {
    this.#hello = hello;
    this.#input.disabled = !hello?.may.jobs;
    if (hello && !hello.may.jobs) setText(this.#empty, 'This server was started without a folder for files.');
  }

  setState(state: LiveState): void {
    this.#state = state;
  }

  show(jobs: readonly Job[]): void {
    this.#jobs = jobs;
    this.#draw();
  }

  #sendAll(files: FileList | null | undefined): void {
    for (const file of files ?? []) void this.#send(file);
  }

  async #send(file: File): Promise<void> {
    const most = this.#hello?.limits.upload;
    if (most !== undefined && file.size > most) {
      notifyError(new Error(`${file.name} is larger than the ${formatBytes(most)} that this server takes.`));
      return;
    }
    this.#nextKey += 1;
    const upload: Upload = { key: `upload-${this.#nextKey}`, name: file.name, share: 0, abort: new AbortController() };
    this.#uploads.push(upload);
    this.#draw();
    try {
      const { model, strength } = this.#state ?? {};
      await this.#client.jobs.upload(file, file.name, {
        settings: { ...(model && model !== 'none' ? { model } : {}), ...(strength === undefined ? {} : { strength }) },
        signal: upload.abort.signal,
        onProgress: (share) => {
          upload.share = share;
          this.#draw();
        },
      });
    } catch (error) {
      if (!upload.abort.signal.aborted) notifyError(error);
    } finally {
      this.#uploads = this.#uploads.filter((other) => other !== upload);
      this.#draw();
    }
  }

  #draw(): void {
    const rows = [...this.#uploads.map((upload) => uploadRow(upload)), ...this.#jobs.map((job) => this.#jobRow(job))];
    const waiting =
      this.#uploads.length + this.#jobs.filter(({ state }) => state === 'queued' || state === 'running').length;
    this.#empty.hidden = rows.length > 0;
    this.#count.hidden = waiting === 0;
    setText(this.#count, String(waiting));
    this.#count.setAttribute('aria-label', `${waiting} in work`);
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, view] of this.#rows) {
      if (!keys.has(key)) {
        view.element.remove();
        this.#rows.delete(key);
      }
    }
    for (const row of rows) {
      let view = this.#rows.get(row.key);
      if (!view) {
        view = new RowView();
        this.#rows.set(row.key, view);
        this.#list.append(view.element);
      }
      view.show(row);
    }
  }

  #jobRow(job: Job): Row {
    const { id, name, state } = job;
    const over = state === 'done' || state === 'failed' || state === 'cancelled';
    return {
      key: id,
      name,
      state,
      note: noteOf(job),
      ...(state === 'running' ? { progress: shareOf(job) } : {}),
      ...(state === 'done' ? { onDownload: () => void this.#download(job) } : {}),
      onRemove: () => {
        this.#client.jobs.remove(id).catch(notifyError);
      },
      removeLabel: over ? `Remove ${name}` : `Cancel ${name}`,
    };
  }

  /** The browser fetches the result by itself, whatever its size. */
  async #download({ id, name, result }: Job): Promise<void> {
    try {
      const href = await this.#client.jobs.link(id);
      make('a', { href, download: result?.name ?? name, referrerpolicy: 'no-referrer' }).click();
    } catch (error) {
      notifyError(error);
    }
  }
}

/** The elements of a row; they stay while it changes, so the focus does too. */
class RowView {
  readonly element = make('li', { class: 'job' });
  readonly #name = make('span', { class: 'job-name' });
  readonly #note = make('span', { class: 'job-note' });
  readonly #progress = make('progress', { max: '1' });
  readonly #download = make('button', { class: 'ghost', type: 'button' }, icon('download'));
  readonly #remove = make('button', { class: 'ghost', type: 'button' }, icon('cross'));

  constructor() {
    const actions = make('span', { class: 'job-actions' }, this.#download, this.#remove);
    this.element.append(this.#name, actions, this.#note, this.#progress);
  }

  show({ name, state, note, progress, onDownload, onRemove, removeLabel }: Row): void {
    this.element.dataset['state'] = state;
    setText(this.#name, name);
    this.#name.title = name;
    setText(this.#note, note);
    this.#progress.hidden = progress === undefined;
    this.#progress.setAttribute('aria-label', `${name}: ${note}`);
    if (progress === null) this.#progress.removeAttribute('value');
    else if (progress !== undefined) this.#progress.value = progress;
    this.#download.hidden = !onDownload;
    this.#download.onclick = onDownload ?? null;
    this.#download.setAttribute('aria-label', `Download ${name}`);
    this.#download.title = 'Download';
    this.#remove.onclick = onRemove;
    this.#remove.setAttribute('aria-label', removeLabel);
    this.#remove.title = removeLabel.split(' ', 1).join('');
  }
}

function uploadRow({ key, name, share, abort }: Upload): Row {
  return {
    key,
    name,
    state: 'uploading',
    note: `Sending, ${Math.round(share * 100)} %`,
    progress: share,
    onRemove: () => abort.abort(),
    removeLabel: `Cancel ${name}`,
  };
}

function shareOf({ progress }: Job): number | null {
  return progress?.total ? Math.min(1, progress.frames / progress.total) : null;
}

function noteOf(job: Job): string {
  switch (job.state) {
    case 'queued':
      return job.position ? `Waiting, ${job.position} before it` : 'Waiting, next';
    case 'running':
      return runningNote(job);
    case 'done':
      return `Done${job.result ? `, ${formatBytes(job.result.bytes)}` : ''}`;
    case 'failed':
      return job.error?.message ?? 'Failed';
    case 'cancelled':
      return 'Cancelled';
  }
}

function runningNote({ progress }: Job): string {
  if (!progress) return 'Starting';
  const share = progress.total
    ? `${Math.round((progress.frames / progress.total) * 100)} %`
    : `${progress.frames} frames`;
  const left = progress.remaining === undefined ? '' : `, ${formatDuration(progress.remaining)} left`;
  return `${share}, ${progress.rate.toFixed(1)} frames/s${left}`;
}

/** Seconds as minutes and seconds: `3:07`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** step).toFixed(step < 2 ? 0 : 1)} ${units[step] ?? ''}`;
}
