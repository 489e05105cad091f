import { DeblurError, throwIfAborted } from '../../errors.js';
import { smallerThanCrop } from './pair-sampler.js';
import type { PairScene, PairSet } from './pair-set.js';
import { pictureSize } from './picture-cache.js';

/** Options of {@link checkSet}. */
export interface CheckSetOptions {
  /** Side of the crops that will be cut, in pixels. Default: none are. */
  readonly crop?: number;
  readonly signal?: AbortSignal;
}

/** Scenes whose pictures are looked at at once. */
const atOnce = 16;

/**
 * Looks at the first pair of each scene before a long run begins. Only headers are read; what else is wrong with a
 * picture shows when it is needed.
 *
 * @throws DeblurError `INPUT_UNREADABLE` that names the first picture that has another size than its partner, or is
 * smaller than the crop.
 */
export async function checkSet(set: PairSet, { crop = 1, signal }: CheckSetOptions = {}): Promise<void> {
  for (let i = 0; i < set.scenes.length; i += atOnce) {
    throwIfAborted(signal);
    await Promise.all(set.scenes.slice(i, i + atOnce).map((scene) => checkScene(scene, crop)));
  }
}

async function checkScene({ pairs: [pair] }: PairScene, crop: number): Promise<void> {
  if (!pair) return;
  const sizes = await Promise.allSettled([pictureSize(pair.blur), pictureSize(pair.sharp)]);
  const [blur, sharp] = sizes.map((size) => (size.status === 'fulfilled' ? size.value : undefined));
  // A picture that can't be read counts when it is drawn.
  if (!blur || !sharp) return;
  if (blur.width !== sharp.width || blur.height !== sharp.height) {
    const message = `${pair.blur} is ${blur.width}x${blur.height} where ${pair.sharp} is ${sharp.width}x${sharp.height}.`;
    throw new DeblurError('INPUT_UNREADABLE', message);
  }
  if (blur.width < crop || blur.height < crop) throw smallerThanCrop(pair.blur, blur.width, blur.height, crop);
}
