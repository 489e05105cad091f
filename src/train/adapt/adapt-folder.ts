import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../../errors.js';
import { AtomicFile, writeError } from '../../io/atomic-file.js';

/** What a folder's work depends on: with other values it would be another work. */
export const adaptedFrom = z.strictObject({
  /** Absolute paths. */
  footage: z.array(z.string()),
  model: z.string(),
  baseChannels: z.number(),
  seed: z.number(),
  least: z.number(),
  step: z.number(),
  length: z.strictObject({ min: z.number(), max: z.number() }),
});
/** What a folder's work depends on. */
export type AdaptedFrom = z.output<typeof adaptedFrom>;

const counts = z.strictObject({ blurry: z.number(), sharp: z.number() });

/** What each stage left behind. */
const stages = z.strictObject({
  split: z
    .strictObject({
      scenes: counts,
      frames: counts,
      looked: z.number(),
      unusable: z.array(z.string()),
      /** Smallest side of the pictures in pixels. */
      shortest: z.number(),
    })
    .optional(),
  blur: z.strictObject({ pictures: z.number(), name: z.string() }).optional(),
  train: z.strictObject({ steps: z.number(), backend: z.string(), unreadable: z.number() }).optional(),
});
/** What the stages that are complete left behind. */
export type AdaptStages = z.output<typeof stages>;

const state = z.strictObject({ from: adaptedFrom, done: stages });

const stateFile = 'adapt.json';

/** The folder of an adaptation, which knows what is done. */
export class AdaptFolder {
  readonly #from: AdaptedFrom;
  #done: AdaptStages;

  private constructor(
    /** Where it is. */
    readonly root: string,
    from: AdaptedFrom,
    done: AdaptStages,
  ) {
    this.#from = from;
    this.#done = done;
  }

  /**
   * Begins a folder, or goes on with one.
   *
   * @throws DeblurError `OUTPUT_EXISTS` when it holds something else, or work on other footage or with other settings;
   * `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`.
   */
  static async open(root: string, from: AdaptedFrom): Promise<AdaptFolder> {
    const hint = 'Name another folder with --out, or remove this one.';
    let text: string | undefined;
    try {
      await mkdir(root, { recursive: true });
      text = await readFile(path.join(root, stateFile), 'utf8').catch(() => undefined);
      if (text === undefined && (await readdir(root)).length > 0) {
        throw new DeblurError('OUTPUT_EXISTS', `${root} is not empty, and no adaptation.`, { hint });
      }
    } catch (cause) {
      throw cause instanceof DeblurError ? cause : writeError(root, cause as NodeJS.ErrnoException);
    }
    if (text === undefined) {
      const folder = new AdaptFolder(root, from, {});
      await folder.#write();
      return folder;
    }
    const known = stateOf(text);
    if (!known) throw new DeblurError('OUTPUT_EXISTS', `${path.join(root, stateFile)} can't be understood.`, { hint });
    const other = (Object.keys(from) as (keyof AdaptedFrom)[]).filter(
      (key) => JSON.stringify(from[key]) !== JSON.stringify(known.from[key]),
    );
    if (other.length > 0) {
      const was = other.map((key) => `${key} (${JSON.stringify(known.from[key])})`).join(', ');
      throw new DeblurError('OUTPUT_EXISTS', `${root} was begun with another ${was}.`, { hint });
    }
    return new AdaptFolder(root, known.from, known.done);
  }

  /** What the complete stages left behind. */
  get done(): AdaptStages {
    return this.#done;
  }

  /** A file or folder in it. */
  path(...parts: readonly string[]): string {
    return path.join(this.root, ...parts);
  }

  /**
   * Notes that a stage is complete.
   * @throws DeblurError `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`.
   */
  async record(stage: AdaptStages): Promise<void> {
    this.#done = { ...this.#done, ...stage };
    await this.#write();
  }

  /**
   * Writes a file, in place of one that is there.
   * @throws DeblurError `OUTPUT_UNWRITABLE`, `OUTPUT_FULL`.
   */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const file = await AtomicFile.create(this.path(name), { overwrite: true });
    await file.write(typeof content === 'string' ? Buffer.from(content) : content);
    await file.commit();
  }

  #write(): Promise<void> {
    return this.write(stateFile, `${JSON.stringify({ from: this.#from, done: this.#done }, undefined, 1)}\n`);
  }
}

function stateOf(text: string): z.output<typeof state> | undefined {
  try {
    return state.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
