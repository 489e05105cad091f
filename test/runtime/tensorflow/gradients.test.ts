import type * as tfjs from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { elements, type Ops, type Shape } from '../../../src/models/ops.js';
import { ShapeOps } from '../../../src/models/shape-ops.js';
import { plainOrder, tensorIn, valueOf, type TfValue } from '../../../src/runtime/tensorflow/tensor.js';
import { TensorflowOps } from '../../../src/runtime/tensorflow/tf-ops.js';
import { Random } from '../../../src/train/random.js';
import { testBackend } from '../../support/tensorflow.js';

const { tf } = await testBackend();
const ops = new TensorflowOps(tf);

/** An interpreter that trains, and drops the same channels whenever it is made. */
function dropping(): TensorflowOps {
  const random = new Random(5);
  return new TensorflowOps(tf, { draw: () => random.unit() });
}

/** A function of tensors whose gradient with respect to each is tested. */
interface Case {
  readonly operator: keyof Ops<TfValue>;
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly run: (...inputs: TfValue[]) => TfValue;
  /** Keeps inputs away from where the operator has a corner. */
  readonly corner?: boolean;
}

const picture: Shape = [2, 4, 5, 6];

function unary(operator: keyof Ops<TfValue>, run: (x: TfValue) => TfValue, options: Partial<Case> = {}): Case {
  return { operator, name: operator, shapes: [picture], run, ...options };
}

