import type * as tfjs from '@tensorflow/tfjs';
import { parametersOf } from '../models/network.js';
import type { Network } from '../models/network.js';
import type { Shape, Weights } from '../models/ops.js';
import { elements } from '../models/ops.js';
import type { Tensors, WeightTensor } from '../models/weights/tensors.js';
import { plainOrder, tensorIn, valueOf, type Tfjs, type TfValue } from '../runtime/tensorflow/tensor.js';
import { heldOrder, TensorflowWeights, uploadParameter } from '../runtime/tensorflow/weights.js';
import type { Random } from './random.js';

/** Parameters that no rule names: normalisations' scales are 1, everything else depends on the fan-in. */
function usualInitial(name: string, shape: Shape): number | 'fan-in' {
  if (shape.length === 1 && name.endsWith('.weight')) return 1;
  return 'fan-in';
}

/** Values that a network's training begins with: by its own rule, else as PyTorch's layers do, evenly from ±1/√fan-in. */
export function initialParameters(network: Network, random: Random): Map<string, WeightTensor> {
  const shapes = parametersOf(network);
  const tensors = new Map<string, WeightTensor>();
  for (const [name, shape] of shapes) {
    const initial = network.initial?.(name) ?? usualInitial(name, shape);
    const data = new Float32Array(elements(shape));
    if (initial === 'fan-in') {
      // A bias begins like the kernel beside it.
      const kernel = shape.length > 1 ? shape : (shapes.get(name.replace(/bias$/, 'weight')) ?? shape);
      const bound = 1 / Math.sqrt(Math.max(1, elements(kernel.slice(1))));
      const draw = random.fork(name);
      for (let i = 0; i < data.length; i += 1) data[i] = draw.between(-bound, bound);
    } else data.fill(initial);
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/** A network's parameters as variables that training changes. */
export class Parameters implements Weights<TfValue>, Disposable {
  readonly names: readonly string[];
  readonly variables: readonly tfjs.Variable[];
  readonly #tf: Tfjs;
  readonly #values = new Map<string, TfValue>();
  readonly #shapes: readonly Shape[];
  readonly #fixed: TensorflowWeights;
  /** Kept beside the variables: to put it together anew at each step would cost an operator per variable. */
  readonly #flat: tfjs.Variable<tfjs.Rank.R1>;

  /**
   * @param tensors the parameters that are learned.
   * @param fixed the others. Default: none.
   */
  constructor(tf: Tfjs, tensors: Tensors, fixed: Tensors = new Map()) {
    this.#tf = tf;
    this.#fixed = new TensorflowWeights(tf, fixed);
    this.names = [...tensors.keys()];
    this.#shapes = [...tensors.values()].map(({ shape }) => shape);
    this.variables = [...tensors].map(([name, tensor]) => {
      const { tensor: held, order } = uploadParameter(tf, tensor);
      const variable = tf.variable(held);
      held.dispose();
      this.#values.set(name, { shape: tensor.shape, tensor: variable, order });
      return variable;
    });
    const flat = tf.tidy(() => tf.concat1d(this.variables.map((variable) => variable.flatten())));
    this.#flat = tf.variable(flat);
    flat.dispose();
  }

  get(name: string, shape: Shape): TfValue {
    const value = this.#values.get(name);
    if (!value) return this.#fixed.get(name, shape);
    if (value.shape.join() !== shape.join()) throw new TypeError(`the network's parameter ${name} is missing`);
    return value;
  }

  /** Numbers in all learned parameters. */
  get count(): number {
    return this.#shapes.reduce((sum, shape) => sum + elements(shape), 0);
  }

  /** All learned parameters one after the other, in the order of {@link names}, as they are held. */
  flat(): tfjs.Tensor1D {
    return this.#flat.clone();
  }

  /** Takes over values in the form of {@link flat}. */
  assign(flat: tfjs.Tensor1D): void {
    this.#tf.tidy(() => {
      const sizes = this.variables.map(({ size }) => size);
      const parts = sizes.length > 1 ? this.#tf.split(flat, sizes) : [flat];
      this.variables.forEach((variable, i) => {
        const part = parts[i] ?? flat;
        variable.assign(variable.rank === 1 ? part : this.#tf.reshape(part, variable.shape));
      });
      this.#flat.assign(flat);
    });
  }

  /** Values in the form of {@link flat} as named tensors in their logical shapes. */
  unpack(flat: tfjs.Tensor1D): Map<string, WeightTensor> {
    const tensors = new Map<string, WeightTensor>();
    let start = 0;
    for (const [i, name] of this.names.entries()) {
      const variable = this.variables[i];
      const shape = this.#shapes[i] ?? [];
      if (!variable) break;
      const data = this.#tf.tidy(() => {
        const part = this.#tf.reshape(this.#tf.slice1d(flat, start, variable.size), variable.shape);
        return tensorIn(
          this.#tf,
          valueOf(part, heldOrder(shape.length)),
          plainOrder(shape.length),
        ).dataSync<'float32'>();
      });
      tensors.set(name, { shape, data: Float32Array.from(data) });
      start += variable.size;
    }
    return tensors;
  }

  /** Named tensors in the form of {@link flat}. */
  pack(tensors: Tensors): tfjs.Tensor1D {
    return this.#tf.tidy(() =>
      this.#tf.concat1d(
        this.names.map((name) => {
          const tensor = tensors.get(name);
          if (!tensor) throw new TypeError(`the checkpoint has no ${name}`);
          return uploadParameter(this.#tf, tensor).tensor.flatten();
        }),
      ),
    );
  }

  dispose(): void {
    this.#fixed.dispose();
    this.#flat.dispose();
    for (const variable of this.variables) variable.dispose();
    this.#values.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
