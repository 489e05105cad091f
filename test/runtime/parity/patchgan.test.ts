import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parametersUsed } from '../../../src/models/network.js';
import { patchGan } from '../../../src/models/patchgan.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { checkParameters } from '../../../src/models/weights/tensors.js';
import { fixture, interpreters, maxDifference, readNpy } from './interpreters.js';

describe.each(interpreters)('The PatchGAN discriminator on $name', (interpreter) => {
  it.each(['quarter', 'half', 'full'])('equals the official implementation on the %s scale', async (scale) => {
    const weights = readPth(await readFile(fixture('blur2blur-d/weights.pth')), 'weights.pth');
    const config = { features: 8 };
    checkParameters(
      weights,
      parametersUsed((ops, parameters) => patchGan(ops, parameters, [1, 3, 32, 32], config)),
      'weights.pth',
    );
    const image = await readNpy(`blur2blur-d/input_${scale}.npy`);
    const [scores] = await interpreter.run(weights, [image], (ops, parameters, images) =>
      images.map((value) => patchGan(ops, parameters, value, config)),
    );
    const official = await readNpy(`blur2blur-d/output_${scale}.npy`);
    expect(maxDifference(scores, official)).toBeLessThan(2e-5);
    expect(interpreter.live()).toBe(0);
  });
});
