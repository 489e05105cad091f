import { readFile } from 'node:fs/promises';
import { DeblurError } from '../errors.js';

/** A file's bytes. Throws `INPUT_NOT_FOUND`. */
export async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new DeblurError('INPUT_NOT_FOUND', `${file} can't be read.`, { cause });
  }
}
