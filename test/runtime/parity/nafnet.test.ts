import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { nafnet } from '../../../src/models/nafnet.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { fixture, interpreters, maxDifference, readNpy, runNetwork } from './interpreters.js';

const size = { width: 8, encoderBlocks: [1, 1], middleBlocks: 1, decoderBlocks: [1, 1] };
const networks = { nafnet: nafnet(size), 'nafnet-local': nafnet({ ...size, trainSize: [32, 32] }) };

describe.each(interpreters)('NAFNet on $name equals the official implementation', (interpreter) => {
  it.each([
    ['nafnet', ''],
    ['nafnet', '_odd'],
    ['nafnet-local', ''],
    ['nafnet-local', '_odd'],
    ['nafnet-local', '_mixed'],
    ['nafnet-local', '_global'],
  ] as const)('%s%s', async (folder, picture) => {
    const weights = readPth(await readFile(fixture('nafnet/weights.pth')), 'weights.pth');
    const input = await readNpy(`${folder}/input${picture}.npy`);
    const output = await runNetwork(interpreter, networks[folder], weights, input);
    const difference = maxDifference(output, await readNpy(`${folder}/output${picture}.npy`));
    expect(difference).toBeLessThan(2e-5);
    expect(interpreter.live()).toBe(0);
  });
});
