import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { DeblurError } from '../errors.js';

/** Options of {@link AtomicFile.create}. */
export interface AtomicFileOptions {
  /** Replace an existing file. Default false. */
  overwrite?: boolean;
  /** Files that the target must not be (the inputs), compared by identity, so through links, too. Default none. */
  inputs?: readonly string[];
}

/** A file that grows under a temporary name beside its target and takes the target's name when complete. */
export class AtomicFile {
  /** The name the user gave. */
  readonly path: string;
  /** Where to write meanwhile: hidden, in the target's folder, with the target's extension. */
  readonly temporary: string;
  readonly #target: string;
  readonly #overwrite: boolean;
  #open = true;

  private constructor(path: string, target: string, temporary: string, overwrite: boolean) {
    this.path = path;
    this.#target = target;
    this.temporary = temporary;
    this.#overwrite = overwrite;
  }

  /** Checks the target and creates the empty temporary file. Throws `USAGE`, `OUTPUT_EXISTS`, `OUTPUT_UNWRITABLE`. */
  static async create(path: string, options: AtomicFileOptions = {}): Promise<AtomicFile> {
    const overwrite = options.overwrite ?? false;
    const existing = await statOrUndefined(path);
    if (existing) {
      for (const input of options.inputs ?? []) {
        const other = await statOrUndefined(input);
        if (other?.dev === existing.dev && other.ino === existing.ino) {
          throw new DeblurError('USAGE', `The output ${path} is the input itself.`, {
            hint: 'Give the output another name.',
          });
        }
      }
      if (existing.isDirectory()) throw new DeblurError('OUTPUT_UNWRITABLE', `The output ${path} is a folder.`);
      if (!existing.isFile()) throw new DeblurError('OUTPUT_UNWRITABLE', `The output ${path} is not a regular file.`);
      if (!overwrite) throw existsError(path);
    }
    // A link is followed, so that the file it names is replaced and the link stays.
    const target = existing ? await fs.realpath(path) : path;
    const folder = dirname(target);
    const extension = extname(target);
    const name = basename(target, extension);
    const temporary = join(folder, `.${name.slice(0, 100)}.${randomBytes(6).toString('hex')}.partial${extension}`);
    try {
      await (await fs.open(temporary, 'wx')).close();
    } catch (error) {
      throw unwritable(path, folder, error as NodeJS.ErrnoException);
    }
    return new AtomicFile(path, target, temporary, overwrite);
  }

  /** Replaces the content. Throws `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`, and then leaves nothing behind. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      await fs.writeFile(this.temporary, bytes);
    } catch (error) {
      await this.discard();
      throw writeError(this.path, error as NodeJS.ErrnoException);
    }
  }

  /** Gives the complete file its name and returns its size in bytes. Throws `OUTPUT_EXISTS`, `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`. */
  async commit(): Promise<number> {
    try {
      const handle = await fs.open(this.temporary, 'r+');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      const { size } = await fs.stat(this.temporary);
      if (this.#overwrite) await fs.rename(this.temporary, this.#target);
      else await this.#renameToNew();
      this.#open = false;
      return size;
    } catch (error) {
      await this.discard();
      throw error instanceof DeblurError ? error : writeError(this.path, error as NodeJS.ErrnoException);
    }
  }

  /** Removes the temporary file. Does nothing after `commit`. */
  async discard(): Promise<void> {
    if (!this.#open) return;
    await fs.rm(this.temporary, { force: true });
    this.#open = false;
  }

  /** Takes the name only if nobody has taken it meanwhile. */
  async #renameToNew(): Promise<void> {
    try {
      await fs.link(this.temporary, this.#target);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EEXIST') throw existsError(this.path);
      // A file system without hard links (FAT, some network shares): the check made before has to do.
      if (await statOrUndefined(this.#target)) throw existsError(this.path);
      await fs.rename(this.temporary, this.#target);
      return;
    }
    await fs.unlink(this.temporary);
  }
}

/** The error for a failed write, by its system code: `OUTPUT_FULL` where space ran out, else `OUTPUT_UNWRITABLE`. */
export function writeError(path: string, error: NodeJS.ErrnoException): DeblurError {
  const { code } = error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DeblurError('OUTPUT_FULL', `There is no space left on the disk for ${path}.`, { cause: error });
  }
  if (code === 'EFBIG') {
    return new DeblurError('OUTPUT_FULL', `${path} grew larger than its disk or the system's limit allows.`, {
      cause: error,
    });
  }
  return new DeblurError('OUTPUT_UNWRITABLE', `${path} cannot be written: ${error.message}.`, { cause: error });
}

async function statOrUndefined(path: string) {
  try {
    return await fs.stat(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function existsError(path: string): DeblurError {
  return new DeblurError('OUTPUT_EXISTS', `The output ${path} exists already.`, {
    hint: 'Replace it with --overwrite (in code: overwrite: true), or give another name.',
  });
}

function unwritable(path: string, folder: string, error: NodeJS.ErrnoException): DeblurError {
  if (error.code === 'ENOENT')
    return new DeblurError('OUTPUT_UNWRITABLE', `The output folder ${folder} does not exist.`, { cause: error });
  if (error.code === 'ENOTDIR')
    return new DeblurError('OUTPUT_UNWRITABLE', `${folder} is not a folder.`, { cause: error });
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS') {
    return new DeblurError('OUTPUT_UNWRITABLE', `The output folder ${folder} is read-only for you.`, { cause: error });
  }
  return writeError(path, error);
}
