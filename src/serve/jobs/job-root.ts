import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import path from 'node:path';
import { DeblurError } from '../../errors.js';

/** Folders below the root that this server makes. */
const folders = { uploads: 'uploads', results: 'deblurred', recordings: 'recordings' } as const;

/** The folder that jobs may read of, and that uploads, results and recordings go to. */
export class JobRoot {
  /** The folder's own path, without links. */
  readonly path: string;

  private constructor(root: string) {
    this.path = root;
  }

  /** Throws `INPUT_NOT_FOUND` when there is no such folder. */
  static async open(folder: string): Promise<JobRoot> {
    try {
      const root = await fs.realpath(folder);
      if ((await fs.stat(root)).isDirectory()) return new JobRoot(root);
    } catch (cause) {
      throw new DeblurError('INPUT_NOT_FOUND', `There is no folder ${folder}.`, { cause });
    }
    throw new DeblurError('INPUT_NOT_FOUND', `${folder} is not a folder.`);
  }

  /**
   * The file that a client names by its path below the root, with `/` between its parts. Neither a part nor the file
   * may be a link: what is outside stays outside.
   * @throws DeblurError `USAGE` for a path that leaves the root, `INPUT_NOT_FOUND` where no regular file is.
   */
  async file(relative: string): Promise<string> {
    const parts = relative.split('/');
    const odd = parts.some((part) => part === '' || part === '.' || part === '..' || /[\0\\:]/.test(part));
    if (odd || path.isAbsolute(relative)) {
      throw new DeblurError('USAGE', 'A path names a file below the server’s root, such as "day 1/clip.mp4".');
    }
    let at = this.path;
    for (const [i, part] of parts.entries()) {
      at = path.join(at, part);
      const stats = await fs.lstat(at).catch(() => undefined);
      const last = i === parts.length - 1;
      if (!stats || !(last ? stats.isFile() : stats.isDirectory())) {
        throw new DeblurError(
          'INPUT_NOT_FOUND',
          `There is no file ${JSON.stringify(relative)} below the server’s root.`,
        );
      }
    }
    return at;
  }

  /** A path for an upload. */
  upload(name: string): Promise<string> {
    return this.#place(folders.uploads, name);
  }

  /** A path for a result. */
  result(name: string): Promise<string> {
    return this.#place(folders.results, name);
  }

  /** A path for a recording that begins now. */
  recording(): Promise<string> {
    const time = new Date()
      .toISOString()
      .replace(/\.\d+Z$/, '')
      .replaceAll(':', '-');
    return this.#place(folders.recordings, `live-${time}.mp4`);
  }

  async #place(folder: string, name: string): Promise<string> {
    const parent = path.join(this.path, folder);
    try {
      await fs.mkdir(parent, { recursive: true });
    } catch (cause) {
      throw new DeblurError('OUTPUT_UNWRITABLE', `The server’s folder "${folder}" cannot be made.`, { cause });
    }
    return path.join(parent, name);
  }
}

/** Writes a stream to a new file, which is removed again when that fails. */
export async function writeNewFile(file: string, source: AsyncIterable<Uint8Array>): Promise<number> {
  const handle = await fs.open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  let bytes = 0;
  try {
    for await (const chunk of source) {
      await handle.write(chunk);
      bytes += chunk.length;
    }
    await handle.close();
  } catch (error) {
    await handle.close();
    await fs.rm(file, { force: true });
    throw error;
  }
  return bytes;
}

/** A client's name of a file as people may see it: its last part, without what file systems or terminals take amiss. */
export function plainName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  const plain = last
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}._ ()+-]/gu, '_')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(-100);
  return plain === '' ? 'video' : plain;
}
