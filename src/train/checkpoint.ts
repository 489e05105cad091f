import { copyFile, link, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../errors.js';
import { AtomicFile, writeError } from '../io/atomic-file.js';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../models/weights/safetensors.js';
import { checkParameters, type Tensors, type WeightTensor } from '../models/weights/tensors.js';

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
  /** How good it is, the higher the better, where it was measured at this very step. */
  readonly score?: number;
}

const parts = ['model', 'average', 'mean', 'square'] as const;
const metadataSchema = z.object({
  step: z.coerce.number().int().min(0),
  updates: z.coerce.number().int().min(0),
  recipe: z.string(),
  score: z.coerce.number().optional(),
});

/** The name of the state with the highest score. */
const bestName = 'best.safetensors';

/** Options of {@link CheckpointStore}. */
export interface CheckpointOptions {
  /** How many of the latest are kept. Default 2. */
  readonly keep?: number;
}

/**
 * The checkpoints of a run: one `.safetensors` file each, which appears when it is complete, so that a full disk or
 * a sudden end leaves the one before. Beside the latest ones the one with the highest score stays, as
 * `best.safetensors`.
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
    const score = Number.isFinite(state.score) ? state.score : undefined;
    const bytes = writeSafetensors(tensors, {
      ...{ step: String(step), updates: String(updates), recipe },
      ...(score === undefined ? {} : { score: String(score) }),
    });
    const target = path.join(this.#folder, `step-${String(step).padStart(8, '0')}.safetensors`);
    const file = await AtomicFile.create(target, { overwrite: true });
    await file.write(bytes);
    await file.commit();
    if (score !== undefined && !((await this.#bestScore()) >= score)) await this.#makeBest(target);
    // What a killed process left half written goes, too.
    const partial = (await readFolder(this.#folder)).filter((name) => /^\.step-.*\.partial\./.test(name));
    for (const name of [...(await this.#names()).slice(0, -this.#keep), ...partial]) {
      await rm(path.join(this.#folder, name), { force: true });
    }
    return target;
  }

  /** The state with the highest score, or `undefined` where none was measured. Throws `CHECKPOINT_INVALID`. */
  async best(): Promise<TrainingState | undefined> {
    const names = await readFolder(this.#folder);
    return names.includes(bestName) ? loadTrainingState(path.join(this.#folder, bestName)) : undefined;
  }

  /** The best state's score, or NaN without a readable one. */
  async #bestScore(): Promise<number> {
    try {
      return (await this.best())?.score ?? NaN;
    } catch (error) {
      if (error instanceof DeblurError) return NaN;
      throw error;
    }
  }

  /** Gives a state a second name: a link, which costs nothing, or a copy where there are none. */
  async #makeBest(file: string): Promise<void> {
    const best = path.join(this.#folder, bestName);
    const temporary = path.join(this.#folder, `.${bestName}.partial`);
    try {
      await rm(temporary, { force: true });
      await link(file, temporary).catch(() => copyFile(file, temporary));
      await rename(temporary, best);
    } catch (error) {
      await rm(temporary, { force: true });
      throw writeError(best, error as NodeJS.ErrnoException);
    }
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
    return (await readFolder(this.#folder)).filter((name) => /^step-\d+\.safetensors$/.test(name)).sort();
  }
}

/** The names in a folder; none where it is not there. */
async function readFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new DeblurError('INPUT_NOT_FOUND', `The folder ${folder} can't be read.`, { cause });
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
  const { score, ...numbers } = metadata.data;
  const model = part('model');
  const shapes = new Map([...model].map(([name, { shape }]) => [name, shape]));
  const beside = (wanted: (typeof parts)[number]) => {
    const found = part(wanted);
    checkParameters(found, shapes, `"${wanted}" of ${path.basename(file)}`);
    return found;
  };
  return {
    ...{ ...numbers, ...(score === undefined ? {} : { score }) },
    model,
    average: beside('average'),
    mean: beside('mean'),
    square: beside('square'),
  };
}
