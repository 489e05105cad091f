import type * as tfjs from '@tensorflow/tfjs';
import { runNative } from '../runtime/tensorflow/native-kernels.js';
import { NativeVariable } from '../runtime/tensorflow/native-variable.js';
import type { Tfjs } from '../runtime/tensorflow/tensor.js';

/** One step of Adam. */
export interface AdamStep {
  /** Vectors of the same length. */
  readonly parameters: tfjs.Tensor1D;
  readonly gradient: tfjs.Tensor1D;
  readonly rate: number;
  /** Steps with this one. */
  readonly step: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
}

/** Running means of a gradient and of its square. */
export interface Moments extends Disposable {
  /** Takes a gradient in and gives the parameters after the step. For within a `tf.tidy`. */
  apply(step: AdamStep): tfjs.Tensor1D;
  /** For within a `tf.tidy`. */
  state(): { readonly mean: tfjs.Tensor1D; readonly square: tfjs.Tensor1D };
  restore(mean: tfjs.Tensor1D, square: tfjs.Tensor1D): void;
}

/** Moments that begin with nothing, in the form that the backend at work updates quickest. */
export function createMoments(tf: Tfjs, count: number): Moments {
  return NativeMoments.of(tf, count) ?? new PlainMoments(tf, count);
}

/** By operators that every backend has, each of them a pass over all numbers. */
export class PlainMoments implements Moments {
  readonly #tf: Tfjs;
  readonly #mean: tfjs.Variable<tfjs.Rank.R1>;
  readonly #square: tfjs.Variable<tfjs.Rank.R1>;

  constructor(tf: Tfjs, count: number) {
    this.#tf = tf;
    const nothing = tf.zeros<tfjs.Rank.R1>([count]);
    [this.#mean, this.#square] = [tf.variable(nothing), tf.variable(nothing)];
    nothing.dispose();
  }

  apply({ parameters, gradient, rate, step, betas, epsilon }: AdamStep): tfjs.Tensor1D {
    const tf = this.#tf;
    const running = (past: tfjs.Tensor, weight: number, present: tfjs.Tensor) =>
      tf.add<tfjs.Tensor1D>(tf.mul(past, weight), tf.mul(present, 1 - weight));
    const mean = running(this.#mean, betas[0], gradient);
    const square = running(this.#square, betas[1], tf.square(gradient));
    this.#mean.assign(mean);
    this.#square.assign(square);
    const deviation = tf.add(tf.mul(tf.sqrt(square), 1 / Math.sqrt(1 - betas[1] ** step)), epsilon);
    return tf.sub(parameters, tf.mul(tf.div(mean, deviation), rate / (1 - betas[0] ** step)));
  }

  state(): { mean: tfjs.Tensor1D; square: tfjs.Tensor1D } {
    return { mean: this.#mean, square: this.#square };
  }

  restore(mean: tfjs.Tensor1D, square: tfjs.Tensor1D): void {
    this.#mean.assign(mean);
    this.#square.assign(square);
  }

  [Symbol.dispose](): void {
    this.#mean.dispose();
    this.#square.dispose();
  }
}

/** By TensorFlow's own operator, which does all in one pass. */
class NativeMoments implements Moments {
  readonly #tf: Tfjs;
  readonly #parameters: NativeVariable;
  readonly #mean: NativeVariable;
  readonly #square: NativeVariable;

  private constructor(tf: Tfjs, variables: readonly [NativeVariable, NativeVariable, NativeVariable]) {
    this.#tf = tf;
    [this.#parameters, this.#mean, this.#square] = variables;
  }

  /** Or undefined where the backend at work has no such operator, or its trial gives something else. */
  static of(tf: Tfjs, count: number): NativeMoments | undefined {
    return NativeMoments.#work(tf) ? NativeMoments.#open(tf, count) : undefined;
  }

  static #open(tf: Tfjs, count: number): NativeMoments | undefined {
    const nothing = tf.zeros<tfjs.Rank.R1>([count]);
    const [parameters, mean, square] = [0, 1, 2].map(() => NativeVariable.of(tf, nothing));
    nothing.dispose();
    return parameters && mean && square && new NativeMoments(tf, [parameters, mean, square]);
  }

  /** Whether a first step goes by the rate. */
  static #work(tf: Tfjs): boolean {
    try {
      using trial = NativeMoments.#open(tf, 1);
      const settings = { rate: 1, step: 1, betas: [0.5, 0.5], epsilon: 0 } as const;
      const after = tf.tidy(() =>
        trial?.apply({ parameters: tf.zeros([1]), gradient: tf.ones([1]), ...settings }).dataSync<'float32'>(),
      );
      return Math.abs((after?.[0] ?? NaN) + 1) < 1e-5;
    } catch {
      return false;
    }
  }

  apply({ parameters, gradient, rate, step, betas, epsilon }: AdamStep): tfjs.Tensor1D {
    const tf = this.#tf;
    this.#parameters.assign(parameters);
    const powers = betas.map((beta) => beta ** step);
    const numbers = {
      meanPower: powers[0] ?? 0,
      squarePower: powers[1] ?? 0,
      rate,
      meanBeta: betas[0],
      squareBeta: betas[1],
      // TensorFlow adds it before the root is freed of its bias towards nothing, PyTorch after it.
      epsilon: epsilon * Math.sqrt(1 - (powers[1] ?? 0)),
    };
    const scalars = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, tf.scalar(value)]));
    const variables = { parameters: this.#parameters.handle, mean: this.#mean.handle, square: this.#square.handle };
    runNative(tf, 'adam', { ...variables, ...scalars, gradient }, {});
    return this.#parameters.read();
  }

  state(): { mean: tfjs.Tensor1D; square: tfjs.Tensor1D } {
    return { mean: this.#mean.read(), square: this.#square.read() };
  }

  restore(mean: tfjs.Tensor1D, square: tfjs.Tensor1D): void {
    this.#mean.assign(mean);
    this.#square.assign(square);
  }

  [Symbol.dispose](): void {
    for (const variable of [this.#parameters, this.#mean, this.#square]) variable[Symbol.dispose]();
  }
}
