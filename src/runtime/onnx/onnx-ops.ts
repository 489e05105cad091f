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
  Weights,
} from '../../models/ops.js';
import { bounce } from '../../models/mirror.js';
import { boxMatrix } from '../../models/row-filter.js';
import type { Tensors } from '../../models/weights/tensors.js';
import type { AxisFilter, EnlargeOptions, PictureOps } from '../picture/picture-ops.js';
import { PictureShapeOps } from '../picture/picture-shape-ops.js';
import type { GraphBuilder, NodeOptions, Value } from './graph.js';
import { foldLayerNorm } from './layer-norm.js';
import { matrixProduct, transposed } from './matrix.js';
import { dataTypeCode } from './tensor.js';

const shapes = new PictureShapeOps();

/** A layer normalisation's parts, for a linear layer that takes them over. */
interface Normalised {
  /** `x/√(σ² + ε)`: not centred yet. */
  readonly scaled: Value;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
  readonly centred: boolean;
}

/**
 * The interpreter that emits ONNX nodes, in the layout `[N, C, H, W]` throughout. Parameters must be
 * constants of the same builder (see {@link constantWeights}).
 */
export class OnnxOps implements PictureOps<Value> {
  readonly #graph: GraphBuilder;
  /** Results of layer normalisations that a linear layer may take over. */
  readonly #normalised = new WeakMap<Value, Normalised>();
  /** How to compute some of a value's channels alone, where that is possible without the others. */
  readonly #channels = new WeakMap<Value, (start: number, end: number) => Value>();
  /** How to apply a linear layer over a value's channels to what the value was made from. */
  readonly #absorbing = new WeakMap<Value, (weight: Value, bias: Value | undefined) => Value>();
  /** The tensor that a value shows in another shape. */
  readonly #origin = new WeakMap<Value, Value>();

  constructor(graph: GraphBuilder) {
    this.#graph = graph;
  }

  shape(x: Value): Shape {
    return x.shape;
  }

