import type * as tfjs from '@tensorflow/tfjs';
import type { Shape } from '../../models/ops.js';

/** The namespace of TensorFlow.js, whichever backend it runs on. */
export type Tfjs = typeof tfjs;

/** Physical order of pictures: `[N, H, W, C]`, which every convolution kernel of TensorFlow takes. */
export const channelsLast = [0, 2, 3, 1] as const;
/** Physical order of kernels: a logical `[O, I, kh, kw]` is held as `[kh, kw, I, O]`. */
export const kernelOrder = [2, 3, 1, 0] as const;
/** Physical order of depthwise kernels: a logical `[C, 1, kh, kw]` is held as `[kh, kw, C, 1]`. */
export const depthwiseOrder = [2, 3, 0, 1] as const;

/**
 * A tensor with a logical shape (pictures are `[N, C, H, W]`) and the order in which its axes are held:
 * axis `i` of `tensor` is axis `order[i]` of the logical shape. A transposition only changes the order.
 */
export interface TfValue {
  readonly shape: Shape;
  readonly tensor: tfjs.Tensor;
  readonly order: readonly number[];
}

/** The order in which axes are held as they are. */
export function plainOrder(rank: number): number[] {
  return [...Array(rank).keys()];
}

/** A value over a tensor that is held in the given order. Default: as it is. */
export function valueOf(tensor: tfjs.Tensor, order: readonly number[] = plainOrder(tensor.rank)): TfValue {
  const shape = tensor.shape.slice();
  order.forEach((axis, i) => (shape[axis] = tensor.shape[i] ?? 0));
  return { shape, tensor, order };
}

/** The value's tensor in the given order, transposed where it is held in another. */
export function tensorIn(tf: Tfjs, value: TfValue, order: readonly number[]): tfjs.Tensor {
  if (order.every((axis, i) => axis === value.order[i])) return value.tensor;
  return tf.transpose(
    value.tensor,
    order.map((axis) => value.order.indexOf(axis)),
  );
}
