import { DeblurError } from '../../errors.js';
import { decodePicture, PictureCache, type DecodedPicture, type DecodeOptions } from './picture-cache.js';

/** Options of {@link PictureReader}. */
export interface PictureReaderOptions extends DecodeOptions {
  /** Bytes of decoded pictures that are kept. Default 4 GiB. */
  readonly cache?: number;
  /** Pictures that may be unreadable, as a part of those read, at least 10. Default 0.01. */
  readonly unreadable?: number;
}

const leastBudget = 10;

/** Reads pictures for training, keeps them, and bears with a few that can't be read. */
export class PictureReader {
  readonly #cache: PictureCache;
  readonly #budget: number;
  readonly #failures = new Set<string>();
  #reads = 0;

  constructor({ cache = 4 * 2 ** 30, unreadable = 0.01, ...decoding }: PictureReaderOptions = {}) {
    this.#cache = new PictureCache(cache, (file) => decodePicture(file, decoding));
    this.#budget = unreadable;
  }

  /** Pictures that could not be read so far. */
  get unreadable(): number {
    return this.#failures.size;
  }

  /**
   * The pictures, or undefined when one can't be read.
   * @throws DeblurError `INPUT_UNREADABLE` when too many can't be.
   */
  async read(files: readonly string[]): Promise<DecodedPicture[] | undefined> {
    const settled = await Promise.allSettled(files.map((file) => this.#cache.get(file)));
    this.#reads += files.length;
    const pictures: DecodedPicture[] = [];
    settled.forEach((outcome, i) => {
      if (outcome.status === 'fulfilled') pictures.push(outcome.value);
      else this.#failures.add(files[i] ?? '');
    });
    if (pictures.length === files.length) return pictures;
    if (this.#failures.size > Math.max(leastBudget, this.#budget * this.#reads)) throw this.tooManyFailures();
    return undefined;
  }

  /** The error for too many pictures that can't be read. */
  tooManyFailures(): DeblurError {
    const names = [...this.#failures].slice(0, 3).join(', ');
    return new DeblurError('INPUT_UNREADABLE', `${this.#failures.size} pictures can't be read, first ${names}.`, {
      hint: 'Build or copy the data set again.',
    });
  }
}
