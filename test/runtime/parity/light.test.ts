import { describe, expect, it } from 'vitest';
import { light } from '../../../src/models/light.js';
import { parametersOf } from '../../../src/models/network.js';
import type { Ops, Weights } from '../../../src/models/ops.js';
import type { WeightTensor } from '../../../src/models/weights/tensors.js';
import { initialParameters } from '../../../src/train/parameters.js';
import { Random } from '../../../src/train/random.js';
import { modelStage } from '../../../src/runtime/onnx/model-stage.js';
import { createFrameSession } from '../../../src/runtime/onnx/frame-session.js';
import { bt709, packed, testFrame } from '../../support/frames.js';
import { interpreters, type Picture } from './interpreters.js';

const options = { width: 16, deepWidth: 16, deep: 1, decoder: 1 };
const network = light(options);

/** Parameters of which none is zero. */
function randomParameters(drawnFor = network): Map<string, WeightTensor> {
  const random = new Random(3);
  const drawn = initialParameters(drawnFor, random);
  for (const { data } of drawn.values()) data.forEach((_, i) => (data[i] = random.between(-0.2, 0.2)));
  return drawn;
}

/** A picture whose colour is the same in each 2×2 pixels, and its planes. */
function frame(seed: number, height: number, width: number): { rgb: Picture; luma: Picture; chroma: Picture } {
  const random = new Random(seed);
  const luma = Float32Array.from({ length: height * width }, () => random.between(0.3, 0.7));
  const chroma = Float32Array.from({ length: (height * width) / 2 }, () => random.between(-0.1, 0.1));
  const rgb = new Float32Array(3 * height * width);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      const small = (y >> 1) * (width / 2) + (x >> 1);
      const [l, b, r] = [luma[at] ?? 0, chroma[small] ?? 0, chroma[small + (height * width) / 4] ?? 0];
      rgb[at] = l + 1.402 * r;
      rgb[at + height * width] = l - 0.344136 * b - 0.714136 * r;
      rgb[at + 2 * height * width] = l + 1.772 * b;
    }
  }
  return {
    rgb: { shape: [1, 3, height, width], data: rgb },
    luma: { shape: [1, 1, height, width], data: luma },
    chroma: { shape: [1, 2, height / 2, width / 2], data: chroma },
  };
}

describe('the light network', () => {
  it('has about 500,000 parameters', () => {
    const count = [...parametersOf(light()).values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count).toBeGreaterThan(400_000);
    expect(count).toBeLessThan(600_000);
  });

  const plain = interpreters.flatMap((interpreter) => [
    { interpreter, name: interpreter.name, network, bound: 1e-5 },
    // What is seen along a path are differences, enlarged.
    {
      interpreter,
      name: `${interpreter.name}, told the blur's path`,
      network: light({ ...options, path: 8 }),
      bound: 1e-4,
    },
    // With drawn parameters these differences move samples by 20.
    {
      interpreter,
      name: `${interpreter.name}, sharpened along it`,
      network: light({ ...options, path: 8, sharpen: true, entry: 'frame' }),
      bound: 5e-4,
    },
  ]);

  it.each(plain)('gives the same luma for RGB as for planes on $name', async ({ interpreter, network, bound }) => {
    const [height, width] = [16, 24];
    const frames = [1, 2, 3].map((seed) => frame(seed, height, width));
    const weights = randomParameters(network);
    const [restored] = await interpreter.run(
      weights,
      frames.map(({ rgb }) => rgb),
      (ops, parameters, inputs) => network.forward(ops, parameters, inputs),
    );
    const [difference] = await interpreter.run(
      weights,
      frames.flatMap(({ luma, chroma }) => [luma, chroma]),
      <T>(ops: Ops<T>, parameters: Weights<T>, inputs: readonly T[]) => {
        const planes = [0, 2, 4].map((i) => ({ luma: inputs[i]!, chroma: inputs[i + 1]! }));
        const { luma, chroma } = network.forwardPlanes!(ops, parameters, planes);
        return [luma, chroma];
      },
    );
    const area = height * width;
    let largest = 0;
    let moved = 0;
    for (let i = 0; i < area; i += 1) {
      const [r, g, b] = [0, 1, 2].map((channel) => restored?.data[i + channel * area] ?? NaN);
      const luma = 0.299 * (r ?? NaN) + 0.587 * (g ?? NaN) + 0.114 * (b ?? NaN);
      const change = difference?.data[i] ?? NaN;
      largest = Math.max(largest, Math.abs(luma - (frames[1]?.luma.data[i] ?? NaN) - change));
      moved = Math.max(moved, Math.abs(change));
    }
    expect(moved).toBeGreaterThan(0.01);
    expect(largest).toBeLessThan(bound);
  });

  it.each(interpreters)('takes a path that is known in place of its own on $name', async (interpreter) => {
    const frames = [1, 2, 3].map((seed) => frame(seed, 72, 136).rgb);
    const told = light({ ...options, path: 8, sharpen: true, entry: 'frame' });
    const [own, estimate, given, other] = await interpreter.run(
      randomParameters(told),
      frames,
      <T>(ops: Ops<T>, weights: Weights<T>, inputs: readonly T[]) => {
        const path = told.path!.estimate(ops, weights, inputs);
        return [
          ...told.forward(ops, weights, inputs),
          path,
          ...told.forward(ops, weights, inputs, path),
          ...told.forward(ops, weights, inputs, ops.addScalar(path, 2)),
        ];
      },
    );
    expect(estimate?.shape).toEqual([1, 2, 2, 3]);
    expect(given?.data).toEqual(own?.data);
    expect(other?.data).not.toEqual(own?.data);
  });

  it.each(interpreters)('has a gate that shuts to the bit and opens all the way on $name', async (interpreter) => {
    // Odd numbers of cells at every level.
    const frames = [1, 2, 3].map((seed) => frame(seed, 24, 56).rgb);
    const gated = light({ ...options, gate: 4 });
    const weights = randomParameters(gated);
    const result = async (of: typeof gated, bias: number) => {
      weights.set('gate.3.weight', { shape: [1, 4, 1, 1], data: new Float32Array(4) });
      weights.set('gate.3.bias', { shape: [1], data: Float32Array.of(bias) });
      const [restored] = await interpreter.run(weights, frames, (ops, parameters, inputs) =>
        of.forward(ops, parameters, inputs),
      );
      return restored?.data;
    };
    const open = await result(gated, 9);
    const without = await result(network, 0);
    expect(await result(gated, -9)).toEqual(frames[1]?.data);
    expect(open).toEqual(without);
    expect(open).not.toEqual(frames[1]?.data);
  });

  it.each(['yuv420p', 'yuv420p10le', 'yuv422p', 'gbrp'])(
    'changes no sample of %s before it is trained',
    async (format) => {
      const weights = initialParameters(network, new Random(1));
      const stage = await modelStage({ kind: 'network', name: 'light', network, weights });
      const geometry = { format, width: 50, height: 38, color: bt709 };
      const frames = [0, 1, 2].map((index) => testFrame(geometry, index));
      const session = createFrameSession(stage, geometry);
      const [result] = await session.run([frames]);
      expect(result?.planes).toEqual(packed(frames[1]!));
      await session.close();
      for (const each of frames) each.dispose();
    },
  );
});