const cases: readonly Case[] = [
  {
    ...{ operator: 'conv2d', name: 'conv2d, same size, bias', shapes: [picture, [3, 4, 3, 3], [3]] },
    run: (x, weight, bias) => ops.conv2d(x, weight, { padding: 1, bias: bias }),
  },
  {
    ...{
      operator: 'conv2d',
      name: 'conv2d, stride 2, even kernel',
      shapes: [
        [1, 2, 6, 8],
        [3, 2, 4, 4],
      ],
    },
    run: (x, weight) => ops.conv2d(x, weight, { stride: 2, padding: 1 }),
  },
  {
    ...{ operator: 'conv2d', name: 'conv2d, depthwise', shapes: [picture, [4, 1, 3, 3]] },
    run: (x, weight) => ops.conv2d(x, weight, { padding: 1, groups: 4 }),
  },
  {
    ...{ operator: 'conv2d', name: 'conv2d, groups', shapes: [picture, [6, 2, 3, 3]] },
    run: (x, weight) => ops.conv2d(x, weight, { padding: 1, groups: 2 }),
  },
  {
    ...{ operator: 'conv2dJoined', name: 'conv2dJoined', shapes: [picture, picture, [2, 8, 3, 3], [2]] },
    run: (x, other, weight, bias) => ops.conv2dJoined([x, other], weight, { padding: 1, bias }),
  },
  {
    ...{ operator: 'convTranspose2d', name: 'convTranspose2d, kernel 4', shapes: [[1, 3, 3, 4], [3, 2, 4, 4], [2]] },
    run: (x, weight, bias) => ops.convTranspose2d(x, weight, { stride: 2, padding: 1, bias: bias }),
  },
  {
    ...{
      operator: 'convTranspose2d',
      name: 'convTranspose2d, output padding',
      shapes: [
        [1, 3, 3, 4],
        [3, 2, 3, 3],
      ],
    },
    run: (x, weight) => ops.convTranspose2d(x, weight, { stride: 2, padding: 1, outputPadding: 1 }),
  },
  {
    ...{ operator: 'linear', name: 'linear, channels', shapes: [picture, [3, 4], [3]] },
    run: (x, weight, bias) => ops.linear(x, weight, { bias: bias }),
  },
  {
    ...{ operator: 'linear', name: 'linear, rows', shapes: [picture, [7, 5]] },
    run: (x, weight) => ops.linear(x, weight, { axis: 2 }),
  },
  {
    ...{
      operator: 'matmul',
      name: 'matmul',
      shapes: [
        [2, 3, 4],
        [2, 4, 5],
      ],
    },
    run: (a, b) => ops.matmul(a, b),
  },
  {
    ...{ operator: 'add', name: 'add, broadcast', shapes: [picture, [1, 4, 1, 1]] },
    run: (a, b) => ops.add(a, b),
  },
  {
    ...{ operator: 'mul', name: 'mul, broadcast in two orders', shapes: [picture, [2, 4, 1, 1]] },
    run: (a, b) => ops.mul(ops.globalMean(a), ops.mul(a, b)),
  },
  {
    ...{ operator: 'sub', name: 'sub, broadcast', shapes: [picture, [1, 4, 1, 1]] },
    run: (a, b) => ops.mul(ops.sub(a, b), b),
  },
  unary('scale', (x) => ops.mul(ops.scale(x, -0.7), x)),
  unary('addScalar', (x) => ops.mul(ops.addScalar(x, 0.3), x)),
  unary('relu', (x) => ops.relu(x), { corner: true }),
  unary('leakyRelu', (x) => ops.leakyRelu(x, 0.2), { corner: true }),
  unary('sigmoid', (x) => ops.sigmoid(x)),
  unary('log', (x) => ops.log(ops.addScalar(ops.mul(x, x), 0.5))),
  unary('dropout2d', (x) => dropping().dropout2d(x, 0.5)),
  unary('gelu', (x) => ops.gelu(x, 'erf'), { name: 'gelu, exact' }),
  unary('gelu', (x) => ops.gelu(x, 'tanh'), { name: 'gelu, tanh' }),
  unary('softmax', (x) => ops.softmax(x)),
  {
    ...{ operator: 'layerNorm', name: 'layerNorm', shapes: [picture, [4], [4]] },
    run: (x, scale, bias) => ops.layerNorm(x, { scale: scale, bias: bias, epsilon: 1e-2 }),
  },
  {
    ...{ operator: 'layerNorm', name: 'layerNorm, not centred', shapes: [picture, [4]] },
    run: (x, scale) => ops.layerNorm(x, { scale: scale, epsilon: 1e-2, centred: false }),
  },
  unary('instanceNorm', (x) => ops.instanceNorm(x, 1e-2)),
  unary('inverseNorm', (x) => ops.mul(x, ops.inverseNorm(x, 1e-6))),
  unary('globalMean', (x) => ops.globalMean(x)),
  unary('boxMean', (x) => ops.boxMean(x, [2, 3])),
  unary('maxPool', (x) => ops.maxPool(x, 2)),
  unary('pixelShuffle', (x) => ops.pixelShuffle(x, 2)),
  unary('pixelUnshuffle', (x) => ops.pixelUnshuffle(x, 2), { shapes: [[1, 2, 4, 6]] }),
  unary('resizeNearest', (x) => ops.resizeNearest(x, 2)),
  unary('resizeBilinear', (x) => ops.resizeBilinear(x, 2), { name: 'resizeBilinear, larger' }),
  unary('resizeBilinear', (x) => ops.resizeBilinear(x, 0.5), {
    name: 'resizeBilinear, smaller',
    shapes: [[1, 2, 4, 8]],
  }),
  {
    ...{ operator: 'concat', name: 'concat', shapes: [picture, [2, 3, 5, 6]] },
    run: (a, b) => ops.concat([a, b], 1),
  },
  unary('slice', (x) => ops.slice(x, { axis: 3, start: 1, end: 4 })),
  unary('slice', (x) => ops.slice(x, { axis: 2, step: 2 }), { name: 'slice, every second' }),
  unary('reshape', (x) => ops.reshape(x, [4, 60])),
  unary('transpose', (x) => ops.transpose(x, [3, 0, 2, 1])),
  unary('pad', (x) => ops.pad(x, { top: 1, left: 2, bottom: 0, right: 1 }, 'zero'), { name: 'pad, zeros' }),
  unary('pad', (x) => ops.pad(x, { top: 1, left: 2, bottom: 7, right: 1 }, 'reflect'), { name: 'pad, mirrored' }),
  unary('pad', (x) => ops.pad(x, { top: 1, left: 2, bottom: 0, right: 1 }, 'replicate'), { name: 'pad, repeated' }),
];

