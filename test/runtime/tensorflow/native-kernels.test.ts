import type * as tfjs from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { resizeMatrix } from '../../../src/models/row-filter.js';
import { openBackend } from '../../../src/runtime/tensorflow/backend.js';
import { valueOf, channelsLast, kernelOrder } from '../../../src/runtime/tensorflow/tensor.js';
import { TensorflowOps } from '../../../src/runtime/tensorflow/tf-ops.js';
import { maxDifference } from '../parity/interpreters.js';

const { tf } = await openBackend('tensorflow');
const ops = new TensorflowOps(tf);

function picture(tensor: tfjs.Tensor) {
  return { shape: tensor.shape, data: Float32Array.from(tensor.dataSync()) };
}

describe("TensorFlow's own kernels", () => {
  it.each([
    'biasedConvolution',
    'biasedConvolutionGradient',
    'convolutionInputGradient',
    'bilinearGradient',
    'adam',
    'rectifierGradient',
  ])('%s is there', (name) => {
    expect(tf.getKernel(name, 'tensorflow')).toBeDefined();
  });

  it.each([
    { stride: 1, padding: 1, side: 3 },
    { stride: 2, padding: 0, side: 2 },
    { stride: 2, padding: 1, side: 3 },
    { stride: 1, padding: 0, side: 1 },
  ])('convolve and differentiate as the plain ones do: %o', ({ stride, padding, side }) => {
    const before = tf.memory().numTensors;
    const x = tf.randomNormal<tfjs.Rank.R4>([2, 9, 12, 5], 0, 1, 'float32', 1);
    const kernel = tf.randomNormal<tfjs.Rank.R4>([side, side, 5, 7], 0, 1, 'float32', 2);
    const bias = tf.randomNormal<tfjs.Rank.R1>([7], 0, 1, 'float32', 3);
    const [learnedKernel, learnedBias] = [tf.variable(kernel), tf.variable(bias)];
    const convolved = (input: tfjs.Tensor, weight: tfjs.Tensor, number: tfjs.Tensor) =>
      ops.conv2d(valueOf(input, channelsLast), valueOf(weight, kernelOrder), { bias: valueOf(number), stride, padding })
        .tensor;
    // Of the square, so that the gradient differs from place to place.
    const score = (result: tfjs.Tensor) => tf.sum<tfjs.Scalar>(tf.square(result));
    const plain = (input: tfjs.Tensor, weight: tfjs.Tensor, number: tfjs.Tensor) => {
      const padded = tf.pad(input, [
        [0, 0],
        [padding, padding],
        [padding, padding],
        [0, 0],
      ]);
      return tf.add(tf.conv2d(padded as tfjs.Tensor4D, weight as tfjs.Tensor4D, stride, 'valid'), number);
    };
    const expected = tf.tidy(() => tf.grads((a, b, c) => score(plain(a, b, c)))([x, kernel, bias]));
    const apart = tf.tidy(() => tf.grads((a, b, c) => score(convolved(a, b, c)))([x, kernel, bias]));
    const { value, grads } = tf.variableGrads(
      () => score(convolved(x, learnedKernel, learnedBias)),
      [learnedKernel, learnedBias],
    );
    expect(value.dataSync()[0]).toBeCloseTo(
      tf.tidy(() => score(plain(x, kernel, bias)).dataSync()[0] ?? NaN),
      -1,
    );
    const together = [learnedKernel, learnedBias].map(({ name }) => grads[name]!);
    const right = [...expected, ...expected.slice(1)];
    for (const [i, found] of [...apart, ...together].entries()) {
      const largest = Math.max(...right[i]!.dataSync().map(Math.abs));
      expect(maxDifference(picture(found), picture(right[i]!))).toBeLessThan(1e-5 * largest);
    }
    tf.dispose([x, kernel, bias, learnedKernel, learnedBias, value, ...expected, ...apart, ...together]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('enlarge a picture and differentiate that twice as a product with a matrix does', () => {
    const before = tf.memory().numTensors;
    const x = tf.randomNormal<tfjs.Rank.R4>([2, 5, 7, 3], 0, 1, 'float32', 4);
    const [rows, columns] = [resizeMatrix(5, 2).data, resizeMatrix(7, 2).data];
    const weights = Array.from({ length: 10 * 14 }, (_, to) =>
      Array.from({ length: 5 * 7 }, (__, from) => {
        const down = rows[Math.floor(to / 14) * 5 + Math.floor(from / 7)] ?? NaN;
        return down * (columns[(to % 14) * 7 + (from % 7)] ?? NaN);
      }),
    );
    const byMatrix = (input: tfjs.Tensor) => {
      const pixels = tf.reshape<tfjs.Rank.R2>(tf.transpose(input, [1, 2, 0, 3]), [35, 6]);
      return tf.transpose(tf.reshape(tf.matMul(tf.tensor2d(weights), pixels), [10, 14, 2, 3]), [2, 0, 1, 3]);
    };
    const native = (input: tfjs.Tensor) => ops.resizeBilinear(valueOf(input, channelsLast), 2).tensor;
    // Of the cube, so that the gradient's own gradient differs from place to place.
    const slopes = (enlarged: (input: tfjs.Tensor) => tfjs.Tensor) => {
      const slope = tf.grad((input) => tf.sum(tf.pow(enlarged(input), 3)));
      return [enlarged(x), slope(x), tf.grad((input) => tf.sum(tf.square(slope(input))))(x)];
    };
    const [found, expected] = tf.tidy(() => [native, byMatrix].map((each) => slopes(each).map(picture)));
    for (const [i, right] of expected!.entries()) {
      const largest = Math.max(...right.data.map(Math.abs));
      expect(maxDifference(found![i], right)).toBeLessThan(1e-5 * largest);
    }
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
