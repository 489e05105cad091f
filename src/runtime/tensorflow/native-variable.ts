import type * as tfjs from '@tensorflow/tfjs';
import { runNative } from './native-kernels.js';
import type { Tfjs } from './tensor.js';

let count = 0;

/** A vector that TensorFlow itself holds, and that its operators change in place. */
export class NativeVariable implements Disposable {
  /** What operators are given. */
  readonly handle: tfjs.Tensor;
  readonly #tf: Tfjs;

  private constructor(tf: Tfjs, handle: tfjs.Tensor) {
    this.#tf = tf;
    this.handle = handle;
  }

  /** Holds these values, or is undefined where the backend at work has no such variables. */
  static of(tf: Tfjs, values: tfjs.Tensor1D): NativeVariable | undefined {
    count += 1;
    const [handle] = runNative(tf, 'variable', {}, { name: `deblur-${count}`, size: values.size }) ?? [];
    if (!handle) return undefined;
    const variable = new NativeVariable(tf, tf.keep(handle));
    variable.assign(values);
    return variable;
  }

  assign(values: tfjs.Tensor1D): void {
    runNative(this.#tf, 'variableWriting', { variable: this.handle, values }, {});
  }

  /** Its values now: what changes it later leaves them. */
  read(): tfjs.Tensor1D {
    const [values] = runNative(this.#tf, 'variableReading', { variable: this.handle }, {}) ?? [];
    if (!values) throw new TypeError('the backend has no variables of its own');
    return values as tfjs.Tensor1D;
  }

  [Symbol.dispose](): void {
    runNative(this.#tf, 'variableRemoval', { variable: this.handle }, {});
    this.handle.dispose();
  }
}