  conv2d(x: Value, weight: Value, options: Conv2dOptions<Value> = {}): Value {
    const { bias, stride = 1, padding = 0, groups = 1 } = options;
    const shape = shapes.conv2d(x.shape, weight.shape, shapeOptions(options));
    const [, , kh = 1, kw = 1] = weight.shape;
    if (kh === 1 && kw === 1 && stride === 1 && padding === 0 && groups === 1) {
      return this.linear(x, this.reshape(weight, weight.shape.slice(0, 2)), { bias });
    }
    const result = this.#emit('Conv', [x, weight, bias], shape, {
      attributes: {
        kernel_shape: { ints: [kh, kw] },
        strides: { ints: [stride, stride] },
        pads: { ints: [padding, padding, padding, padding] },
        group: { int: groups },
      },
    });
    if (groups === x.shape[1] && groups === shape[1]) {
      this.#channels.set(result, (start, end) =>
        this.conv2d(this.slice(x, { axis: 1, start, end }), this.#rows(weight, start, end), {
          stride,
          padding,
          groups: end - start,
          ...(bias ? { bias: this.#rows(bias, start, end) } : {}),
        }),
      );
    }
    return result;
  }

  /**
   * A sum: ONNX Runtime copies what is joined into its own layout, also what is in it already or for another layer. It joins
   * in that layout what has as many channels.
   */
  conv2dJoined(parts: readonly Value[], weight: Value, options: Conv2dOptions<Value> = {}): Value {
    const { bias, ...others } = options;
    const alike = new Map<number, { readonly parts: Value[]; readonly weights: Value[] }>();
    for (const { part, start, end } of channelSpans(parts)) {
      const same = alike.get(end - start) ?? { parts: [], weights: [] };
      same.parts.push(part);
      same.weights.push(this.slice(weight, { axis: 1, start, end }));
      alike.set(end - start, same);
    }
    const results = [...alike.values()].map(({ parts, weights }, i) =>
      this.conv2d(this.concat(parts, 1), this.concat(weights, 1), { ...others, ...(i === 0 && bias ? { bias } : {}) }),
    );
    return results.reduce((sum, result) => this.add(sum, result));
  }

  convTranspose2d(x: Value, weight: Value, options: ConvTranspose2dOptions<Value> = {}): Value {
    const { bias, stride = 1, padding = 0, outputPadding = 0 } = options;
    const shape = shapes.convTranspose2d(x.shape, weight.shape, shapeOptions(options));
    const result = this.#emit('ConvTranspose', [x, weight, bias], shape, {
      attributes: {
        kernel_shape: { ints: weight.shape.slice(2) },
        strides: { ints: [stride, stride] },
        pads: { ints: [padding, padding, padding, padding] },
        output_padding: { ints: [outputPadding, outputPadding] },
      },
    });
    this.#absorbing.set(result, (map, mapBias) => {
      const [inputs = 0, outputs = 0, ...kernel] = weight.shape;
      const taps = elements(kernel);
      const data = new Float32Array(inputs * (map.shape[0] ?? 0) * taps);
      for (let i = 0; i < inputs; i += 1) {
        const part = constantOf(weight).subarray(i * outputs * taps, (i + 1) * outputs * taps);
        const product = matrixProduct(constantOf(map), part, outputs);
        data.set(product, i * product.length);
      }
      const composed = this.#graph.constant('float32', [inputs, map.shape[0] ?? 0, ...kernel], data);
      const total = this.#mappedBias(map, bias, mapBias);
      const geometry = { stride, padding, outputPadding };
      return this.convTranspose2d(x, composed, total ? { ...geometry, bias: total } : geometry);
    });
    return result;
  }

  /**
   * A convolution with kernel `[1]` over `[leading, I, trailing]`: one matrix product with the bias inside it.
   * (Written with kernel `[1, 1]`, ONNX Runtime's CPU provider would reorder the tensor to blocks of channels and
   * back for it, which takes as long as the product.) The last axis is a plain matrix product.
   */
  linear(x: Value, weight: Value, options: LinearOptions<Value> = {}): Value {
    const { axis = 1, bias } = options;
    const shape = shapes.linear(x.shape, weight.shape, shapeOptions(options));
    if (axis !== 1 && axis === x.shape.length - 1) {
      const product = this.#emit('MatMul', [x, this.#transposed(weight)], shape);
      return bias ? this.add(product, bias) : product;
    }
    if (axis !== 1) return this.#pointwise(x, axis, weight, bias, shape);
    const absorbing = this.#absorbing.get(x);
    if (absorbing) return absorbing(weight, bias);
    const normalised = this.#normalised.get(x);
    const result = normalised
      ? this.#normalisedLinear(normalised, weight, bias, shape)
      : this.#pointwise(x, axis, weight, bias, shape);
    this.#absorbing.set(result, (map, mapBias) => {
      const total = this.#mappedBias(map, bias, mapBias);
      return this.linear(x, this.#product(map, weight), total ? { bias: total } : {});
    });
    this.#channels.set(result, (start, end) =>
      this.linear(x, this.#rows(weight, start, end), bias ? { bias: this.#rows(bias, start, end) } : {}),
    );
    return result;
  }

  matmul(a: Value, b: Value): Value {
    return this.#emit('MatMul', [a, b], shapes.matmul(a.shape, b.shape));
  }

  zeros(shape: Shape): Value {
    return this.#emit('ConstantOfShape', [this.#graph.integers(...shape)], shape);
  }

  constant(shape: Shape, data: Float32Array): Value {
    return this.#graph.constant('float32', shapes.constant(shape, data), data);
  }

  add(a: Value, b: Value): Value {
    return this.#emit('Add', [a, b], shapes.add(a.shape, b.shape));
  }

  addScalar(x: Value, scalar: number): Value {
    if (x.data)
      return this.#graph.constant(
        'float32',
        x.shape,
        constantOf(x).map((value) => value + scalar),
      );
    return this.add(x, this.#graph.scalar(scalar));
  }

  mul(a: Value, b: Value): Value {
    return this.#emit('Mul', [a, b], shapes.mul(a.shape, b.shape));
  }

  relu(x: Value): Value {
    return this.#emit('Relu', [x], x.shape);
  }

  leakyRelu(x: Value, slope: number): Value {
    return this.#emit('LeakyRelu', [x], x.shape, { attributes: { alpha: { float: slope } } });
  }

  dropout2d(x: Value): Value {
    return x;
  }

  sigmoid(x: Value): Value {
    return this.#emit('Sigmoid', [x], x.shape);
  }

  log(x: Value): Value {
    return this.#emit('Log', [x], x.shape);
  }

  gelu(x: Value, form: GeluForm): Value {
    const approximate = form === 'tanh' ? 'tanh' : 'none';
    const result = this.#emit('Gelu', [x], x.shape, { attributes: { approximate: { string: approximate } } });
    this.#channels.set(result, (start, end) => this.gelu(this.slice(x, { axis: 1, start, end }), form));
    return result;
  }

  softmax(x: Value): Value {
    return this.#emit('Softmax', [x], x.shape, { attributes: { axis: { int: -1 } } });
  }

  /**
   * Statistics per position, one multiplication per element, and a linear layer for the centring, scale and
   * bias. A linear layer or 1×1 convolution over the channels that follows takes them over; the nodes that
   * no one needs are left out of the written graph.
   */
  layerNorm(x: Value, options: LayerNormOptions<Value>): Value {
    const { scale, bias, epsilon, centred = true } = options;
    const shape = shapes.layerNorm(x.shape, { ...shapeOptions(options), scale: scale.shape });
    const [n = 1, count = 1, ...positions] = x.shape;
    const flat = this.reshape(x, [n, count, elements(positions)]);
    const mean = this.#channelMean(flat);
    const square = this.#channelMean(this.mul(flat, flat));
    const variance = this.#emit('Sub', [square, this.mul(mean, mean)], mean.shape);
    const deviation = this.#emit('Sqrt', [this.addScalar(this.relu(variance), epsilon)], mean.shape);
    const rstd = this.#emit('Reciprocal', [deviation], mean.shape);
    const channels = elements(scale.shape);
    const normalised = {
      scaled: this.mul(flat, rstd),
      scale: constantOf(scale),
      bias: bias ? constantOf(bias) : new Float32Array(channels),
      centred,
    };
    const identity = Float32Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
    const result = this.#normalisedLinear(
      normalised,
      this.#graph.constant('float32', [channels, channels], identity),
      undefined,
      shape,
    );
    this.#normalised.set(result, normalised);
    return result;
  }

  instanceNorm(x: Value, epsilon: number): Value {
    const shape = shapes.instanceNorm(x.shape);
    const [, channels = 0] = shape;
    const [scale, bias] = [1, 0].map((value) =>
      this.#graph.constant('float32', [channels], new Float32Array(channels).fill(value)),
    );
    return this.#emit('InstanceNormalization', [x, scale, bias], shape, {
      attributes: { epsilon: { float: epsilon } },
    });
  }

  inverseNorm(x: Value, epsilon: number): Value {
    const shape = shapes.inverseNorm(x.shape);
    const axis = this.#graph.integers(x.shape.length - 1);
    const norm = this.#emit('ReduceL2', [x, axis], shape, { attributes: { keepdims: { int: 1 } } });
    return this.#emit('Reciprocal', [this.#emit('Max', [norm, this.#graph.scalar(epsilon)], shape)], shape);
  }

  globalMean(x: Value): Value {
    return this.#emit('GlobalAveragePool', [x], shapes.globalMean(x.shape));
  }

  /** Two products with banded matrices: the cost grows with the picture's size but not with the window's, and no sum loses precision. */
  boxMean(x: Value, size: readonly [number, number]): Value {
    shapes.boxMean(x.shape, size);
    const [, , height = 0, width = 0] = x.shape;
    const rows = this.linear(x, this.#box(width, size[1]), { axis: 3 });
    return this.linear(rows, this.#box(height, size[0]), { axis: 2 });
  }

  maxPool(x: Value, size: number): Value {
    const attributes = { kernel_shape: { ints: [size, size] }, strides: { ints: [size, size] } };
    return this.#emit('MaxPool', [x], shapes.maxPool(x.shape, size), { attributes });
  }

  pixelShuffle(x: Value, r: number): Value {
    const attributes = { blocksize: { int: r }, mode: { string: 'CRD' } };
    return this.#emit('DepthToSpace', [x], shapes.pixelShuffle(x.shape, r), { attributes });
  }

  /** By a transposition: ONNX's SpaceToDepth puts the channels in another order. */
  pixelUnshuffle(x: Value, r: number): Value {
    const shape = shapes.pixelUnshuffle(x.shape, r);
    const [n = 1, channels = 0, height = 0, width = 0] = x.shape;
    const cells = this.reshape(x, [n * channels, height / r, r, width / r, r]);
    return this.reshape(this.transpose(cells, [0, 2, 4, 1, 3]), shape);
  }

  resizeNearest(x: Value, factor: number): Value {
    const scales = this.#graph.constant('float32', [4], Float32Array.of(1, 1, factor, factor));
    const result = this.#emit('Resize', [x, undefined, scales], shapes.resizeNearest(x.shape, factor), {
      attributes: {
        mode: { string: 'nearest' },
        coordinate_transformation_mode: { string: 'asymmetric' },
        nearest_mode: { string: 'floor' },
      },
    });
    // A linear layer may come before it, where there are fewer positions.
    this.#absorbing.set(result, (map, bias) => this.resizeNearest(this.linear(x, map, { bias }), factor));
    return result;
  }

  resizeBilinear(x: Value, ratio: number): Value {
    const shape = shapes.resizeBilinear(x.shape, ratio);
    if (ratio < 1) return this.#reduce(x, 1 / ratio, shape);
    const scales = this.#graph.constant('float32', [4], Float32Array.of(1, 1, ratio, ratio));
    const result = this.#emit('Resize', [x, undefined, scales], shape, {
      attributes: { mode: { string: 'linear' }, coordinate_transformation_mode: { string: 'half_pixel' } },
    });
    // The weights of a resize sum to one, so a linear layer may come before it, where there are fewer positions.
    this.#absorbing.set(result, (map, bias) => this.resizeBilinear(this.linear(x, map, { bias }), ratio));
    return result;
  }

  concat(xs: readonly Value[], axis: number): Value {
    const shape = shapes.concat(
      xs.map((x) => x.shape),
      axis,
    );
    const [first] = xs;
    if (first && xs.length === 1) return first;
    const result = this.#emit('Concat', xs, shape, { attributes: { axis: { int: axis } } });
    if (axis === 1 && xs.some((x) => this.#absorbing.has(x))) {
      this.#absorbing.set(result, (map, bias) => this.#sumOfParts(xs, map, bias));
    }
    return result;
  }

  slice(x: Value, options: SliceOptions): Value {
    const { axis, start = 0, end = x.shape[axis] ?? 0, step = 1 } = options;
    const channels = axis === 1 && step === 1 ? this.#channels.get(x) : undefined;
    if (channels) return channels(start, end);
    const bounds = [start, end, axis, step].map((value) => this.#graph.integers(value));
    return this.#emit('Slice', [x, ...bounds], shapes.slice(x.shape, options));
  }

  reshape(x: Value, shape: Shape): Value {
    shapes.reshape(x.shape, shape);
    if (x.data) return this.#graph.constant(x.type, shape, x.data);
    const origin = this.#origin.get(x) ?? x;
    if (shape.join() === origin.shape.join()) return origin;
    const result = this.#emit('Reshape', [origin, this.#graph.integers(...shape)], shape);
    this.#origin.set(result, origin);
    return result;
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    const attributes = { perm: { ints: permutation } };
    return this.#emit('Transpose', [x], shapes.transpose(x.shape, permutation), { attributes });
  }

  pad(x: Value, margins: Margins, mode: PadMode): Value {
    const shape = shapes.pad(x.shape, margins);
    const rank = x.shape.length;
    const [height = 0, width = 0] = x.shape.slice(rank - 2);
    const { top, left, bottom, right } = margins;
    if (mode === 'reflect' && (Math.max(top, bottom) >= height || Math.max(left, right) >= width)) {
      const rows = this.#gather(x, rank - 2, bounce(height, top, bottom));
      return this.#gather(rows, rank - 1, bounce(width, left, right));
    }
    const around = x.shape.map(() => 0);
    const [before, after] = [[...around], [...around]];
    before.splice(rank - 2, 2, top, left);
    after.splice(rank - 2, 2, bottom, right);
    const attributes = { mode: { string: { zero: 'constant', reflect: 'reflect', replicate: 'edge' }[mode] } };
    return this.#emit('Pad', [x, this.#graph.integers(...before, ...after)], shape, { attributes });
  }

  sub(a: Value, b: Value): Value {
    return this.#emit('Sub', [a, b], shapes.sub(a.shape, b.shape));
  }

  scale(x: Value, factor: number): Value {
    return this.#emit('Mul', [x, this.#graph.scalar(factor)], x.shape);
  }

  clip(x: Value, min: number, max: number): Value {
    return this.#emit('Clip', [x, this.#graph.scalar(min), this.#graph.scalar(max)], x.shape);
  }

  round(x: Value): Value {
    return this.#emit('Round', [x], x.shape);
  }

  isNear(a: Value, b: Value, tolerance: number): Value {
    const shape = shapes.isNear(a.shape, b.shape);
    const distance = this.#emit('Abs', [this.sub(a, b)], shape);
    const near = this.#graph.node('Less', [distance, this.#graph.scalar(tolerance)], { type: 'bool', shape });
    return this.#emit('Cast', [near], shape, { attributes: { to: { int: dataTypeCode('float32') } } });
  }

  enlarge(x: Value, options: EnlargeOptions): Value {
    const { axis, factor, siting } = options;
    const scales = x.shape.map((_, i) => (i === axis ? factor : 1));
    const factors = this.#graph.constant('float32', [scales.length], Float32Array.from(scales));
    const transformation = siting === 'centred' ? 'half_pixel' : 'asymmetric';
    return this.#emit('Resize', [x, undefined, factors], shapes.enlarge(x.shape, options), {
      attributes: { mode: { string: 'linear' }, coordinate_transformation_mode: { string: transformation } },
    });
  }

  stencil(x: Value, rows: AxisFilter, columns: AxisFilter): Value {
    const [, channels = 0] = x.shape;
    const kernel = rows.taps.flatMap((row) => columns.taps.map((column) => row * column));
    const size = [rows.taps.length, columns.taps.length];
    const data = Float32Array.from({ length: channels * kernel.length }, (_, i) => kernel[i % kernel.length] ?? 0);
    const weight = this.#graph.constant('float32', [channels, 1, ...size], data);
    return this.#emit('Conv', [x, weight], shapes.stencil(x.shape, rows, columns), {
      attributes: {
        kernel_shape: { ints: size },
        strides: { ints: [rows.stride, columns.stride] },
        group: { int: channels },
      },
    });
  }

  #emit(opType: string, inputs: readonly (Value | undefined)[], shape: Shape, options?: NodeOptions): Value {
    return this.#graph.node(opType, inputs, { type: 'float32', shape }, options);
  }

  #normalisedLinear(
    { scaled, scale, bias, centred }: Normalised,
    weight: Value,
    layerBias: Value | undefined,
    shape: Shape,
  ) {
    const folded = foldLayerNorm(constantOf(weight), layerBias && constantOf(layerBias), scale, bias, centred);
    const kernel = this.#graph.constant('float32', weight.shape, folded.weight);
    return this.#pointwise(
      scaled,
      1,
      kernel,
      this.#graph.constant('float32', [folded.bias.length], folded.bias),
      shape,
    );
  }

  #pointwise(x: Value, axis: number, weight: Value, bias: Value | undefined, shape: Shape): Value {
    const [outputs = 0, inputs = 0] = weight.shape;
    const leading = elements(x.shape.slice(0, axis));
    const trailing = elements(x.shape.slice(axis + 1));
    const flat = this.reshape(x, [leading, inputs, trailing]);
    const kernel = this.reshape(weight, [outputs, inputs, 1]);
    const attributes = { kernel_shape: { ints: [1] } };
    return this.reshape(this.#emit('Conv', [flat, kernel, bias], [leading, outputs, trailing], { attributes }), shape);
  }

  /** The mean over the channels of `[N, C, P]`: a product with a row of equal weights, several times quicker than ReduceMean. */
  #channelMean(x: Value): Value {
    const [n = 1, channels = 1, positions = 1] = x.shape;
    const row = this.#graph.constant('float32', [1, channels], new Float32Array(channels).fill(1 / channels));
    return this.#emit('MatMul', [row, x], [n, 1, positions]);
  }

  /** A linear layer over a concatenation: the sum of one over each part. */
  #sumOfParts(parts: readonly Value[], map: Value, bias: Value | undefined): Value {
    const [outputs = 0] = map.shape;
    const columns = this.#transposed(map);
    const products = channelSpans(parts).map(({ part, start, end }, i) => {
      const own = this.#transposed(this.#rows(columns, start, end));
      return this.linear(part, this.reshape(own, [outputs, end - start]), { bias: i === 0 ? bias : undefined });
    });
    return products.reduce((sum, product) => this.add(sum, product));
  }

  /** The product of two constant matrices. */
  #product(a: Value, b: Value): Value {
    const [rows = 0, inner = 0] = a.shape;
    const [, columns = 0] = b.shape;
    const data = matrixProduct(constantOf(a), constantOf(b), inner);
    return this.#graph.constant('float32', [rows, columns], data);
  }

  /** The bias of one linear layer after another: `map · bias + mapBias`. */
  #mappedBias(map: Value, bias: Value | undefined, mapBias: Value | undefined): Value | undefined {
    if (!bias) return mapBias;
    const mapped = constantOf(this.#product(map, this.reshape(bias, [...bias.shape, 1])));
    const added = mapBias && constantOf(mapBias);
    return this.#graph.constant(
      'float32',
      [mapped.length],
      mapped.map((value, i) => value + (added?.[i] ?? 0)),
    );
  }

  /**
   * Bilinear reduction as two strided stencils with zeros outside, then divided by the weight that lay inside.
   * (ONNX Runtime's own antialiased Resize repeats the border instead, and is slower.)
   */
  #reduce(x: Value, factor: number, shape: Shape): Value {
    const [, channels = 0] = x.shape;
    const taps = Float32Array.from({ length: 2 * factor }, (_, i) => (1 - Math.abs((i + 0.5) / factor - 1)) / factor);
    const stencil = (y: Value, vertical: boolean) => {
      const kernel = Float32Array.from({ length: channels * taps.length }, (_, i) => taps[i % taps.length] ?? 0);
      const sides = vertical ? [taps.length, 1] : [1, taps.length];
      const pads = vertical ? [factor / 2, 0] : [0, factor / 2];
      const out = y.shape.map((size, axis) => (axis === (vertical ? 2 : 3) ? size / factor : size));
      return this.#emit('Conv', [y, this.#graph.constant('float32', [channels, 1, ...sides], kernel)], out, {
        attributes: {
          kernel_shape: { ints: sides },
          strides: { ints: vertical ? [factor, 1] : [1, factor] },
          pads: { ints: [...pads, ...pads] },
          group: { int: channels },
        },
      });
    };
    const [, , height = 0, width = 0] = shape;
    const inside = taps.subarray(factor / 2).reduce((sum, tap) => sum + tap, 0);
    const weight = (i: number, size: number) => (i === 0 ? inside : 1) * (i === size - 1 ? inside : 1);
    const correction = Float32Array.from(
      { length: height * width },
      (_, i) => 1 / (weight(Math.floor(i / width), height) * weight(i % width, width)),
    );
    const sums = stencil(stencil(x, true), false);
    return this.mul(sums, this.#graph.constant('float32', [height, width], correction));
  }

  /** Some of a constant's rows, of a vector's elements. */
  #rows(constant: Value, start: number, end: number): Value {
    const [, ...rest] = constant.shape;
    const size = elements(rest);
    return this.#graph.constant(
      'float32',
      [end - start, ...rest],
      constantOf(constant).subarray(start * size, end * size),
    );
  }

  #transposed(matrix: Value): Value {
    const [rows = 0, columns = 0] = matrix.shape;
    return this.#graph.constant('float32', [columns, rows], transposed(constantOf(matrix), columns));
  }

  #box(size: number, window: number): Value {
    const { rows, columns, data } = boxMatrix(size, window);
    return this.#graph.constant('float32', [rows, columns], data);
  }

  #gather(x: Value, axis: number, indices: readonly number[]): Value {
    const shape = x.shape.map((size, i) => (i === axis ? indices.length : size));
    return this.#emit('Gather', [x, this.#graph.integers(...indices)], shape, { attributes: { axis: { int: axis } } });
  }
}

