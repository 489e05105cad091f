import type { Weights } from '../../models/ops.js';
import type { Tensors, WeightTensor } from '../../models/weights/tensors.js';
import { kernelOrder, valueOf } from './tensor.js';
import type { Tfjs, TfValue } from './tensor.js';

/** How a parameter is held: kernels as TensorFlow takes them, all others as they are. */
export function heldOrder(rank: number): readonly number[] | undefined {
  return rank === 4 ? kernelOrder : undefined;
}

/** A parameter as a tensor in its held order; the caller disposes it. */
export function uploadParameter(tf: Tfjs, { shape, data }: WeightTensor): TfValue {
  const order = heldOrder(shape.length);
  const tensor = tf.tidy(() => {
    const plain = tf.tensor(data, [...shape]);
    return order ? tf.transpose(plain, [...order]) : plain;
  });
  return valueOf(tensor, order);
}

/** A network's parameters as tensors. Each is made on first use; `dispose` frees them all. */
export class TensorflowWeights implements Weights<TfValue>, Disposable {
  readonly #tf: Tfjs;
  readonly #tensors: Tensors;
  readonly #values = new Map<string, TfValue>();

  constructor(tf: Tfjs, tensors: Tensors) {
    this.#tf = tf;
    this.#tensors = tensors;
  }

  get(name: string, shape: readonly number[]): TfValue {
    const known = this.#values.get(name);
    if (known) return known;
    const tensor = this.#tensors.get(name);
    if (tensor?.shape.join() !== shape.join()) throw new TypeError(`the network's parameter ${name} is missing`);
    const value = uploadParameter(this.#tf, tensor);
    this.#tf.keep(value.tensor);
    this.#values.set(name, value);
    return value;
  }

  dispose(): void {
    for (const { tensor } of this.#values.values()) tensor.dispose();
    this.#values.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
