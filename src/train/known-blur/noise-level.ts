import type { Random } from '../random.js';
import type { DecodedPicture } from '../sets/picture-cache.js';

/** The noise of a picture: variances in squared code values. */
export interface NoiseLevel {
  /** Of what all channels have in common. */
  readonly common: number;
  /** Of what each channel has for itself. */
  readonly own: number;
}

/** Pixels of a cell's side. */
const side = 16;
/** Mean square of the second difference, along columns, of second differences along rows of white noise of variance 1. */
const ofNoise = 36;
/** The flattest cells, one in so many, show the noise. */
const flattest = 20;
/** What they show of the noise that all cells have, when chance alone makes them the flattest. */
const shown = 0.735;
/** Mean code values of cells whose noise is not cut off. */
const [dark, bright] = [10, 245];
/** The luma's weights, and the variance that it keeps of noise that every channel has for itself. */
const lumaWeights = [0.25, 0.5, 0.25] as const;
const keptOfOwn = 0.375;

/** Measures a picture's noise where it is flat. Detail that is everywhere passes for noise, but a little of it only. */
export function noiseLevel({ data, width, height }: DecodedPicture): NoiseLevel {
  const channel = [0, 1, 2].map((c) => flatEnergy(width, height, (i) => data[3 * i + c]!));
  const luma = flatEnergy(
    width,
    height,
    (i) => lumaWeights[0] * data[3 * i]! + lumaWeights[1] * data[3 * i + 1]! + lumaWeights[2] * data[3 * i + 2]!,
  );
  const each = channel.reduce((sum, value) => sum + value, 0) / 3;
  const common = Math.min(each, Math.max(0, (luma - keptOfOwn * each) / (1 - keptOfOwn)));
  return { common, own: each - common };
}

/**
 * Adds noise to a picture, in place, so that it has as much as another one had.
 *
 * @param wanted the other's noise.
 */
export function addMissingNoise(picture: DecodedPicture, wanted: NoiseLevel, random: Random): void {
  const has = noiseLevel(picture);
  const common = Math.sqrt(Math.max(0, wanted.common - has.common));
  const own = Math.sqrt(Math.max(0, wanted.own - has.own));
  if (common + own === 0) return;
  const { data } = picture;
  for (let i = 0; i < data.length; i += 3) {
    const shared = common * random.normal();
    for (let c = 0; c < 3; c += 1) {
      data[i + c] = Math.min(255, Math.max(0, Math.round(data[i + c]! + shared + own * random.normal())));
    }
  }
}

/**
 * The variance that the flattest cells show, in second differences along both axes (Immerkær, "Fast Noise Variance
 * Estimation", CVIU 1996): straight edges have none.
 */
function flatEnergy(width: number, height: number, sample: (index: number) => number): number {
  const energies: number[] = [];
  const along = (at: number) => sample(at - 1) - 2 * sample(at) + sample(at + 1);
  for (let top = 1; top + side < height; top += side) {
    for (let left = 1; left + side < width; left += side) {
      let [sum, energy] = [0, 0];
      for (let y = top; y < top + side; y += 1) {
        for (let x = left; x < left + side; x += 1) {
          const at = y * width + x;
          sum += sample(at);
          energy += (along(at - width) - 2 * along(at) + along(at + width)) ** 2;
        }
      }
      const mean = sum / side ** 2;
      if (mean >= dark && mean <= bright) energies.push(energy / side ** 2);
    }
  }
  energies.sort((a, b) => a - b);
  return (energies[Math.floor(energies.length / flattest)] ?? 0) / (ofNoise * shown);
}
