/// <reference lib="dom" />
import { DeblurError, type DeblurErrorCode } from '../errors.js';
import { job, jobLink, type Job, type JobSettings } from '../protocol/index.js';

/** Options of {@link JobsClient.upload}. */
export interface UploadOptions {
  /** What the job is told; the server's defaults for the rest. */
  settings?: JobSettings;
  /** Called with the share that has been sent, 0 to 1; in browsers only. */
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
}

/** Files that the server deblurs; {@link LiveClient.jobs} is one. */
export class JobsClient {
  readonly #address: URL;
  readonly #token: () => string | undefined;

  /**
   * @param address of the server.
   * @param token is asked for each request.
   */
  constructor(address: URL, token: () => string | undefined) {
    this.#address = address;
    this.#token = token;
  }

  /**
   * Sends a file to be deblurred.
   * @throws DeblurError what the server says, or `CANCELLED`.
   */
  async upload(file: Blob, name: string, options: UploadOptions = {}): Promise<Job> {
    const form = new FormData();
    // The settings come first: the server reads a form in its order.
    if (options.settings) form.append('settings', JSON.stringify(options.settings));
    form.append('file', file, name);
    if (options.onProgress && typeof XMLHttpRequest !== 'undefined') return this.#uploadWithProgress(form, options);
    return job.parse(
      await this.#json('jobs', { method: 'POST', body: form, ...(options.signal ? { signal: options.signal } : {}) }),
    );
  }

  /**
   * Asks for a job on a file below the server's root.
   * @param path relative to that root.
   */
  async add(path: string, settings: JobSettings = {}): Promise<Job> {
    const body = JSON.stringify({ path, settings });
    return job.parse(
      await this.#json('jobs', { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
    );
  }

  /** Cancels a job, or forgets a finished one and its files. */
  async remove(id: string): Promise<void> {
    await this.#fetch(`jobs/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  /** The result of a job that is done. */
  async result(id: string, signal?: AbortSignal): Promise<Blob> {
    const response = await this.#fetch(`jobs/${encodeURIComponent(id)}/result`, signal ? { signal } : {});
    return response.blob();
  }

  /** An address that a result can be fetched at without a token, for a while: what a browser's own download needs. */
  async link(id: string): Promise<string> {
    const { href } = jobLink.parse(await this.#json(`jobs/${encodeURIComponent(id)}/link`, { method: 'POST' }));
    return new URL(href, this.#address).href;
  }

  get #headers(): Record<string, string> {
    const token = this.#token();
    return token ? { authorization: `Bearer ${token}` } : {};
  }

  async #json(path: string, init: RequestInit): Promise<unknown> {
    return (await this.#fetch(path, init)).json();
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(path, this.#address), {
        ...init,
        headers: { ...this.#headers, ...(init.headers as Record<string, string> | undefined) },
        referrerPolicy: 'no-referrer',
      });
    } catch (cause) {
      if (init.signal?.aborted) throw new DeblurError('CANCELLED', 'Cancelled.', { cause });
      throw new DeblurError('RUNTIME_FAILED', 'The server could not be reached.', { cause });
    }
    if (!response.ok) throw refusal(await response.text(), response.status);
    return response;
  }

  /** `fetch` tells nothing of how much has been sent. */
  #uploadWithProgress(form: FormData, { onProgress, signal }: UploadOptions): Promise<Job> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', new URL('jobs', this.#address));
      for (const [name, value] of Object.entries(this.#headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
      request.onload = () => {
        if (request.status < 200 || request.status > 299) {
          reject(refusal(request.responseText, request.status));
          return;
        }
        try {
          resolve(job.parse(JSON.parse(request.responseText)));
        } catch (cause) {
          reject(new DeblurError('RUNTIME_FAILED', 'The server answered something else than a job.', { cause }));
        }
      };
      request.onerror = () => {
        reject(new DeblurError('RUNTIME_FAILED', 'The upload broke off.'));
      };
      request.onabort = () => {
        reject(new DeblurError('CANCELLED', 'The upload was cancelled.'));
      };
      signal?.addEventListener('abort', () => request.abort(), { once: true });
      request.send(form);
    });
  }
}

/** What an answer that is none says, as an error. */
function refusal(body: string, status: number): DeblurError {
  let said: { code?: unknown; message?: unknown; hint?: unknown } = {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) said = parsed;
    if ('error' in said && typeof said.error === 'object' && said.error !== null) said = said.error;
  } catch {
    // A proxy's page of HTML says nothing to a person.
  }
  const message = typeof said.message === 'string' ? said.message : `The server answered with status ${status}.`;
  const hint = typeof said.hint === 'string' ? said.hint : undefined;
  return new DeblurError((typeof said.code === 'string' ? said.code : 'RUNTIME_FAILED') as DeblurErrorCode, message, {
    ...(hint ? { hint } : {}),
  });
}
