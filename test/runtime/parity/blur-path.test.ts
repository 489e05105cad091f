import { describe, expect, it } from 'vitest';
import { alongBands, alongPath, alongShape, blurAlong } from '../../../src/models/along-path.js';
import { estimatePath } from '../../../src/models/blur-path.js';
import { analysisOfLuma } from '../../../src/models/frame-bands.js';
import { parametersUsed } from '../../../src/models/network.js';
import type { Ops, Weights } from '../../../src/models/ops.js';
import { Random } from '../../../src/train/random.js';
import { interpreters, type Picture } from './interpreters.js';

/** A smooth picture, `[1, 1, H, W]`, so that neighbouring samples have something to do with each other. */
function picture(height: number, width: number): Picture {
  const data = Float32Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return 0.5 + 0.2 * Math.sin(0.9 * x + 0.3 * y) + 0.2 * Math.cos(0.4 * x - 0.7 * y);
  });
  return { shape: [1, 1, height, width], data };
}

/** A sample between pixels; the border is repeated. */
function sampleAt({ shape, data }: Picture, x: number, y: number): number {
  const [, , height = 0, width = 0] = shape;
  const at = (column: number, row: number) =>
    data[Math.min(Math.max(row, 0), height - 1) * width + Math.min(Math.max(column, 0), width - 1)] ?? NaN;
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const row = (r: number) => (1 - fx) * at(x0, r) + fx * at(x0 + 1, r);
  return (1 - fy) * row(y0) + fy * row(y0 + 1);
}

describe("a blur's path", () => {
  it.each(interpreters)('blurs each tile along its own on $name', async (interpreter) => {
    // Two tiles and a part of a third; the last is of one row of cells less than a tile.
    const [height, width] = [60, 136];
    const luma = picture(height, width);
    const [x, y] = [
      [0, 5.25, -3],
      [0, -2.5, 7.5],
    ];
    const [blurred] = await interpreter.run(new Map(), [luma], <T>(ops: Ops<T>, _: unknown, [input]: readonly T[]) => {
      const component = (values: readonly number[]) => ops.constant([3, 1], Float32Array.from(values));
      const path = { x: component(x ?? []), y: component(y ?? []), rows: 1, columns: 3 };
      return [ops.pixelShuffle(blurAlong(ops, input!, path), 4)];
    });
    expect(blurred?.shape).toEqual([1, 1, height, width]);
    let worst = 0;
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const [vx, vy] = [x, y].map((values) => values[Math.floor(column / 64)] ?? NaN);
        let sum = 0;
        for (let k = -4; k <= 4; k += 1) {
          sum += ((Math.abs(k) === 4 ? 0.5 : 1) / 8) * sampleAt(luma, column + (k / 8) * vx!, row + (k / 8) * vy!);
        }
        worst = Math.max(worst, Math.abs(sum - (blurred?.data[row * width + column] ?? NaN)));
      }
    }
    expect(worst).toBeLessThan(1e-5);
  });

  it.each(interpreters)('is seen along it as differences on $name', async (interpreter) => {
    const [height, width] = [64, 64];
    const luma = picture(height, width);
    const [vx, vy] = [4.5, -3];
    const [views, places] = alongShape;
    const random = new Random(2);
    const learned = Float32Array.from({ length: views * places }, () => random.between(-0.1, 0.1));
    // Weights at eighths of the path's length, from two lengths before to two after.
    const even = (ats: readonly number[]) => ats.map((at) => [at, 1 / ats.length] as const);
    const once = [
      ...even([-3, -2, -1, 0, 1, 2, 3]).map(([at]) => [at, 1 / 8] as const),
      [-4, 1 / 16],
      [4, 1 / 16],
    ] as const;
    const twice = Array.from({ length: 15 }, (_, i) => [i - 7, (8 - Math.abs(i - 7)) / 64] as const);
    const taps = [
      [[[0, 1]], once],
      [once, twice],
      [once, even([-4, 4])],
      [once, even([-8, 8])],
    ] as const;
    const farthest = 8 / Math.hypot(vx, vy);
    const pictures = taps.map(([one, other], view) => {
      const weights = learned.slice(view * places, (view + 1) * places);
      for (const [at, weight] of one) weights[16 + at]! += 8 * weight;
      for (const [at, weight] of other) weights[16 + at]! -= 8 * weight;
      const data = Float32Array.from({ length: height * width }, (_, i) =>
        weights.reduce((sum, weight, k) => {
          const at = Math.max(-farthest, Math.min(farthest, (k - 16) / 8));
          return sum + weight * sampleAt(luma, (i % width) + at * vx, Math.floor(i / width) + at * vy);
        }, 0),
      );
      return { shape: luma.shape, data };
    });
    const zero = { shape: luma.shape, data: new Float32Array(height * width) };
    const run = <T>(ops: Ops<T>, _: unknown, [input, nothing, ...wanted]: readonly T[]) => {
      const component = (value: number) => ops.constant([1, 1], Float32Array.of(value));
      const path = { x: component(vx), y: component(vy), rows: 1, columns: 1 };
      const bands = wanted.map((each) => ops.sub(analysisOfLuma(ops, each), analysisOfLuma(ops, nothing!)));
      return [alongPath(ops, input!, path, ops.constant(alongShape, learned)), ops.concat(bands, 1)];
    };
    const [along, wanted] = await interpreter.run(new Map(), [luma, zero, ...pictures], run);
    expect(along?.shape).toEqual([1, alongBands, 16, 16]);
    expect(along?.data.some((value) => Math.abs(value) > 1)).toBe(true);
    const worst = along!.data.reduce((max, value, i) => Math.max(max, Math.abs(value - wanted!.data[i]!)), 0);
    expect(worst).toBeLessThan(2e-4);
  });

  it('is estimated the same on every interpreter', async () => {
    const lumas = [picture(72, 136), picture(72, 136), picture(72, 136)];
    const random = new Random(1);
    const shapes = parametersUsed((ops, weights) =>
      estimatePath(ops, weights, Array(3).fill([1, 1, 72, 136]), { width: 8, middle: 1 }),
    );
    const weights = new Map(
      [...shapes].map(([name, shape]) => {
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.between(-0.3, 0.3));
        return [name, { shape, data }] as const;
      }),
    );
    const results = [];
    for (const interpreter of interpreters) {
      const run = <T>(ops: Ops<T>, parameters: Weights<T>, inputs: readonly T[]) => {
        const path = estimatePath(ops, parameters, inputs, { width: 8, middle: 1 });
        expect([path.rows, path.columns]).toEqual([2, 3]);
        return [path.x, path.y, alongPath(ops, inputs[1]!, path, ops.zeros(alongShape))];
      };
      const [x, y, along] = await interpreter.run(weights, lumas, run);
      expect(x?.shape).toEqual([6, 1]);
      expect(along?.shape).toEqual([1, alongBands, 18, 34]);
      const lengths = Array.from(x!.data, (value, i) => Math.hypot(value, y!.data[i]!));
      expect(Math.max(...lengths)).toBeGreaterThan(0.1);
      expect(Math.max(...lengths)).toBeLessThan(8.001);
      results.push([...x!.data, ...y!.data, ...along!.data]);
    }
    const [first = [], ...others] = results;
    for (const other of others) {
      const worst = first.reduce((max, value, i) => Math.max(max, Math.abs(value - (other[i] ?? NaN))), 0);
      expect(worst).toBeLessThan(1e-3);
    }
  });
});
