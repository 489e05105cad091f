import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { estrnn, estrnnSequence } from '../../../src/models/estrnn.js';
import { applyNetwork, parametersOf } from '../../../src/models/network.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { checkParameters } from '../../../src/models/weights/tensors.js';
import { fixture, interpreters, maxDifference, readNpy } from './interpreters.js';
import type { Picture } from './interpreters.js';

/** The frames of `[1, T, 3, H, W]`, BGR in [-0.5, 0.5], as RGB pictures in [0, 1]. */
function rgbFrames({ shape, data }: Picture): Picture[] {
  const [, count = 0, , height = 0, width = 0] = shape;
  const plane = height * width;
  return Array.from({ length: count }, (_, t) => ({
    shape: [1, 3, height, width],
    data: Float32Array.from({ length: 3 * plane }, (_, i) => {
      const channel = 2 - Math.floor(i / plane);
      return (data[(3 * t + channel) * plane + (i % plane)] ?? NaN) + 0.5;
    }),
  }));
}

async function official(folder: string) {
  const [input, output] = [await readNpy(`${folder}/input.npy`), await readNpy(`${folder}/output.npy`)];
  return {
    weights: readPth(await readFile(fixture(`${folder}/weights.pth`)), 'weights.pth'),
    input: rgbFrames(input),
    output: rgbFrames(output),
  };
}

const size = { features: 4, blocks: 2 };

describe.each(interpreters)('ESTRNN on $name equals the official implementation', (interpreter) => {
  it.each([
    ['estrnn', 1, 3],
    ['estrnn-p2f2', 2, 1],
  ])('%s on a sequence', async (folder, neighbours, count) => {
    const config = { ...size, past: neighbours, future: neighbours };
    const { weights, input, output } = await official(folder);
    checkParameters(weights, parametersOf(estrnn(config)), folder);
    const restored = await interpreter.run(weights, input, (ops, parameters, frames) =>
      estrnnSequence(ops, parameters, frames, config),
    );
    expect(restored).toHaveLength(count);
    const differences = output.map((frame, i) => maxDifference(restored[i], frame));
    expect(Math.max(...differences)).toBeLessThan(5e-6);
    expect(interpreter.live()).toBe(0);
  });

  it('on a window, where the hidden state starts', async () => {
    const network = estrnn({ ...size, past: 1, future: 1 });
    const { weights, input, output } = await official('estrnn');
    const window = (start: number) =>
      interpreter.run(weights, input.slice(start, start + 3), (ops, parameters, frames) => [
        applyNetwork(ops, network, parameters, frames),
      ]);
    const [[first], [second]] = [await window(0), await window(1)];
    expect(maxDifference(first, output[0])).toBeLessThan(5e-6);
    await expect(
      interpreter.run(weights, input.slice(0, 2), (ops, parameters, frames) =>
        network.forward(ops, parameters, frames),
      ),
    ).rejects.toThrow('ESTRNN needs 3 frames');
    // The sequence's second frame has seen one more before its window.
    expect(maxDifference(second, output[1])).toBeGreaterThan(1e-4);
  });
});
