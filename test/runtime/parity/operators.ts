import { describe, expect, it } from 'vitest';
import { elements } from '../../../src/models/ops.js';
import type { Shape } from '../../../src/models/ops.js';
import type { PictureOps } from '../../../src/runtime/picture/picture-ops.js';
import type { Interpreter } from './interpreters.js';

/** Numbers without a pattern, between -1 and 1. */
function noise(shape: Shape, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: elements(shape) }, () => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647) * 2 - 1;
  });
}

/** What came of a function of one tensor. */
interface Run {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  readonly input: Float32Array;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  const worst = Array.from(actual).reduce((max, value, i) => Math.max(max, Math.abs(value - (expected[i] ?? NaN))), 0);
  expect(worst).toBeLessThan(tolerance);
}

/** `Σᵢ weight[o, i] x[i, p] + bias[o]` for each position. */
function products(x: ArrayLike<number>, weight: Float32Array, bias: Float32Array, inputs: number): number[] {
  const positions = x.length / inputs;
  return Array.from({ length: bias.length * positions }, (_, index) => {
    const [o, p] = [Math.floor(index / positions), index % positions];
    let sum = bias[o] ?? 0;
    for (let i = 0; i < inputs; i += 1) sum += (weight[o * inputs + i] ?? 0) * (x[i * positions + p] ?? 0);
    return sum;
  });
}

/** Normalisation over the channels of `[1, C, P]`, in two passes. */
function normalised(x: Float32Array, channels: number, scale: Float32Array, bias: Float32Array, epsilon: number) {
  const positions = x.length / channels;
  return Array.from(x, (value, index) => {
    const [c, p] = [Math.floor(index / positions), index % positions];
    const column = Array.from({ length: channels }, (_, i) => x[i * positions + p] ?? 0);
    const mean = column.reduce((a, b) => a + b, 0) / channels;
    const variance = column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / channels;
    return ((value - mean) / Math.sqrt(variance + epsilon)) * (scale[c] ?? 0) + (bias[c] ?? 0);
  });
}

