import type * as tfjs from '@tensorflow/tfjs';
import { elements } from '../../models/ops.js';
import type {
  Conv2dOptions,
  ConvTranspose2dOptions,
  GeluForm,
  LayerNormOptions,
  LinearOptions,
  Margins,
  PadMode,
  Shape,
  SliceOptions,
} from '../../models/ops.js';
import { bounce } from '../../models/mirror.js';
import { boxMatrix, resizeMatrix, type RowFilter } from '../../models/row-filter.js';
import type { AxisFilter, EnlargeOptions, PictureOps } from '../picture/picture-ops.js';
import { PictureShapeOps } from '../picture/picture-shape-ops.js';
import { biased } from './bias.js';
import { enlarged } from './bilinear.js';
import { runNative } from './native-kernels.js';
import { rectified } from './rectifier.js';
import { summed } from './sum.js';
import { channelsLast, depthwiseOrder, kernelOrder, plainOrder, tensorIn, valueOf } from './tensor.js';
import type { Tfjs, TfValue } from './tensor.js';

const shapes = new PictureShapeOps();
/** Keeps the derivative of a square root finite; far below the square of any norm that counts. */
const tiny = 1e-30;

/**
 * The interpreter that computes with TensorFlow.js as it is called. Every operator can be differentiated
 * on every backend: where TensorFlow.js has no gradient of an operator, it is written with others that
 * have one. Pictures are held with their channels last, so that a chain of convolutions transposes nothing.
 *
 * Tensors belong to the caller's `tf.tidy`.
 */
export class TensorflowOps implements PictureOps<TfValue> {
  readonly #tf: Tfjs;
  readonly #draw: (() => number) | undefined;

  /** @param options.draw for training: numbers from 0 to 1, from which dropout is drawn. Default: nothing is dropped. */
  constructor(tf: Tfjs, { draw }: { readonly draw?: () => number } = {}) {
    this.#tf = tf;
    this.#draw = draw;
  }

  shape(x: TfValue): Shape {
    return x.shape;
  }

