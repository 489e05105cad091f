import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { nafnet } from '../../../src/models/nafnet.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { liveSessions } from '../../../src/runtime/onnx/session.js';
import { fixture, maxDifference, readNpy, runNetwork } from './parity.js';

const size = { width: 8, encoderBlocks: [1, 1], middleBlocks: 1, decoderBlocks: [1, 1] };
const networks = { nafnet: nafnet(size), 'nafnet-local': nafnet({ ...size, trainSize: [32, 32] }) };

describe('NAFNet on ONNX Runtime equals the official implementation', () => {
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
    const output = await runNetwork(networks[folder], weights, input);
    const difference = maxDifference(output, await readNpy(`${folder}/output${picture}.npy`));
    expect(difference).toBeLessThan(2e-5);
    expect(liveSessions()).toBe(0);
  });
});
