import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../errors.js';
import { AtomicFile } from '../io/atomic-file.js';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../models/weights/safetensors.js';
import type { Tensors, WeightTensor } from '../models/weights/tensors.js';

/** Everything that a training run needs to go on as if it had never stopped. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  /** Updates of the optimiser. */
  readonly updates: number;
  /** The network's parameters, by their names. */
  readonly model: Tensors;
  /** The running mean of the parameters. */
  readonly average: Tensors;
  /** The optimiser's means of the gradient and of its square, shaped like the parameters. */
  readonly mean: Tensors;
  readonly square: Tensors;
  /** The recipe, for messages and for people. */
  readonly recipe: string;
}

const parts = ['model', 'average', 'mean', 'square'] as const;
const metadataSchema = z.object({
  step: z.coerce.number().int().min(0),
  updates: z.coerce.number().int().min(0),
  recipe: z.string(),
});

/** Options of {@link CheckpointStore}. */
export interface CheckpointOptions {
  /** How many of the latest are kept. Default 2. */
  readonly keep?: number;
}

/**
 * The checkpoints of a run: one `.safetensors` file each, which appears when it is complete, so that a full disk or
 * a sudden end leaves the one before.
 */
export class CheckpointStore {
  readonly #folder: string;
  readonly #keep: number;

  constructor(folder: string, { keep = 2 }: CheckpointOptions = {}) {
    this.#folder = folder;
    this.#keep = keep;
  }

  /**
   * Saves a state and removes those that are too old.
   * @returns the file's path.
   * @throws DeblurError `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`.
   */
  async save(state: TrainingState): Promise<string> {
    try {
      await mkdir(this.#folder, { recursive: true });
    } catch (cause) {
      throw new DeblurError('OUTPUT_UNWRITABLE', `The folder ${this.#folder} can't be made.`, { cause });
    }
    const tensors = new Map<string, WeightTensor>();
    for (const part of parts) for (const [name, tensor] of state[part]) tensors.set(`${part}/${name}`, tensor);
    const { step, updates, recipe } = state;
    const bytes = writeSafetensors(tensors, { step: String(step), updates: String(updates), recipe });
    const target = path.join(this.#folder, `step-${String(step).padStart(8, '0')}.safetensors`);
    const file = await AtomicFile.create(target, { overwrite: true });
    await file.write(bytes);
    await file.commit();
    const names = await this.#names();
    for (const name of names.slice(0, -this.#keep)) await rm(path.join(this.#folder, name), { force: true });
    return target;
  }

  /**
   * The newest state that can be read, or `undefined` where there is none.
   * @param onDamaged is told of a newer one that can't be.
   */
  async latest(onDamaged?: (error: DeblurError) => void): Promise<TrainingState | undefined> {
    for (const name of (await this.#names()).reverse()) {
      try {
        return await loadTrainingState(path.join(this.#folder, name));
      } catch (error) {
        if (!(error instanceof DeblurError)) throw error;
        onDamaged?.(error);
      }
    }
    return undefined;
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => /^step-\d+\.safetensors$/.test(name)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

/**
 * Reads a training state.
 * @throws DeblurError `CHECKPOINT_INVALID`.
 */
export async function loadTrainingState(file: string): Promise<TrainingState> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new DeblurError('CHECKPOINT_INVALID', `${file} can't be read.`, { cause });
  }
  const tensors = readSafetensors(bytes, file);
  const metadata = metadataSchema.safeParse(readSafetensorsMetadata(bytes, file));
  if (!metadata.success) {
    throw new DeblurError('CHECKPOINT_INVALID', `${file} is not a checkpoint of a training run.`, {
      cause: metadata.error,
    });
  }
  const part = (wanted: (typeof parts)[number]) =>
    new Map(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(`${wanted}/`) ? [[name.slice(wanted.length + 1), tensor] as const] : [],
      ),
    );
  return {
    ...metadata.data,
    model: part('model'),
    average: part('average'),
    mean: part('mean'),
    square: part('square'),
  };
}
