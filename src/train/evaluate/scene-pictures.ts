import { DeblurError } from '../../errors.js';
import type { FramePair, PairScene } from '../sets/pair-set.js';
import { PictureCache, type DecodedPicture } from '../sets/picture-cache.js';
import type { RestoredPlace } from './restorer.js';

/** Bytes of decoded pictures that are kept for the windows to come. */
const cacheBytes = 512 * 2 ** 20;

/** Blurry and sharp picture of one frame. */
export interface PicturePair {
  readonly blur: DecodedPicture;
  readonly sharp: DecodedPicture;
}

/** Reads the pictures of a set and keeps account of those that can't be used. */
export class ScenePictures {
  readonly #cache = new PictureCache(cacheBytes);
  readonly #failures = new Map<string, DeblurError>();
  readonly #budget: number;

  /** @param budget Pictures that may fail before the whole evaluation does. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** A sentence for each picture that could not be used. */
  get failures(): readonly string[] {
    return [...this.#failures.values()].map(({ message }) => message);
  }

  /**
   * Both pictures of a frame, or undefined when one can't be read or their sizes differ.
   * @throws DeblurError `INPUT_UNREADABLE` when too many can't.
   */
  async pair({ blur: blurFile, sharp: sharpFile }: FramePair): Promise<PicturePair | undefined> {
    const [blur, sharp] = await Promise.all([this.#read(blurFile), this.#read(sharpFile)]);
    if (!blur || !sharp) return undefined;
    if (blur.width === sharp.width && blur.height === sharp.height) return { blur, sharp };
    const sizes = `${blur.width}x${blur.height} where ${sharpFile} is ${sharp.width}x${sharp.height}`;
    this.#fail(blurFile, new DeblurError('INPUT_UNREADABLE', `${blurFile} is ${sizes}.`));
    return undefined;
  }

  /**
   * Blurry frames around one that can be read. Where there is none, can't be read, or has another size, the nearest one
   * on the way to the middle stands in.
   */
  async window(
    scene: PairScene,
    index: number,
    { past, future }: { readonly past: number; readonly future: number },
  ): Promise<DecodedPicture[]> {
    const middle = await this.#cache.get(scene.pairs[index]?.blur ?? '');
    const walk = async (step: number, count: number) => {
      const found: DecodedPicture[] = [];
      let last = middle;
      for (let k = 1; k <= count; k += 1) {
        const pair = scene.stills ? undefined : scene.pairs[index + step * k];
        const picture = pair && (await this.#read(pair.blur));
        if (picture?.width === middle.width && picture.height === middle.height) last = picture;
        found.push(last);
      }
      return found;
    };
    const before = await walk(-1, past);
    return [...before.reverse(), middle, ...(await walk(1, future))];
  }

  /** A frame of that size to restore. */
  place(scene: PairScene, index: number, size: RestoredPlace['size']): RestoredPlace {
    return { size, take: (window) => this.window(scene, index, window) };
  }

  /**
   * The frame after one of that size, where it is of the same shot, can be read and has the same size.
   * @throws DeblurError `INPUT_UNREADABLE` when too many pictures can't be used.
   */
  async nextPlace(
    scene: PairScene,
    index: number,
    { width, height }: RestoredPlace['size'],
  ): Promise<RestoredPlace | undefined> {
    const pair = scene.stills ? undefined : scene.pairs[index + 1];
    const size = pair && (await this.pair(pair))?.blur;
    if (size?.width !== width || size.height !== height) return undefined;
    return this.place(scene, index + 1, size);
  }

  async #read(file: string): Promise<DecodedPicture | undefined> {
    if (this.#failures.has(file)) return undefined;
    try {
      return await this.#cache.get(file);
    } catch (error) {
      if (!(error instanceof DeblurError)) throw error;
      this.#fail(file, error);
      return undefined;
    }
  }

  #fail(file: string, error: DeblurError): void {
    this.#failures.set(file, error);
    if (this.#failures.size <= this.#budget) return;
    const names = [...this.#failures.keys()].slice(0, 3).join(', ');
    throw new DeblurError('INPUT_UNREADABLE', `${this.#failures.size} pictures can't be used, first ${names}.`, {
      hint: error.message,
      cause: error,
    });
  }
}
