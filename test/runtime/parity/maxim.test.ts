import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { maxim } from '../../../src/models/maxim.js';
import { parametersOf } from '../../../src/models/network.js';
import { readMaximPackage } from '../../../src/models/weights/maxim-package.js';
import type { Tensors } from '../../../src/models/weights/tensors.js';
import { fixture, interpreters, maxDifference, runNetwork } from './interpreters.js';
import type { Picture } from './interpreters.js';

/** Reads a raw `[1, H, W, 3]` picture as `[1, 3, H, W]`. */
async function readPicture(name: string, height: number, width: number): Promise<Picture> {
  const file = await readFile(fixture(`maxim/${name}-${height}x${width}.f32`));
  const pixels = new Float32Array(Uint8Array.from(file).buffer);
  const size = height * width;
  const data = Float32Array.from({ length: 3 * size }, (_, i) => pixels[(i % size) * 3 + Math.floor(i / size)] ?? NaN);
  return { shape: [1, 3, height, width], data };
}

describe('MAXIM equals the published graph', () => {
  const network = maxim();
  const [onnx, tensorflow] = interpreters;
  let weights: Tensors;

  beforeAll(async () => {
    weights = await readMaximPackage(parametersOf(network));
  });

  // One size on TensorFlow: the operators are the same, and it takes several times as long.
  it.each([
    [onnx.name, onnx, 128, 192],
    [onnx.name, onnx, 256, 256],
    [tensorflow.name, tensorflow, 128, 192],
  ])('on %s', async (_, interpreter, height, width) => {
    const output = await runNetwork(interpreter, network, weights, await readPicture('input', height, width));
    expect(maxDifference(output, await readPicture('output', height, width))).toBeLessThan(1e-4);
    expect(interpreter.live()).toBe(0);
  });
});
