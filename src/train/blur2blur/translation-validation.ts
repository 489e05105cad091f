import type * as tfjs from '@tensorflow/tfjs';
import type { Network } from '../../models/network.js';
import type { Tfjs } from '../../runtime/tensorflow/tensor.js';
import { Restorer, type OpenSession, type TakeWindow } from '../evaluate/restorer.js';
import { ScenePictures, type PicturePair } from '../evaluate/scene-pictures.js';
import type { Parameters } from '../parameters.js';
import type { PairSet } from '../sets/pair-set.js';
import type { DecodedPicture } from '../sets/picture-cache.js';
import { beside, cappedPsnr, restorePicture, spreadPlaces, type Place } from '../validation.js';

/** How well a translator serves a deblurring network. */
export interface TranslationScore {
  /** Mean PSNR of the translated and deblurred frames in dB; NaN where there is no truth. */
  readonly psnr: number;
  /** What translation adds to deblurring alone, mean over the frames in dB; NaN where there is no truth. */
  readonly gain: number;
  /** Mean PSNR of the translated frames with regard to their sources in dB: how little was changed. */
  readonly likeness: number;
}

/** Options of {@link TranslationValidation}. */
export interface TranslationValidationOptions {
  /** Frames with unknown blur, and their truth. */
  readonly set: PairSet;
  /** Whether the set's sharp pictures are the truth; otherwise they stand for none. */
  readonly truth: boolean;
  /** Opens the deblurring network. */
  readonly open: OpenSession;
  /** Frames that are measured, spread over the scenes. */
  readonly frames: number;
  /** Pictures in the log. */
  readonly pictures: number;
}

/** What a place shows, and what deblurring alone makes of it. */
interface Known extends PicturePair {
  readonly unaided: number;
}

/** Measures a translator in front of a deblurring network while it trains. */
export class TranslationValidation implements AsyncDisposable {
  readonly #network: Network;
  readonly #options: TranslationValidationOptions;
  readonly #places: readonly Place[];
  readonly #pictures: ScenePictures;
  readonly #restorer: Restorer;
  readonly #unaided = new Map<Place, number>();

  constructor(network: Network, options: TranslationValidationOptions) {
    this.#network = network;
    this.#options = options;
    this.#places = spreadPlaces(options.set, options.frames);
    this.#pictures = new ScenePictures(Math.ceil(this.#places.length / 10));
    this.#restorer = new Restorer(options.open);
  }

  /**
   * Scores a translator.
   *
   * @param average the parameters to measure, in the form of `Parameters.flat`; the present ones come back afterwards.
   * @throws DeblurError `INPUT_UNREADABLE` when too many pictures can't be read; whatever the deblurring network throws.
   */
  async score(
    tf: Tfjs,
    parameters: Parameters,
    average: tfjs.Tensor1D,
    onPicture: (name: string, picture: DecodedPicture) => Promise<void>,
  ): Promise<TranslationScore> {
    const present = parameters.flat();
    parameters.assign(average);
    const sum = { psnr: 0, gain: 0, likeness: 0, count: 0 };
    try {
      const translate = (frame: DecodedPicture) => restorePicture(tf, this.#network, parameters, [frame]);
      for (const [i, place] of this.#places.entries()) {
        const known = await this.#look(place);
        if (!known) continue;
        const { blur, sharp, unaided } = known;
        const translated = translate(blur);
        const deblurred = await this.#deblur(place, (frame) => (frame === blur ? translated : translate(frame)));
        const psnr = this.#options.truth ? cappedPsnr(sharp, deblurred) : NaN;
        sum.psnr += psnr;
        sum.gain += psnr - unaided;
        sum.likeness += cappedPsnr(blur, translated);
        sum.count += 1;
        if (i >= this.#options.pictures) continue;
        const columns = [blur, translated, deblurred, ...(this.#options.truth ? [sharp] : [])];
        await onPicture(`validation/${place.scene.name}`, beside(columns));
      }
      return { psnr: sum.psnr / sum.count, gain: sum.gain / sum.count, likeness: sum.likeness / sum.count };
    } finally {
      parameters.assign(present);
      present.dispose();
    }
  }

  /** A place's pictures, or undefined where they can't be read. Deblurring alone is measured once. */
  async #look(place: Place): Promise<Known | undefined> {
    const pair = place.scene.pairs[place.index];
    const pictures = pair && (await this.#pictures.pair(pair));
    if (!pictures) return undefined;
    let unaided = this.#options.truth ? this.#unaided.get(place) : NaN;
    if (unaided === undefined) {
      unaided = cappedPsnr(pictures.sharp, await this.#deblur(place, (frame) => frame));
      this.#unaided.set(place, unaided);
    }
    return { ...pictures, unaided };
  }

  async #deblur({ scene, index }: Place, change: (frame: DecodedPicture) => DecodedPicture): Promise<DecodedPicture> {
    const size = (await this.#pictures.window(scene, index, { past: 0, future: 0 }))[0];
    if (!size) throw new TypeError('a window has a frame');
    const take: TakeWindow = async (window) => (await this.#pictures.window(scene, index, window)).map(change);
    const { picture } = await this.#restorer.restore({ size, take });
    return picture;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#restorer[Symbol.asyncDispose]();
  }
}