/**
 * A network's parameters as constants of a graph. Each is made on first use.
 *
 * @throws TypeError where a tensor is missing or has another shape; checkpoints are compared with the network when they are read.
 */
export function constantWeights(graph: GraphBuilder, tensors: Tensors): Weights<Value> {
  return {
    get: (name, shape) => {
      const tensor = tensors.get(name);
      if (tensor?.shape.join() !== shape.join()) throw new TypeError(`the network's parameter ${name} is missing`);
      return graph.constant('float32', shape, tensor.data);
    },
  };
}

function constantOf(value: Value): Float32Array {
  if (!(value.data instanceof Float32Array)) throw new TypeError(`${value.name} is not a constant`);
  return value.data;
}

/** Which channels of their join each of some tensors is. */
function channelSpans(
  parts: readonly Value[],
): { readonly part: Value; readonly start: number; readonly end: number }[] {
  let end = 0;
  return parts.map((part) => {
    const start = end;
    end += part.shape[1] ?? 0;
    return { part, start, end };
  });
}

/** An operator's options with the bias as a shape. */
function shapeOptions<O extends { readonly bias?: Value }>(options: O): Omit<O, 'bias'> & { bias?: Shape } {
  const { bias, ...rest } = options;
  return bias ? { ...rest, bias: bias.shape } : rest;
}
