import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from '../runtime/tensorflow/tensor.js';
import { createMoments, type Moments } from './moments.js';
import type { Parameters } from './parameters.js';

/** Options of {@link Adam}. */
export interface AdamOptions {
  /** Decay rates of the mean of the gradient and of its square. Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled from the gradient, as in AdamW. Default 0. */
  readonly weightDecay?: number;
  /** Longest gradient, as a whole; a longer one is shortened to it. Default: no limit. */
  readonly clip?: number;
  /** Weight of the past in the running mean of the parameters; 0: there is none. Default 0.999. */
  readonly average?: number;
}

/**
 * Adam (Kingma and Ba, ICLR 2015) and AdamW (Loshchilov and Hutter, ICLR 2019) with PyTorch's arithmetic, a limit on
 * the gradient's norm, and a running mean of the parameters. All parameters are updated as one vector: an operator
 * per parameter would cost more than the arithmetic.
 */
export class Adam implements Disposable {
  readonly #tf: Tfjs;
  readonly #parameters: Parameters;
  readonly #options: Required<Omit<AdamOptions, 'clip'>> & { clip: number | undefined };
  readonly #moments: Moments;
  readonly #average: tfjs.Variable<tfjs.Rank.R1>;
  #step = 0;

  constructor(tf: Tfjs, parameters: Parameters, options: AdamOptions = {}) {
    const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, clip, average = 0.999 } = options;
    this.#tf = tf;
    this.#parameters = parameters;
    this.#options = { betas, epsilon, weightDecay, clip, average };
    this.#moments = createMoments(tf, parameters.count);
    const flat = parameters.flat();
    this.#average = tf.variable(flat);
    flat.dispose();
  }

  /** Updates so far. */
  get step(): number {
    return this.#step;
  }

  /** The running mean of the parameters, in the form of `Parameters.flat`. Stays the optimiser's. */
  get average(): tfjs.Tensor1D {
    return this.#average;
  }

  /**
   * One update.
   *
   * @param gradients one per variable, in the parameters' order.
   * @returns the norm of the gradient before it was shortened; when it is not finite nothing is changed.
   */
  update(gradients: readonly tfjs.Tensor[], rate: number): number {
    const tf = this.#tf;
    const { betas, epsilon, weightDecay, clip, average } = this.#options;
    return tf.tidy(() => {
      const flat = gradients.map((gradient) =>
        gradient.rank === 1 ? (gradient as tfjs.Tensor1D) : gradient.flatten(),
      );
      const gradient = tf.concat1d(flat);
      // Not tf.norm, which raises every number to a power.
      const norm = Math.sqrt(tf.sum(tf.square(gradient)).dataSync()[0] ?? NaN);
      if (!Number.isFinite(norm)) return norm;
      this.#step += 1;
      const shortened =
        clip !== undefined && norm > clip ? tf.mul<tfjs.Tensor1D>(gradient, clip / (norm + 1e-6)) : gradient;
      const before = this.#parameters.flat();
      const after = this.#moments.apply({
        parameters: weightDecay > 0 ? tf.mul<tfjs.Tensor1D>(before, 1 - rate * weightDecay) : before,
        gradient: shortened,
        ...{ rate, step: this.#step, betas, epsilon },
      });
      this.#parameters.assign(after);
      // Young means follow quickly, so that the first steps don't weigh on them.
      const past = Math.min(average, (1 + this.#step) / (10 + this.#step));
      this.#average.assign(
        past > 0 ? tf.add<tfjs.Tensor1D>(tf.mul(this.#average, past), tf.mul(after, 1 - past)) : after,
      );
      return norm;
    });
  }

  /** What a checkpoint keeps, each in the form of `Parameters.flat`. For within a `tf.tidy`. */
  state(): { step: number; mean: tfjs.Tensor1D; square: tfjs.Tensor1D; average: tfjs.Tensor1D } {
    return { step: this.#step, ...this.#moments.state(), average: this.#average };
  }

  /** Goes on from a checkpoint. */
  restore(state: { step: number; mean: tfjs.Tensor1D; square: tfjs.Tensor1D; average: tfjs.Tensor1D }): void {
    this.#step = state.step;
    this.#moments.restore(state.mean, state.square);
    this.#average.assign(state.average);
  }

  dispose(): void {
    this.#moments[Symbol.dispose]();
    this.#average.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
