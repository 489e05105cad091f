import type * as tfjs from '@tensorflow/tfjs';
import { pictureFromArray } from '../metrics/picture.js';
import { psnr, psnrCeiling } from '../metrics/psnr.js';
import { applyNetwork, type Network } from '../models/network.js';
import { channelsLast, tensorIn, valueOf, type Tfjs } from '../runtime/tensorflow/tensor.js';
import { runReleasing } from '../runtime/tensorflow/release.js';
import type { Parameters } from './parameters.js';
import { neighbour, type PairScene, type PairSet } from './sets/pair-set.js';
import { decodePicture, type DecodedPicture } from './sets/picture-cache.js';

/** How good a network is on the frames of a test. */
export interface ValidationScore {
  /** Mean PSNR of the results in dB. */
  readonly psnr: number;
  /** Mean of what each frame gained over its blurry input, in dB. */
  readonly gain: number;
}

/** Options of {@link Validation}. */
export interface ValidationOptions {
  /** Frames that are measured, spread over the scenes. */
  readonly frames: number;
  /** Pictures in the log. */
  readonly pictures: number;
  /** Steps between tests. */
  readonly every: number;
}

/** A frame of a set. */
export interface Place {
  readonly scene: PairScene;
  readonly index: number;
}

/** So many frames, or all where there are fewer, spread over a set's scenes. */
export function spreadPlaces(set: PairSet, frames: number): Place[] {
  const all = set.scenes.flatMap((scene) => scene.pairs.map((_, index) => ({ scene, index })));
  const count = Math.min(frames, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)]).flatMap(
    (place) => place ?? [],
  );
}

/** Measures a network on whole frames while it trains. */
export class Validation {
  readonly every: number;
  readonly #network: Network;
  readonly #places: readonly Place[];
  readonly #pictures: number;

  constructor(network: Network, set: PairSet, { frames, pictures, every }: ValidationOptions) {
    this.every = every;
    this.#network = network;
    this.#pictures = pictures;
    this.#places = spreadPlaces(set, frames);
  }

  /**
   * Scores parameters.
   *
   * @param average the parameters to measure, in the form of `Parameters.flat`; the present ones come back afterwards.
   */
  async score(
    tf: Tfjs,
    parameters: Parameters,
    average: tfjs.Tensor1D,
    onPicture: (name: string, picture: DecodedPicture) => Promise<void>,
  ): Promise<ValidationScore> {
    const present = parameters.flat();
    parameters.assign(average);
    try {
      let [total, gain] = [0, 0];
      for (const [i, { scene, index }] of this.#places.entries()) {
        const pair = scene.pairs[index];
        if (!pair) continue;
        const frames = await decodeWindow(scene, index, this.#network);
        const truth = await decodePicture(pair.sharp);
        const input = frames[this.#network.window.past] ?? truth;
        const result = restorePicture(tf, this.#network, parameters, frames);
        const score = cappedPsnr(truth, result);
        total += score;
        gain += score - cappedPsnr(truth, input);
        if (i < this.#pictures) await onPicture(`validation/${scene.name}`, beside([input, result, truth]));
      }
      return { psnr: total / this.#places.length, gain: gain / this.#places.length };
    } finally {
      parameters.assign(present);
      present.dispose();
    }
  }
}

/** The blurry frames that a network looks at for one of a scene. Throws `INPUT_UNREADABLE`. */
export function decodeWindow(
  scene: PairScene,
  index: number,
  { window: { past, future } }: Network,
  decode: (file: string) => Promise<DecodedPicture> = decodePicture,
): Promise<DecodedPicture[]> {
  const steps = Array.from({ length: past + 1 + future }, (_, k) => k - past);
  return Promise.all(steps.map((step) => decode(neighbour(scene, index, step).blur)));
}

/** PSNR in dB, at most {@link psnrCeiling}. */
export function cappedPsnr(truth: DecodedPicture, picture: DecodedPicture): number {
  return Math.min(psnrCeiling, psnr(view(truth), view(picture)));
}

function view({ data, width, height }: DecodedPicture) {
  return pictureFromArray(data, { width, height });
}

/** Runs a network on 8-bit frames. */
export function restorePicture(
  tf: Tfjs,
  network: Network,
  parameters: Parameters,
  frames: readonly DecodedPicture[],
): DecodedPicture {
  const [{ width, height } = { width: 0, height: 0 }] = frames;
  const data = tf.tidy(() => {
    const values = frames.map((frame) => {
      const codes = tf.tensor4d(Float32Array.from(frame.data), [1, height, width, 3]);
      return valueOf(tf.mul(codes, 1 / 255), channelsLast);
    });
    const [result] = runReleasing(tf, parameters, values, (ops, weights, inputs) => [
      applyNetwork(ops, network, weights, inputs),
    ]);
    if (!result) throw new TypeError(`${network.name} gave no output`);
    const picture = tensorIn(tf, result, channelsLast);
    return tf.round(tf.mul(tf.clipByValue(picture, 0, 1), 255)).dataSync();
  });
  return { data: Uint8Array.from(data), width, height };
}

/** Pictures of one height side by side. */
export function beside(pictures: readonly DecodedPicture[]): DecodedPicture {
  const width = pictures.reduce((sum, picture) => sum + picture.width, 0);
  const height = pictures[0]?.height ?? 0;
  const data = new Uint8Array(width * height * 3);
  let left = 0;
  for (const picture of pictures) {
    for (let y = 0; y < height; y += 1) {
      data.set(picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3), (y * width + left) * 3);
    }
    left += picture.width;
  }
  return { data, width, height };
}
