import { describe, expect, it } from 'vitest';
import { conv, convJoined } from '../../../src/models/layers.js';
import type { Ops, Weights } from '../../../src/models/ops.js';
import { Random } from '../../../src/train/random.js';
import { interpreters, type Picture } from './interpreters.js';

const random = new Random(3);
function picture(...shape: readonly number[]): Picture {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: size }, () => random.between(-1, 1)) };
}

describe('a convolution of joined tensors', () => {
  it.each(interpreters)('is the convolution of their join on $name', async (interpreter) => {
    const weights = new Map([
      ['layer.weight', picture(5, 8, 2, 2)],
      ['layer.bias', picture(5)],
    ]);
    const parts = [picture(2, 2, 6, 8), picture(2, 4, 6, 8), picture(2, 2, 6, 8)];
    const shape = { kernel: 2, stride: 2, padding: 0 };
    const [apart, joined] = await interpreter.run(
      weights,
      parts,
      <T>(ops: Ops<T>, parameters: Weights<T>, [first, ...others]: readonly T[]) => [
        convJoined(ops, parameters, [first!, ...others], 'layer', 5, shape),
        conv(ops, parameters, ops.concat([first!, ...others], 1), 'layer', 5, shape),
      ],
    );
    expect(apart?.shape).toEqual([2, 5, 3, 4]);
    const worst = apart!.data.reduce((max, value, i) => Math.max(max, Math.abs(value - joined!.data[i]!)), 0);
    expect(worst).toBeLessThan(1e-5);
  });
});
