import { closeSync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { writeError } from '../../io/atomic-file.js';

/** A file that only grows. What was appended is with the operating system when `append` returns. */
export class GrowingFile {
  readonly path: string;
  #descriptor: number | undefined;

  /**
   * Opens the file, made with its folder where it is not there.
   * @throws DeblurError `OUTPUT_UNWRITABLE`.
   */
  constructor(file: string) {
    this.path = file;
    this.#descriptor = this.#guard(() => {
      mkdirSync(path.dirname(file), { recursive: true });
      return openSync(file, 'a');
    });
  }

  /** @throws DeblurError `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`. */
  append(bytes: Uint8Array): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) throw new TypeError(`${this.path} is written after it was closed`);
    this.#guard(() => {
      for (let at = 0; at < bytes.byteLength;) at += writeSync(descriptor, bytes, at);
    });
  }

  /** Puts everything on the disk. Safe to call twice. */
  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    this.#guard(() => {
      try {
        fdatasyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw writeError(this.path, error as NodeJS.ErrnoException);
    }
  }
}