  conv2d(x: TfValue, weight: TfValue, options: Conv2dOptions<TfValue> = {}): TfValue {
    const { bias, stride = 1, padding = 0, groups = 1 } = options;
    shapes.conv2d(x.shape, weight.shape, shapeOptions(options));
    const [outputs = 0, perGroup = 0, kh = 1, kw = 1] = weight.shape;
    // TensorFlow.js differentiates only 'same' and 'valid'; these are the paddings that 'same' means.
    const same = stride === 1 && kh === kw && kh === 2 * padding + 1;
    const margins = { top: padding, left: padding, bottom: padding, right: padding };
    const padded = same || padding === 0 ? x : this.pad(x, margins, 'zero');
    const input = this.#picture(padded);
    const mode = same ? 'same' : 'valid';
    if (groups === 1 && bias) {
      const inputs = { x: input, filter: this.#kernel(weight), bias: bias.tensor };
      const learned = Number([weight, bias].every(({ tensor }) => tensor instanceof this.#tf.Variable));
      const [whole] = runNative(this.#tf, 'biasedConvolution', inputs, { stride, pad: mode, learned }) ?? [];
      if (whole) return valueOf(whole, channelsLast);
    }
    let result: tfjs.Tensor4D;
    if (groups === 1) {
      result = this.#tf.conv2d(input, this.#kernel(weight), stride, mode);
    } else if (perGroup === 1 && outputs === groups) {
      const kernel = tensorIn(this.#tf, weight, depthwiseOrder) as tfjs.Tensor4D;
      result = this.#tf.depthwiseConv2d(input, kernel, stride, mode);
    } else {
      result = this.#groupedConv(same ? this.#picture(this.pad(x, margins, 'zero')) : input, weight, {
        groups,
        stride,
      });
    }
    return valueOf(this.#biased(result, bias), channelsLast);
  }

  conv2dJoined(parts: readonly TfValue[], weight: TfValue, options: Conv2dOptions<TfValue> = {}): TfValue {
    return this.conv2d(this.concat(parts, 1), weight, options);
  }

  convTranspose2d(x: TfValue, weight: TfValue, options: ConvTranspose2dOptions<TfValue> = {}): TfValue {
    const { bias, stride = 1, padding = 0 } = options;
    const shape = shapes.convTranspose2d(x.shape, weight.shape, shapeOptions(options));
    const [n = 1, , height = 0, width = 0] = x.shape;
    const [, outputs = 0, kh = 1, kw = 1] = weight.shape;
    const whole = (size: number, kernel: number) => (size - 1) * stride + kernel;
    const [fullHeight, fullWidth] = [whole(height, kh), whole(width, kw)];
    const full = this.#tf.conv2dTranspose(
      this.#picture(x),
      this.#kernel(weight),
      [n, fullHeight, fullWidth, outputs],
      stride,
      'valid',
    );
    const [, , outHeight = 0, outWidth = 0] = shape;
    const missing = [Math.max(0, padding + outHeight - fullHeight), Math.max(0, padding + outWidth - fullWidth)];
    const grown = missing.some((size) => size > 0)
      ? this.#tf.pad(full, [
          [0, 0],
          [0, missing[0] ?? 0],
          [0, missing[1] ?? 0],
          [0, 0],
        ])
      : full;
    const cut = this.#tf.slice(grown, [0, padding, padding, 0], [n, outHeight, outWidth, outputs]);
    return valueOf(this.#biased(cut, bias), channelsLast);
  }

  linear(x: TfValue, weight: TfValue, options: LinearOptions<TfValue> = {}): TfValue {
    const { axis = 1, bias } = options;
    shapes.linear(x.shape, weight.shape, shapeOptions(options));
    const last = [...plainOrder(x.shape.length).filter((i) => i !== axis), axis];
    const rows = tensorIn(this.#tf, x, last);
    const [outputs = 0, inputs = 0] = weight.shape;
    const flat = this.#tf.reshape(rows, [-1, inputs]);
    const matrix = tensorIn(this.#tf, weight, [1, 0]) as tfjs.Tensor2D;
    const product = this.#biased(this.#tf.matMul(flat as tfjs.Tensor2D, matrix), bias);
    return valueOf(this.#tf.reshape(product, [...rows.shape.slice(0, -1), outputs]), last);
  }

  matmul(a: TfValue, b: TfValue): TfValue {
    shapes.matmul(a.shape, b.shape);
    return valueOf(this.#tf.matMul(this.#plain(a), this.#plain(b)));
  }

  zeros(shape: Shape): TfValue {
    return valueOf(this.#tf.zeros([...shape]));
  }

  constant(shape: Shape, data: Float32Array): TfValue {
    shapes.constant(shape, data);
    return valueOf(this.#tf.tensor(data, [...shape]));
  }

  add(a: TfValue, b: TfValue): TfValue {
    return this.#elementwise(a, b, (x, y) => summed(this.#tf, x, y));
  }

  addScalar(x: TfValue, scalar: number): TfValue {
    return this.#map(x, (tensor) => this.#tf.add(tensor, scalar));
  }

  mul(a: TfValue, b: TfValue): TfValue {
    return this.#elementwise(a, b, (x, y) => this.#tf.mul(x, y));
  }

  relu(x: TfValue): TfValue {
    return this.#map(x, (tensor) => rectified(this.#tf, tensor));
  }

  leakyRelu(x: TfValue, slope: number): TfValue {
    return this.#map(x, (tensor) => rectified(this.#tf, tensor, slope));
  }

  sigmoid(x: TfValue): TfValue {
    return this.#map(x, (tensor) => this.#tf.sigmoid(tensor));
  }

  log(x: TfValue): TfValue {
    return this.#map(x, (tensor) => this.#tf.log(tensor));
  }

  dropout2d(x: TfValue, rate: number): TfValue {
    const draw = this.#draw;
    if (!draw || rate <= 0) return x;
    const [n = 1, channels = 0] = x.shape;
    const kept = Float32Array.from({ length: n * channels }, () => (draw() < rate ? 0 : 1 / (1 - rate)));
    return this.mul(x, this.constant([n, channels, 1, 1], kept));
  }

  gelu(x: TfValue, form: GeluForm): TfValue {
    const tf = this.#tf;
    return this.#map(x, (tensor) => {
      const inner =
        form === 'erf'
          ? tf.erf(tf.mul(tensor, Math.SQRT1_2))
          : tf.tanh(
              tf.mul(tf.add(tensor, tf.mul(tf.mul(tf.square(tensor), tensor), 0.044715)), Math.sqrt(2 / Math.PI)),
            );
      return tf.mul(tf.mul(tensor, 0.5), tf.add(inner, 1));
    });
  }

  softmax(x: TfValue): TfValue {
    return valueOf(this.#tf.softmax(this.#plain(x)));
  }

  layerNorm(x: TfValue, options: LayerNormOptions<TfValue>): TfValue {
    const tf = this.#tf;
    const { scale, bias, epsilon, centred = true } = options;
    shapes.layerNorm(x.shape, { ...shapeOptions(options), scale: scale.shape });
    const order = [...plainOrder(x.shape.length).filter((i) => i !== 1), 1];
    const rows = tensorIn(tf, x, order);
    const deviation = tf.sub(rows, tf.mean(rows, -1, true));
    const variance = tf.mean(tf.square(deviation), -1, true);
    const normalised = tf.mul(centred ? deviation : rows, tf.rsqrt(tf.add(variance, epsilon)));
    const scaled = tf.mul(normalised, scale.tensor);
    return valueOf(bias ? tf.add(scaled, bias.tensor) : scaled, order);
  }

  instanceNorm(x: TfValue, epsilon: number): TfValue {
    const tf = this.#tf;
    const picture = this.#picture(x);
    const deviation = tf.sub(picture, tf.mean(picture, [1, 2], true));
    const variance = tf.mean(tf.square(deviation), [1, 2], true);
    return valueOf(tf.mul(deviation, tf.rsqrt(tf.add(variance, epsilon))), channelsLast);
  }

  inverseNorm(x: TfValue, epsilon: number): TfValue {
    const tf = this.#tf;
    const norm = tf.sqrt(tf.add(tf.sum(tf.square(this.#plain(x)), -1, true), tiny));
    return valueOf(tf.reciprocal(tf.maximum(norm, epsilon)));
  }

  globalMean(x: TfValue): TfValue {
    return valueOf(this.#tf.mean(this.#picture(x), [1, 2], true), channelsLast);
  }

  boxMean(x: TfValue, size: readonly [number, number]): TfValue {
    shapes.boxMean(x.shape, size);
    const [, , height = 0, width = 0] = x.shape;
    return this.#filterRows(x, boxMatrix(height, size[0]), boxMatrix(width, size[1]));
  }

  maxPool(x: TfValue, size: number): TfValue {
    return valueOf(this.#tf.maxPool(this.#picture(x), size, size, 'valid'), channelsLast);
  }

  pixelShuffle(x: TfValue, r: number): TfValue {
    const [n = 1, channels = 0, height = 0, width = 0] = shapes.pixelShuffle(x.shape, r);
    const cells = this.#tf.reshape(this.#picture(x), [n, height / r, width / r, channels, r, r]);
    const rows = this.#tf.transpose(cells, [0, 1, 4, 2, 5, 3]);
    return valueOf(this.#tf.reshape(rows, [n, height, width, channels]), channelsLast);
  }

  pixelUnshuffle(x: TfValue, r: number): TfValue {
    const [n = 1, channels = 0, height = 0, width = 0] = shapes.pixelUnshuffle(x.shape, r);
    const cells = this.#tf.reshape(this.#picture(x), [n, height, r, width, r, channels / (r * r)]);
    const grouped = this.#tf.transpose(cells, [0, 1, 3, 5, 2, 4]);
    return valueOf(this.#tf.reshape(grouped, [n, height, width, channels]), channelsLast);
  }

  resizeNearest(x: TfValue, factor: number): TfValue {
    const [, , height = 0, width = 0] = shapes.resizeNearest(x.shape, factor);
    return valueOf(this.#tf.image.resizeNearestNeighbor(this.#picture(x), [height, width]), channelsLast);
  }

  /**
   * Two products with matrices of interpolation weights, but for an enlargement where TensorFlow's own has a gradient. Its
   * reduction leaves samples out.
   */
  resizeBilinear(x: TfValue, ratio: number): TfValue {
    const [, , ...size] = shapes.resizeBilinear(x.shape, ratio);
    const [, , height = 0, width = 0] = x.shape;
    const larger = ratio > 1 ? enlarged(this.#tf, this.#picture(x), [size[0] ?? 0, size[1] ?? 0]) : undefined;
    if (larger) return valueOf(larger, channelsLast);
    return this.#filterRows(x, resizeMatrix(height, ratio), resizeMatrix(width, ratio));
  }

  concat(xs: readonly TfValue[], axis: number): TfValue {
    shapes.concat(
      xs.map((x) => x.shape),
      axis,
    );
    const [first] = xs;
    if (!first) throw new TypeError('concat needs a tensor');
    const { order } = first;
    const tensors = xs.map((x) => tensorIn(this.#tf, x, order));
    return valueOf(this.#tf.concat(tensors, order.indexOf(axis)), order);
  }

  slice(x: TfValue, options: SliceOptions): TfValue {
    const { axis, start = 0, end = x.shape[axis] ?? 0, step = 1 } = options;
    shapes.slice(x.shape, options);
    const at = x.order.indexOf(axis);
    if (step > 1) {
      const indices = Array.from({ length: Math.ceil((end - start) / step) }, (_, i) => start + i * step);
      return this.#gather(x, axis, indices);
    }
    const begin = x.order.map((_, i) => (i === at ? start : 0));
    const size = x.tensor.shape.map((length, i) => (i === at ? end - start : length));
    return valueOf(this.#tf.slice(x.tensor, begin, size), x.order);
  }

  reshape(x: TfValue, shape: Shape): TfValue {
    shapes.reshape(x.shape, shape);
    if (shape.join() === x.shape.join()) return x;
    return valueOf(this.#tf.reshape(this.#plain(x), [...shape]));
  }

  transpose(x: TfValue, permutation: readonly number[]): TfValue {
    const shape = shapes.transpose(x.shape, permutation);
    return { shape, tensor: x.tensor, order: x.order.map((axis) => permutation.indexOf(axis)) };
  }

  pad(x: TfValue, margins: Margins, mode: PadMode): TfValue {
    shapes.pad(x.shape, margins);
    const rank = x.shape.length;
    const { top, left, bottom, right } = margins;
    if (mode === 'zero') {
      const sides = x.order.map((axis): [number, number] => {
        if (axis === rank - 2) return [top, bottom];
        return axis === rank - 1 ? [left, right] : [0, 0];
      });
      return valueOf(this.#tf.pad(x.tensor, sides), x.order);
    }
    const [height = 0, width = 0] = x.shape.slice(rank - 2);
    const indices = mode === 'reflect' ? bounce : clamp;
    return this.#gather(this.#gather(x, rank - 2, indices(height, top, bottom)), rank - 1, indices(width, left, right));
  }

  sub(a: TfValue, b: TfValue): TfValue {
    return this.#elementwise(a, b, (x, y) => this.#tf.sub(x, y));
  }

  scale(x: TfValue, factor: number): TfValue {
    return this.#map(x, (tensor) => this.#tf.mul(tensor, factor));
  }

  clip(x: TfValue, min: number, max: number): TfValue {
    return this.#map(x, (tensor) => this.#tf.clipByValue(tensor, min, max));
  }

  round(x: TfValue): TfValue {
    return this.#map(x, (tensor) => this.#tf.round(tensor));
  }

  isNear(a: TfValue, b: TfValue, tolerance: number): TfValue {
    const tf = this.#tf;
    return this.#elementwise(a, b, (x, y) => {
      const distance = tf.abs(tf.sub(x, y));
      // Not a cast: on WebGPU it leaves the integers of a boolean and only calls them numbers.
      return tf.where(tf.less(distance, tolerance), tf.onesLike(distance), tf.zerosLike(distance));
    });
  }

  enlarge(x: TfValue, { axis, factor, siting }: EnlargeOptions): TfValue {
    const { shape } = x;
    const size = shape[axis] ?? 0;
    const positions = Array.from({ length: size * factor }, (_, i) => {
      const position = siting === 'centred' ? (i + 0.5) / factor - 0.5 : i / factor;
      return Math.min(Math.max(position, 0), size - 1);
    });
    const lower = this.#gather(x, axis, positions.map(Math.floor));
    const upper = this.#gather(x, axis, positions.map(Math.ceil));
    const share = this.constant(
      shape.map((_, i) => (i === axis ? positions.length : 1)),
      Float32Array.from(positions, (position) => position % 1),
    );
    return this.add(lower, this.mul(this.sub(upper, lower), share));
  }

  stencil(x: TfValue, rows: AxisFilter, columns: AxisFilter): TfValue {
    const tf = this.#tf;
    const shape = shapes.stencil(x.shape, rows, columns);
    const [n = 1, channels = 0, height = 0, width = 0] = x.shape;
    // One picture a channel: TensorFlow has no depthwise convolution whose strides differ.
    const pictures = tf.reshape<tfjs.Rank.R4>(this.#plain(x), [n * channels, height, width, 1]);
    const kernel = tf.tensor4d(
      rows.taps.flatMap((row) => columns.taps.map((column) => row * column)),
      [rows.taps.length, columns.taps.length, 1, 1],
    );
    const filtered = tf.conv2d(pictures, kernel, [rows.stride, columns.stride], 'valid');
    return valueOf(tf.reshape(filtered, [...shape]));
  }

  /** A picture's tensor, `[N, H, W, C]`. */
  #picture(x: TfValue): tfjs.Tensor4D {
    return tensorIn(this.#tf, x, channelsLast) as tfjs.Tensor4D;
  }

  /** One product of matrices a group, all in one operator: there may be hundreds of groups, with kernels of their own. */
  #groupedConv(
    padded: tfjs.Tensor4D,
    weight: TfValue,
    { groups, stride }: { readonly groups: number; readonly stride: number },
  ): tfjs.Tensor4D {
    const tf = this.#tf;
    const [outputs = 0, perGroup = 0, kh = 1, kw = 1] = weight.shape;
    const [n, height, width] = padded.shape;
    const size = (whole: number, kernel: number) => Math.floor((whole - kernel) / stride) + 1;
    const [rows, columns] = [size(height, kh), size(width, kw)];
    const places = Array.from({ length: kh * kw }, (_, i): [number, number] => [Math.floor(i / kw), i % kw]);
    const parts = places.map(([y, x]) => {
      const lines = { axis: 2, start: y, end: y + (rows - 1) * stride + 1, step: stride };
      const samples = { axis: 3, start: x, end: x + (columns - 1) * stride + 1, step: stride };
      const seen = this.slice(this.slice(valueOf(padded, channelsLast), lines), samples);
      return tf.reshape(seen.tensor, [n * rows * columns, groups, perGroup]);
    });
    const patches = tf.transpose(tf.concat(parts, 2), [1, 0, 2]);
    const kernel = tf.reshape(this.#kernel(weight), [kh * kw * perGroup, groups, outputs / groups]);
    const product = tf.matMul(patches, tf.transpose(kernel, [1, 0, 2]));
    return tf.reshape(tf.transpose(product, [1, 0, 2]), [n, rows, columns, outputs]);
  }

  #kernel(weight: TfValue): tfjs.Tensor4D {
    return tensorIn(this.#tf, weight, kernelOrder) as tfjs.Tensor4D;
  }

  #plain(x: TfValue): tfjs.Tensor {
    return tensorIn(this.#tf, x, plainOrder(x.shape.length));
  }

  #map(x: TfValue, operator: (tensor: tfjs.Tensor) => tfjs.Tensor): TfValue {
    return { ...x, tensor: operator(x.tensor) };
  }

  #biased<T extends tfjs.Tensor>(x: T, bias: TfValue | undefined): T {
    return bias ? (biased(this.#tf, x, bias.tensor) as T) : x;
  }

  /** In the order of the larger operand; operands of unlike rank as they are written. */
  #elementwise(a: TfValue, b: TfValue, operator: (a: tfjs.Tensor, b: tfjs.Tensor) => tfjs.Tensor): TfValue {
    if (a.shape.length !== b.shape.length) return valueOf(operator(this.#plain(a), this.#plain(b)));
    const { order } = elements(a.shape) >= elements(b.shape) ? a : b;
    return valueOf(operator(tensorIn(this.#tf, a, order), tensorIn(this.#tf, b, order)), order);
  }

  #gather(x: TfValue, axis: number, indices: readonly number[]): TfValue {
    const places = this.#tf.tensor1d([...indices], 'int32');
    return valueOf(this.#tf.gather(x.tensor, places, x.order.indexOf(axis)), x.order);
  }

  /** Products with a matrix along the height and one along the width of a picture, `[outputs, size]` each. */
  #filterRows(x: TfValue, vertical: RowFilter, horizontal: RowFilter): TfValue {
    const tf = this.#tf;
    const [n = 1, channels = 0, height = 0, width = 0] = x.shape;
    const matrix = ({ rows, columns, data }: RowFilter) => tf.tensor(data, [1, rows, columns]);
    // Each product is one large matrix a picture, not a small one a line, and the last one leaves channels last.
    const columns = tf.reshape(tf.transpose(this.#picture(x), [0, 2, 1, 3]), [n, width, height * channels]);
    const wide = tf.reshape(tf.matMul(matrix(horizontal), columns), [n, horizontal.rows, height, channels]);
    const lines = tf.reshape(tf.transpose(wide, [0, 2, 1, 3]), [n, height, horizontal.rows * channels]);
    const whole = tf.matMul(matrix(vertical), lines);
    return valueOf(tf.reshape(whole, [n, vertical.rows, horizontal.rows, channels]), channelsLast);
  }
}

/** Indices of a row whose first and last samples are repeated. */
function clamp(size: number, before: number, after: number): number[] {
  return Array.from({ length: before + size + after }, (_, i) => Math.min(Math.max(i - before, 0), size - 1));
}

/** An operator's options with the bias as a shape. */
function shapeOptions<O extends { readonly bias?: TfValue }>(options: O): Omit<O, 'bias'> & { bias?: Shape } {
  const { bias, ...rest } = options;
  return bias ? { ...rest, bias: bias.shape } : rest;
}
