import { elements } from './ops.js';
import type {
  Conv2dOptions,
  ConvTranspose2dOptions,
  LayerNormOptions,
  LinearOptions,
  Margins,
  Ops,
  Shape,
  SliceOptions,
} from './ops.js';

/**
 * The interpreter whose tensors are shapes: it computes every operator's output shape and refuses
 * operands that don't fit. Other interpreters ask it for their shapes; a network run on it alone tells
 * its parameters ({@link parametersOf}).
 *
 * @throws TypeError where operands don't fit, which is a mistake in a network's definition.
 */
export class ShapeOps implements Ops<Shape> {
  shape(x: Shape): Shape {
    return x;
  }

  conv2d(x: Shape, weight: Shape, options: Conv2dOptions<Shape> = {}): Shape {
    const { stride = 1, padding = 0, groups = 1 } = options;
    const [n, channels, height, width] = rank4(x);
    const [outputs, perGroup, kh, kw] = rank4(weight);
    check(channels === perGroup * groups, 'conv2d', x, weight);
    checkBias(options.bias, outputs);
    const out = (size: number, kernel: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
    return [n, outputs, out(height, kh), out(width, kw)];
  }

  conv2dJoined(parts: readonly Shape[], weight: Shape, options: Conv2dOptions<Shape> = {}): Shape {
    return this.conv2d(this.concat(parts, 1), weight, options);
  }

  convTranspose2d(x: Shape, weight: Shape, options: ConvTranspose2dOptions<Shape> = {}): Shape {
    const { stride = 1, padding = 0, outputPadding = 0 } = options;
    const [n, channels, height, width] = rank4(x);
    const [inputs, outputs, kh, kw] = rank4(weight);
    check(channels === inputs, 'convTranspose2d', x, weight);
    checkBias(options.bias, outputs);
    const out = (size: number, kernel: number) => (size - 1) * stride + kernel - 2 * padding + outputPadding;
    return [n, outputs, out(height, kh), out(width, kw)];
  }

  linear(x: Shape, weight: Shape, options: LinearOptions<Shape> = {}): Shape {
    const { axis = 1 } = options;
    const [outputs, inputs] = weight;
    check(weight.length === 2 && x[axis] === inputs && outputs !== undefined, 'linear', x, weight);
    checkBias(options.bias, outputs);
    return x.map((size, i) => (i === axis ? outputs : size));
  }

  matmul(a: Shape, b: Shape): Shape {
    const rank = a.length;
    const fits = rank >= 2 && rank === b.length && a[rank - 1] === b[rank - 2];
    check(fits && a.slice(0, -2).join() === b.slice(0, -2).join(), 'matmul', a, b);
    return [...a.slice(0, -1), b[rank - 1] ?? 0];
  }

  zeros(shape: Shape): Shape {
    return shape;
  }

  constant(shape: Shape, data: Float32Array): Shape {
    check(elements(shape) === data.length, 'constant', shape, [data.length]);
    return shape;
  }

  add(a: Shape, b: Shape): Shape {
    return broadcast(a, b);
  }

  addScalar(x: Shape): Shape {
    return x;
  }

  sub(a: Shape, b: Shape): Shape {
    return broadcast(a, b);
  }

  mul(a: Shape, b: Shape): Shape {
    return broadcast(a, b);
  }

  scale(x: Shape): Shape {
    return x;
  }

  relu(x: Shape): Shape {
    return x;
  }

  leakyRelu(x: Shape): Shape {
    return x;
  }

  sigmoid(x: Shape): Shape {
    return x;
  }

  log(x: Shape): Shape {
    return x;
  }

  dropout2d(x: Shape): Shape {
    rank4(x);
    return x;
  }

  gelu(x: Shape): Shape {
    return x;
  }

  softmax(x: Shape): Shape {
    return x;
  }

  layerNorm(x: Shape, options: LayerNormOptions<Shape>): Shape {
    check(x.length === 3 || x.length === 4, 'layerNorm', x);
    check(elements(options.scale) === x[1], 'layerNorm', x, options.scale);
    checkBias(options.bias, elements(options.scale));
    return x;
  }

  instanceNorm(x: Shape): Shape {
    return rank4(x);
  }

  inverseNorm(x: Shape): Shape {
    return [...x.slice(0, -1), 1];
  }

  globalMean(x: Shape): Shape {
    const [n, channels] = rank4(x);
    return [n, channels, 1, 1];
  }

  boxMean(x: Shape, size: readonly [number, number]): Shape {
    const [n, channels, height, width] = rank4(x);
    check(size[0] <= height && size[1] <= width, 'boxMean', x, size);
    return [n, channels, height - size[0] + 1, width - size[1] + 1];
  }

  maxPool(x: Shape, size: number): Shape {
    const [n, channels, height, width] = rank4(x);
    check(size <= height && size <= width, 'maxPool', x, [size]);
    return [n, channels, Math.floor(height / size), Math.floor(width / size)];
  }

  pixelShuffle(x: Shape, r: number): Shape {
    const [n, channels, height, width] = rank4(x);
    check(channels % (r * r) === 0, 'pixelShuffle', x, [r]);
    return [n, channels / (r * r), height * r, width * r];
  }

  pixelUnshuffle(x: Shape, r: number): Shape {
    const [n, channels, height, width] = rank4(x);
    check(height % r === 0 && width % r === 0, 'pixelUnshuffle', x, [r]);
    return [n, channels * r * r, height / r, width / r];
  }

  resizeNearest(x: Shape, factor: number): Shape {
    const [n, channels, height, width] = rank4(x);
    check(Number.isInteger(factor) && factor >= 1, 'resizeNearest', x, [factor]);
    return [n, channels, height * factor, width * factor];
  }

  resizeBilinear(x: Shape, ratio: number): Shape {
    const [n, channels, height, width] = rank4(x);
    const factor = Math.max(ratio, 1 / ratio);
    check(Number.isInteger(Math.log2(factor)), 'resizeBilinear', x, [ratio]);
    check(ratio >= 1 || (height % factor === 0 && width % factor === 0), 'resizeBilinear', x, [ratio]);
    return [n, channels, height * ratio, width * ratio];
  }

  concat(xs: readonly Shape[], axis: number): Shape {
    const [first] = xs;
    if (!first) throw new TypeError('concat needs a tensor');
    for (const x of xs) {
      check(x.length === first.length && x.every((size, i) => i === axis || size === first[i]), 'concat', first, x);
    }
    return first.map((size, i) => (i === axis ? xs.reduce((sum, x) => sum + (x[axis] ?? 0), 0) : size));
  }

  slice(x: Shape, { axis, start = 0, end = x[axis] ?? 0, step = 1 }: SliceOptions): Shape {
    check(start >= 0 && end > start && end <= (x[axis] ?? 0), 'slice', x, [axis, start, end, step]);
    return x.map((size, i) => (i === axis ? Math.ceil((end - start) / step) : size));
  }

  reshape(x: Shape, shape: Shape): Shape {
    check(elements(x) === elements(shape), 'reshape', x, shape);
    return shape;
  }

  transpose(x: Shape, permutation: readonly number[]): Shape {
    check(new Set(permutation).size === x.length, 'transpose', x, permutation);
    return permutation.map((axis) => x[axis] ?? 0);
  }

  pad(x: Shape, margins: Margins): Shape {
    check(x.length >= 2, 'pad', x);
    const height = x.length - 2;
    return x.map((size, i) => {
      if (i < height) return size;
      return i === height ? size + margins.top + margins.bottom : size + margins.left + margins.right;
    });
  }
}

function rank4(shape: Shape): readonly [number, number, number, number] {
  check(shape.length === 4, 'a four-dimensional operator', shape);
  return shape as unknown as readonly [number, number, number, number];
}

function checkBias(bias: Shape | undefined, outputs: number): void {
  check(bias === undefined || (bias.length === 1 && bias[0] === outputs), 'bias', bias ?? [], [outputs]);
}

function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1;
    const right = b[i - rank + b.length] ?? 1;
    check(left === right || left === 1 || right === 1, 'broadcasting', a, b);
    return Math.max(left, right);
  });
}

function check(fits: boolean, operator: string, ...shapes: Shape[]): asserts fits {
  if (!fits) throw new TypeError(`${operator} can't take ${shapes.map((s) => `[${s.join(', ')}]`).join(' with ')}`);
}