/** Describes what every operator means: the same on every interpreter. */
export function describeOperators(interpreter: Interpreter): void {
  /** Runs a function of one tensor. */
  async function run(shape: Shape, build: <T>(ops: PictureOps<T>, x: T) => T): Promise<Run> {
    const input = noise(shape);
    const [output] = await interpreter.run(
      new Map(),
      [{ shape, data: input }],
      <T>(ops: PictureOps<T>, _: unknown, inputs: readonly T[]) => inputs.map((x) => build(ops, x)),
    );
    if (!output) throw new Error('there is no output');
    expect(interpreter.live()).toBe(0);
    return { ...output, input };
  }

  describe('padding', () => {
    const row = [0, 1, 2];
    it.each([
      ['zero', 2, [0, 0, ...row, 0, 0]],
      ['replicate', 2, [0, 0, ...row, 2, 2]],
      ['reflect', 2, [2, 1, ...row, 1, 0]],
      ['reflect', 5, [1, 0, 1, 2, 1, ...row, 1, 0, 1, 2, 1]],
    ] as const)('%s by %i', async (mode, count, columns) => {
      const { shape, data, input } = await run([1, 1, 1, 3], (ops, x) =>
        ops.pad(x, { top: 0, bottom: 0, left: count, right: count }, mode),
      );
      expect(shape).toEqual([1, 1, 1, 3 + 2 * count]);
      const at = (i: number) =>
        mode === 'zero' && (i < count || i >= count + 3) ? 0 : (input[columns[i] ?? 0] ?? NaN);
      expectClose(
        data,
        columns.map((_, i) => at(i)),
      );
    });

    it('reflect of a single pixel repeats it', async () => {
      const { data, input } = await run([1, 1, 1, 1], (ops, x) =>
        ops.pad(x, { top: 1, bottom: 2, left: 3, right: 0 }, 'reflect'),
      );
      expectClose(data, Array<number>(16).fill(input[0] ?? NaN));
    });
  });

  describe('resizing', () => {
    /** One row, by the definition: a triangle as wide as the ratio needs, normalised over the samples inside. */
    function resized(row: Float32Array, ratio: number): number[] {
      const wide = Math.max(1, 1 / ratio);
      return Array.from({ length: row.length * ratio }, (_, o) => {
        const centre = (o + 0.5) / ratio - 0.5;
        const weights = Array.from(row, (_, i) => Math.max(0, 1 - Math.abs(centre - i) / wide));
        const total = weights.reduce((a, b) => a + b, 0);
        return weights.reduce((sum, w, i) => sum + w * (row[i] ?? 0), 0) / total;
      });
    }

    it.each([2, 4, 0.5, 0.25])('by %d', async (ratio) => {
      const { shape, data, input } = await run([1, 1, 8, 16], (ops, x) => ops.resizeBilinear(x, ratio));
      expect(shape).toEqual([1, 1, 8 * ratio, 16 * ratio]);
      const rows = Array.from({ length: 8 }, (_, y) => resized(input.subarray(y * 16, (y + 1) * 16), ratio));
      const columns = Array.from({ length: 16 * ratio }, (_, x) =>
        resized(
          Float32Array.from(rows, (row) => row[x] ?? NaN),
          ratio,
        ),
      );
      expectClose(
        data,
        Array.from(
          { length: elements(shape) },
          (_, i) => columns[i % (16 * ratio)]?.[Math.floor(i / (16 * ratio))] ?? NaN,
        ),
      );
    });
  });

  describe('linear layers', () => {
    const [weight, bias] = [noise([4, 6], 2), noise([4], 3)];

    it('over the channels, another axis, and the last one', async () => {
      const channels = await run([1, 6, 2, 5], (ops, x) =>
        ops.linear(x, ops.constant([4, 6], weight), { bias: ops.constant([4], bias) }),
      );
      expect(channels.shape).toEqual([1, 4, 2, 5]);
      expectClose(channels.data, products(channels.input, weight, bias, 6));

      const middle = await run([1, 1, 6, 5], (ops, x) =>
        ops.linear(x, ops.constant([4, 6], weight), { bias: ops.constant([4], bias), axis: 2 }),
      );
      expectClose(middle.data, products(middle.input, weight, bias, 6));

      const last = await run([1, 1, 1, 6], (ops, x) =>
        ops.linear(x, ops.constant([4, 6], weight), { bias: ops.constant([4], bias), axis: 3 }),
      );
      expectClose(last.data, products(last.input, weight, bias, 6));
    });

    it('take over a normalisation, and leave its result right for others', async () => {
      const [scale, shift] = [noise([6], 4), noise([6], 5)];
      const norm = <T>(ops: PictureOps<T>, x: T) =>
        ops.layerNorm(x, { scale: ops.constant([6], scale), bias: ops.constant([6], shift), epsilon: 1e-6 });
      const alone = await run([1, 6, 3, 4], norm);
      const expected = normalised(alone.input, 6, scale, shift, 1e-6);
      expectClose(alone.data, expected);
      const followed = await run([1, 6, 3, 4], (ops, x) =>
        ops.linear(norm(ops, x), ops.constant([4, 6], weight), { bias: ops.constant([4], bias) }),
      );
      expectClose(followed.data, products(expected, weight, bias, 6));
    });

    it('absorb what is linear before them', async () => {
      const [first, firstBias] = [noise([6, 3], 6), noise([6], 7)];
      const [second, secondBias] = [noise([6, 3], 8), noise([6], 9)];
      const [mixing, mixingBias] = [noise([4, 12], 10), noise([4], 11)];
      const build = <T>(ops: PictureOps<T>, x: T, keepApart: boolean) => {
        // Adding zero keeps the interpreter from seeing what a value was made from.
        const seen = (value: T) => (keepApart ? ops.add(value, ops.constant([1], Float32Array.of(0))) : value);
        const up = ops.linear(x, ops.constant([6, 3], first), { bias: ops.constant([6], firstBias) });
        const small = ops.linear(x, ops.constant([6, 3], second), { bias: ops.constant([6], secondBias) });
        const parts = [ops.resizeBilinear(seen(up), 2), ops.resizeBilinear(seen(small), 2)];
        return ops.linear(seen(ops.concat(parts, 1)), ops.constant([4, 12], mixing), {
          bias: ops.constant([4], mixingBias),
        });
      };
      const absorbed = await run([1, 3, 4, 4], (ops, x) => build(ops, x, false));
      const apart = await run([1, 3, 4, 4], (ops, x) => build(ops, x, true));
      expect(absorbed.shape).toEqual([1, 4, 8, 8]);
      expectClose(absorbed.data, apart.data);

      const transposed = (keepApart: boolean) =>
        run([1, 3, 4, 4], (ops, x) => {
          const up = ops.convTranspose2d(x, ops.constant([3, 6, 2, 2], noise([3, 6, 2, 2], 12)), {
            bias: ops.constant([6], firstBias),
            stride: 2,
          });
          const value = keepApart ? ops.add(up, ops.constant([1], Float32Array.of(0))) : up;
          return ops.linear(value, ops.constant([4, 6], weight), { bias: ops.constant([4], bias) });
        });
      expectClose((await transposed(false)).data, (await transposed(true)).data);
    });

    it('compute a slice of their channels alone', async () => {
      const half = await run([1, 6, 2, 5], (ops, x) =>
        ops.slice(ops.gelu(ops.linear(x, ops.constant([4, 6], weight), { bias: ops.constant([4], bias) }), 'erf'), {
          axis: 1,
          start: 1,
          end: 3,
        }),
      );
      const erf = (x: number) => {
        const t = Array.from({ length: 40 }, (_, n) => n).reduce(
          ({ sum, term }, n) => ({ sum: sum + term / (2 * n + 1), term: (-term * x * x) / (n + 1) }),
          { sum: 0, term: x },
        );
        return (2 / Math.sqrt(Math.PI)) * t.sum;
      };
      const all = products(half.input, weight, bias, 6).map((x) => 0.5 * x * (1 + erf(x / Math.SQRT2)));
      expectClose(half.data, all.slice(10, 30));
    });
  });

  describe('means', () => {
    it('of every window', async () => {
      const { shape, data, input } = await run([1, 2, 5, 7], (ops, x) => ops.boxMean(x, [3, 4]));
      expect(shape).toEqual([1, 2, 3, 4]);
      const expected = Array.from({ length: 24 }, (_, index) => {
        const [c, y, x] = [Math.floor(index / 12), Math.floor(index / 4) % 3, index % 4];
        let sum = 0;
        for (let j = 0; j < 3; j += 1) for (let i = 0; i < 4; i += 1) sum += input[c * 35 + (y + j) * 7 + x + i] ?? NaN;
        return sum / 12;
      });
      expectClose(data, expected);
    });
  });

  describe('pixel shuffle', () => {
    it("has PyTorch's order", async () => {
      const { shape, data, input } = await run([1, 8, 1, 1], (ops, x) => ops.pixelShuffle(x, 2));
      expect(shape).toEqual([1, 2, 2, 2]);
      expect(data).toEqual(input);
    });

    it('has an inverse', async () => {
      const { shape, data, input } = await run([1, 2, 4, 6], (ops, x) => ops.pixelUnshuffle(x, 2));
      expect(shape).toEqual([1, 8, 2, 3]);
      expect(data[(4 * 1 + 2 * 1 + 0) * 6 + 1 * 3 + 2]).toBe(input[1 * 24 + 3 * 6 + 4]);
      const back = await run([1, 2, 4, 6], (ops, x) => ops.pixelShuffle(ops.pixelUnshuffle(x, 2), 2));
      expect(back.data).toEqual(input);
    });
  });

  describe('transposed convolution', () => {
    it.each([
      [4, 1, 0],
      [3, 1, 1],
    ])('with kernel %i cuts %i off and adds %i', async (kernel, padding, outputPadding) => {
      const weight = noise([2, 3, kernel, kernel], 2);
      const bias = noise([3], 3);
      const { shape, data, input } = await run([1, 2, 3, 4], (ops, x) =>
        ops.convTranspose2d(x, ops.constant([2, 3, kernel, kernel], weight), {
          bias: ops.constant([3], bias),
          stride: 2,
          padding,
          outputPadding,
        }),
      );
      expect(shape).toEqual([1, 3, 6, 8]);
      const expected = Array.from({ length: 3 * 6 * 8 }, (_, index) => bias[Math.floor(index / 48)] ?? NaN);
      for (let i = 0; i < 2; i += 1)
        for (let y = 0; y < 3; y += 1)
          for (let x = 0; x < 4; x += 1)
            for (let o = 0; o < 3; o += 1)
              for (let tap = 0; tap < kernel ** 2; tap += 1) {
                const row = 2 * y + Math.floor(tap / kernel) - padding;
                const column = 2 * x + (tap % kernel) - padding;
                if (row < 0 || row >= 6 || column < 0 || column >= 8) continue;
                const product = (input[(i * 3 + y) * 4 + x] ?? NaN) * (weight[(i * 3 + o) * kernel ** 2 + tap] ?? NaN);
                expected[(o * 6 + row) * 8 + column] = (expected[(o * 6 + row) * 8 + column] ?? NaN) + product;
              }
      expectClose(data, expected);
    });
  });

  describe('nearest resizing', () => {
    it('repeats samples, also with a linear layer after it', async () => {
      const { shape, data, input } = await run([1, 2, 2, 3], (ops, x) => ops.resizeNearest(x, 4));
      expect(shape).toEqual([1, 2, 8, 12]);
      const repeated = Array.from({ length: 192 }, (_, index) => {
        const [c, y, x] = [Math.floor(index / 96), Math.floor(index / 12) % 8, index % 12];
        return input[c * 6 + Math.floor(y / 4) * 3 + Math.floor(x / 4)] ?? NaN;
      });
      expectClose(data, repeated);
      const [weight, bias] = [noise([3, 2], 2), noise([3], 3)];
      const mapped = await run([1, 2, 2, 3], (ops, x) =>
        ops.linear(ops.resizeNearest(x, 4), ops.constant([3, 2], weight), { bias: ops.constant([3], bias) }),
      );
      expectClose(mapped.data, products(repeated, weight, bias, 2));
    });
  });

  describe('attention', () => {
    it('multiplies matrices of each head', async () => {
      const right = noise([2, 3, 4], 2);
      const { shape, data, input } = await run([2, 5, 3], (ops, x) => ops.matmul(x, ops.constant([2, 3, 4], right)));
      expect(shape).toEqual([2, 5, 4]);
      const expected = Array.from({ length: 40 }, (_, index) => {
        const [head, i, j] = [Math.floor(index / 20), Math.floor(index / 4) % 5, index % 4];
        return [0, 1, 2].reduce(
          (sum, k) => sum + (input[(head * 5 + i) * 3 + k] ?? NaN) * (right[(head * 3 + k) * 4 + j] ?? NaN),
          0,
        );
      });
      expectClose(data, expected);
    });

    it('weighs by the exponential, over the last axis', async () => {
      const { data, input } = await run([2, 3], (ops, x) => ops.softmax(x));
      const expected = [0, 1].flatMap((row) => {
        const powers = Array.from(input.subarray(3 * row, 3 * row + 3), Math.exp);
        return powers.map((power) => power / powers.reduce((a, b) => a + b, 0));
      });
      expectClose(data, expected);
    });

    it("has the inverse of a row's length, at most that of epsilon", async () => {
      const { shape, data, input } = await run([2, 3], (ops, x) => ops.inverseNorm(x, 1e-12));
      expect(shape).toEqual([2, 1]);
      expectClose(
        data,
        [0, 1].map((row) => 1 / Math.hypot(...input.subarray(3 * row, 3 * row + 3))),
      );
      const zero = await run([2, 3], (ops, x) => ops.inverseNorm(ops.mul(x, ops.zeros([2, 3])), 0.25));
      expectClose(zero.data, [4, 4]);
    });
  });

  describe('normalisation', () => {
    it('keeps the mean where it is told to, and needs no bias', async () => {
      const scale = noise([6], 4);
      const { data, input } = await run([1, 6, 3, 4], (ops, x) =>
        ops.layerNorm(x, { scale: ops.constant([6], scale), epsilon: 1e-5, centred: false }),
      );
      const expected = Array.from(input, (value, index) => {
        const column = Array.from({ length: 6 }, (_, i) => input[i * 12 + (index % 12)] ?? NaN);
        const mean = column.reduce((a, b) => a + b, 0) / 6;
        const variance = column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 6;
        return (value / Math.sqrt(variance + 1e-5)) * (scale[Math.floor(index / 12)] ?? NaN);
      });
      expectClose(data, expected);
    });

    it('of each channel over its pixels', async () => {
      const { data, input } = await run([1, 2, 3, 4], (ops, x) => ops.instanceNorm(x, 1e-5));
      const expected = [0, 1].flatMap((channel) => {
        const pixels = Array.from(input.subarray(12 * channel, 12 * channel + 12));
        const mean = pixels.reduce((a, b) => a + b, 0) / 12;
        const variance = pixels.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 12;
        return pixels.map((pixel) => (pixel - mean) / Math.sqrt(variance + 1e-5));
      });
      expectClose(data, expected);
    });
  });

  describe('maximum', () => {
    it('of every cell, without what is left over', async () => {
      const { shape, data, input } = await run([1, 1, 5, 4], (ops, x) => ops.maxPool(x, 2));
      expect(shape).toEqual([1, 1, 2, 2]);
      const at = (y: number, x: number) => input[y * 4 + x] ?? NaN;
      expectClose(
        data,
        [0, 2].flatMap((y) => [0, 2].map((x) => Math.max(at(y, x), at(y, x + 1), at(y + 1, x), at(y + 1, x + 1)))),
      );
    });
  });

  describe('convolution', () => {
    it.each([
      { kernel: 3, stride: 1, padding: 1, groups: 1 },
      { kernel: 1, stride: 1, padding: 0, groups: 1 },
      { kernel: 2, stride: 2, padding: 0, groups: 1 },
      { kernel: 4, stride: 2, padding: 1, groups: 1 },
      { kernel: 5, stride: 1, padding: 1, groups: 1 },
      { kernel: 3, stride: 1, padding: 1, groups: 4 },
      { kernel: 3, stride: 2, padding: 1, groups: 4 },
      { kernel: 3, stride: 1, padding: 1, groups: 2 },
    ])('of kernel $kernel, stride $stride, padding $padding, $groups groups', async (geometry) => {
      const { kernel, stride, padding, groups } = geometry;
      const [channels, height, width] = [4, 6, 8];
      const perGroup = channels / groups;
      const [weight, bias] = [noise([4, perGroup, kernel, kernel], 2), noise([4], 3)];
      const { shape, data, input } = await run([1, channels, height, width], (ops, x) =>
        ops.conv2d(x, ops.constant([4, perGroup, kernel, kernel], weight), {
          ...{ stride, padding, groups, bias: ops.constant([4], bias) },
        }),
      );
      const [, , rows = 0, columns = 0] = shape;
      expect(shape).toEqual([1, 4, rows, columns]);
      expect(rows).toBe(Math.floor((height + 2 * padding - kernel) / stride) + 1);
      const expected = Array.from({ length: 4 * rows * columns }, (_, at) => {
        const [o, y, x] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
        const first = Math.floor((o * groups) / 4) * perGroup;
        let sum = bias[o] ?? NaN;
        for (let tap = 0; tap < perGroup * kernel ** 2; tap += 1) {
          const [i, v, u] = [Math.floor(tap / kernel ** 2), Math.floor(tap / kernel) % kernel, tap % kernel];
          const [row, column] = [y * stride + v - padding, x * stride + u - padding];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const sample = input[((first + i) * height + row) * width + column] ?? NaN;
          sum += sample * (weight[o * perGroup * kernel ** 2 + tap] ?? NaN);
        }
        return sum;
      });
      expectClose(data, expected);
    });
  });

  describe('of single elements', () => {
    const shape = [1, 2, 3, 4];
    const each = async (build: <T>(ops: PictureOps<T>, x: T) => T, expected: (value: number) => number) => {
      const { data, input } = await run(shape, build);
      expectClose(data, Array.from(input, expected));
    };

    it('are the activations', async () => {
      await each(
        (ops, x) => ops.relu(x),
        (x) => Math.max(0, x),
      );
      await each(
        (ops, x) => ops.leakyRelu(x, 0.1),
        (x) => (x > 0 ? x : 0.1 * x),
      );
      await each(
        (ops, x) => ops.sigmoid(x),
        (x) => 1 / (1 + Math.exp(-x)),
      );
      await each(
        (ops, x) => ops.log(ops.addScalar(x, 1.5)),
        (x) => Math.log(x + 1.5),
      );
      await each(
        (ops, x) => ops.gelu(x, 'tanh'),
        (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
      );
    });

    it('are not dropped where nothing is trained', async () => {
      await each(
        (ops, x) => ops.scale(ops.dropout2d(x, 0.5), 2),
        (x) => 2 * x,
      );
    });

    it('are the arithmetic, with broadcasting', async () => {
      const [column, scalar] = [noise([2, 1, 1], 5), 0.75];
      await each(
        (ops, x) => ops.addScalar(ops.scale(x, 3), scalar),
        (x) => 3 * x + scalar,
      );
      const { data, input } = await run(shape, (ops, x) => {
        const one = ops.constant([2, 1, 1], column);
        // One operand comes out of a convolution, which an interpreter may hold in another order.
        const kernel = ops.constant([2, 2, 1, 1], Float32Array.of(1, 0, 0, 1));
        const held = ops.conv2d(ops.conv2d(x, kernel), kernel);
        return ops.sub(ops.mul(held, one), ops.add(one, x));
      });
      expectClose(
        data,
        Array.from(input, (x, at) => {
          const factor = column[Math.floor(at / 12)] ?? NaN;
          return x * factor - (factor + x);
        }),
      );
    });

    it('are rounding, of halves to the even number, and limits', async () => {
      const values = Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6, 254.5);
      const { data } = await run([8], (ops, x) => ops.round(ops.add(ops.scale(x, 0), ops.constant([8], values))));
      expectClose(data, [0, 2, 2, 0, -2, 2, 3, 254]);
      await each(
        (ops, x) => ops.clip(x, -0.25, 0.5),
        (x) => Math.min(0.5, Math.max(-0.25, x)),
      );
    });

    it('tell what is nearly equal', async () => {
      const near = await run([1, 1, 1, 3], (ops, x) =>
        ops.isNear(x, ops.add(x, ops.constant([1, 1, 1, 3], Float32Array.of(0, 0.05, -0.2))), 0.1),
      );
      expect([...near.data]).toEqual([1, 1, 0]);
    });
  });

  describe('parts', () => {
    it('are cut, also with a step, and put together whatever order they are held in', async () => {
      const { shape, data, input } = await run([1, 2, 3, 6], (ops, x) => {
        const kernel = ops.constant([2, 2, 1, 1], Float32Array.of(1, 0, 0, 1));
        const odd = ops.slice(ops.conv2d(x, kernel), { axis: 3, start: 1, step: 2 });
        const even = ops.slice(x, { axis: 3, end: 5, step: 2 });
        return ops.concat([even, odd], 1);
      });
      expect(shape).toEqual([1, 4, 3, 3]);
      const expected = Array.from({ length: 36 }, (_, at) => {
        const [c, y, x] = [Math.floor(at / 9), Math.floor(at / 3) % 3, at % 3];
        return input[(c % 2) * 18 + y * 6 + 2 * x + (c < 2 ? 0 : 1)] ?? NaN;
      });
      expectClose(data, expected);
    });

    it('keep their logical order through transposition and reshape', async () => {
      const { shape, data, input } = await run([1, 2, 3, 4], (ops, x) => {
        const kernel = ops.constant([2, 2, 1, 1], Float32Array.of(1, 0, 0, 1));
        return ops.reshape(ops.transpose(ops.conv2d(x, kernel), [0, 3, 1, 2]), [4, 6]);
      });
      expect(shape).toEqual([4, 6]);
      const expected = Array.from({ length: 24 }, (_, at) => {
        const [x, rest] = [Math.floor(at / 6), at % 6];
        return input[rest * 4 + x] ?? NaN;
      });
      expectClose(data, expected);
    });

    it('have a mean', async () => {
      const { shape, data, input } = await run([1, 2, 3, 4], (ops, x) => ops.globalMean(x));
      expect(shape).toEqual([1, 2, 1, 1]);
      expectClose(
        data,
        [0, 1].map((c) => input.subarray(12 * c, 12 * c + 12).reduce((a, b) => a + b, 0) / 12),
      );
    });
  });

  describe('chroma', () => {
    it.each(['cosited', 'centred'] as const)('is enlarged from where its samples sit: %s', async (siting) => {
      for (const axis of [2, 3] as const) {
        const shape = axis === 3 ? [1, 1, 1, 5] : [1, 1, 5, 1];
        const enlarged = await run(shape, (ops, x) => ops.enlarge(x, { axis, factor: 4, siting }));
        expect(enlarged.shape[axis]).toBe(20);
        const expected = Array.from({ length: 20 }, (_, i) => {
          const position = siting === 'centred' ? (i + 0.5) / 4 - 0.5 : i / 4;
          const at = Math.min(4, Math.max(0, position));
          const [left, right] = [enlarged.input[Math.floor(at)] ?? NaN, enlarged.input[Math.ceil(at)] ?? NaN];
          return left + (right - left) * (at % 1);
        });
        expectClose(enlarged.data, expected);
      }
    });

    it('is reduced by a filter of each axis', async () => {
      const [rows, columns] = [
        { taps: [0.25, 0.5, 0.25], stride: 2 },
        { taps: [0.75, 0.25], stride: 1 },
      ];
      const { shape, data, input } = await run([1, 2, 5, 6], (ops, x) => ops.stencil(x, rows, columns));
      expect(shape).toEqual([1, 2, 2, 5]);
      const expected = Array.from({ length: 20 }, (_, at) => {
        const [c, y, x] = [Math.floor(at / 10), Math.floor(at / 5) % 2, at % 5];
        return rows.taps.reduce(
          (sum, tap, v) =>
            sum +
            columns.taps.reduce(
              (inner, weight, u) => inner + tap * weight * (input[c * 30 + (2 * y + v) * 6 + x + u] ?? NaN),
              0,
            ),
          0,
        );
      });
      expectClose(data, expected);
    });
  });
}