/** Operators without an input that could have a gradient. */
const withoutGradient = new Set(['shape', 'zeros', 'constant']);
const step = 0.02;

function draw(shape: Shape, random: Random, corner = false): Float32Array {
  return Float32Array.from({ length: elements(shape) }, () => {
    const value = random.between(-1, 1);
    return corner ? value + Math.sign(value) * 2 * step : value;
  });
}

/** Held as pictures are in the middle of a network, so that the gradient passes the transpositions too. */
function held(tensor: tfjs.Tensor): TfValue {
  return tensor.rank === 4 ? valueOf(tf.transpose(tensor, [0, 2, 3, 1]), [0, 2, 3, 1]) : valueOf(tensor);
}

/** A weighted sum of a case's result, differently for each element. */
function objective({ run }: Case, tensors: readonly tfjs.Tensor[]): tfjs.Scalar {
  const result = run(...tensors.map(held));
  const plain = tensorIn(tf, result, plainOrder(result.shape.length));
  const weights = draw(result.shape, new Random(99));
  return tf.sum(tf.mul(plain, tf.tensor(weights, plain.shape)));
}

describe('dropout', () => {
  it('takes whole channels of single pictures, as often as asked, and keeps the mean', () => {
    tf.tidy(() => {
      const [n, channels, area] = [40, 50, 6];
      const dropped = dropping().dropout2d(held(tf.ones([n, channels, 2, 3])), 0.1);
      const values = tensorIn(tf, dropped, plainOrder(4)).dataSync();
      const planes = Array.from({ length: n * channels }, (_, i) => [...values.slice(i * area, (i + 1) * area)]);
      for (const plane of planes) expect(new Set(plane).size).toBe(1);
      const kept = planes.filter(([value = 0]) => value > 0);
      expect(kept[0]?.[0]).toBeCloseTo(1 / 0.9, 6);
      expect(kept.length / planes.length).toBeGreaterThan(0.87);
      expect(kept.length / planes.length).toBeLessThan(0.93);
    });
  });
});

describe('gradients equal finite differences', () => {
  it.each(cases.map((each) => [each.name, each] as const))('%s', (_, tested) => {
    tf.tidy(() => {
      const random = new Random(5);
      const data = tested.shapes.map((shape) => draw(shape, random, tested.corner));
      const tensors = tested.shapes.map((shape, i) => tf.tensor(data[i]!, [...shape]));
      const gradients = tf.grads((...inputs: tfjs.Tensor[]) => objective(tested, inputs))(tensors);
      gradients.forEach((gradient, i) => {
        const values = gradient.dataSync();
        const scale = Math.max(...values.map(Math.abs), 0.1);
        // A few elements of each input tell; every one would only take longer.
        for (let k = 0; k < data[i]!.length; k += Math.ceil(data[i]!.length / 12)) {
          const moved = (by: number) => {
            const changed = Float32Array.from(data[i]!);
            changed[k]! += by;
            const others = tensors.map((tensor, j) => (j === i ? tf.tensor(changed, tensor.shape) : tensor));
            return objective(tested, others).dataSync()[0] ?? NaN;
          };
          const slope = (8 * (moved(step / 2) - moved(-step / 2)) - (moved(step) - moved(-step))) / (6 * step);
          expect(Math.abs((values[k] ?? NaN) - slope)).toBeLessThan(3e-3 * scale);
        }
      });
    });
  });

  it('for every operator of the vocabulary', () => {
    const tested = new Set<string>(cases.map(({ operator }) => operator));
    const all = Object.getOwnPropertyNames(ShapeOps.prototype).filter((name) => name !== 'constructor');
    expect(all.filter((name) => !tested.has(name) && !withoutGradient.has(name))).toEqual([]);
  });
});
