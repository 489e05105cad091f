import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { restormer } from '../../../src/models/restormer.js';
import type { RestormerConfig } from '../../../src/models/restormer.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { fixture, interpreters, maxDifference, readNpy, runNetwork } from './interpreters.js';
import type { Picture } from './interpreters.js';

const size: RestormerConfig = { channels: 8, blocks: [1, 1, 1, 1], refinementBlocks: 1, heads: [1, 2, 2, 4] };
const networks = {
  'restormer-withbias': restormer(size),
  'restormer-biasfree': restormer({ ...size, normalisation: 'bias-free' }),
};

function clamped({ shape, data }: Picture): Picture {
  return { shape, data: data.map((value) => Math.min(1, Math.max(0, value))) };
}

describe.each(interpreters)('Restormer on $name equals the official implementation', (interpreter) => {
  it.each([
    ['restormer-withbias', '_rect'],
    ['restormer-withbias', '_padded_procedure'],
    ['restormer-biasfree', ''],
  ] as const)('%s%s', async (folder, picture) => {
    const weights = readPth(await readFile(fixture(`${folder}/weights.pth`)), 'weights.pth');
    const output = await runNetwork(
      interpreter,
      networks[folder],
      weights,
      await readNpy(`${folder}/input${picture}.npy`),
    );
    const official = await readNpy(`${folder}/output${picture}.npy`);
    const difference = maxDifference(picture === '_padded_procedure' ? clamped(output) : output, official);
    expect(difference).toBeLessThan(2e-5);
    expect(interpreter.live()).toBe(0);
  });
});
