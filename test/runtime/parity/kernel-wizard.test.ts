import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { applyKernel, extractKernel, readKernelWizard } from '../../../src/models/kernel-wizard.js';
import { fixture, interpreters, maxDifference, readNpy } from './interpreters.js';

const cases = [
  { folder: 'kernelwizard', sharp: 'input_sharp', kernel: 'output_mean', outputs: ['mean'] },
  { folder: 'kernelwizard-vae', sharp: 'input_x', kernel: 'input_kernel', outputs: ['mean', 'sigma'] },
] as const;

describe.each(interpreters)('KernelWizard on $name equals the official implementation', (interpreter) => {
  it.each(cases)('with the weights of $folder', async ({ folder, sharp, kernel, outputs }) => {
    const { config, weights } = readKernelWizard(await readFile(fixture(`${folder}/weights.pth`)), 'weights.pth');
    const variational = outputs.length > 1;
    const kernelBlocks = variational ? 1 : 2;
    expect(config).toEqual({ features: 4, frontBlocks: 2, backBlocks: 3, kernelBlocks, variational });

    const pair = [await readNpy('kernelwizard/input_sharp.npy'), await readNpy('kernelwizard/input_blur.npy')];
    const encoded = await interpreter.run(weights, pair, (ops, parameters, [first, second]) => {
      const { mean, sigma } = extractKernel(ops, parameters, first!, second!, config);
      return sigma === undefined ? [mean] : [mean, sigma];
    });
    expect(encoded).toHaveLength(outputs.length);
    for (const [i, name] of outputs.entries()) {
      expect(maxDifference(encoded[i], await readNpy(`${folder}/output_${name}.npy`))).toBeLessThan(5e-6);
    }

    const inputs = [await readNpy(`${folder}/${sharp}.npy`), await readNpy(`${folder}/${kernel}.npy`)];
    const [blurred] = await interpreter.run(weights, inputs, (ops, parameters, [picture, code]) => [
      applyKernel(ops, parameters, picture!, code!, config),
    ]);
    expect(maxDifference(blurred, await readNpy(`${folder}/output_adapted.npy`))).toBeLessThan(1e-5);
    expect(interpreter.live()).toBe(0);
  });
});

describe('a checkpoint of KernelWizard', () => {
  it('is refused where it is of another network', async () => {
    const other = await readFile(fixture('blur2blur-d/weights.pth'));
    expect(() => readKernelWizard(other, 'd.pth')).toThrow('d.pth');
  });
});
