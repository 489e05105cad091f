import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { mimoUnet } from '../../../src/models/mimo-unet.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { fixture, interpreters, maxDifference, readNpy, runNetwork } from './interpreters.js';

const cases = [
  ['mimo-unet', '_rect', mimoUnet({ baseChannels: 8, residualBlocks: 2 }), 5e-6],
  ['mimo-unet-plus', '_rect', mimoUnet({ baseChannels: 4, residualBlocks: 5 }), 5e-6],
  // The official float32 outputs are themselves 6e-6 from float64's: the quarter scale has values up to 8.
  ['blur2blur-g', '', mimoUnet({ baseChannels: 4 }), 2e-5],
] as const;

describe.each(interpreters)('MIMO-UNet on $name equals the official implementation', (interpreter) => {
  it.each(cases)('%s at every scale', async (folder, picture, network, tolerance) => {
    const weights = readPth(await readFile(fixture(`${folder}/weights.pth`)), 'weights.pth');
    const input = await readNpy(`${folder}/input${picture}.npy`);
    const outputs = await interpreter.run(weights, [input], (ops, parameters, frames) =>
      network.forward(ops, parameters, frames),
    );
    expect(outputs).toHaveLength(3);
    for (const [i, scale] of (['full', 'half', 'quarter'] as const).entries()) {
      const official = await readNpy(`${folder}/output${picture}_${scale}.npy`);
      expect(maxDifference(outputs[i], official)).toBeLessThan(tolerance);
    }
    const restored = await runNetwork(interpreter, network, weights, input);
    expect(maxDifference(restored, await readNpy(`${folder}/output${picture}_full.npy`))).toBeLessThan(tolerance);
    expect(interpreter.live()).toBe(0);
  });
});
