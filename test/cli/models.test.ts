import { describe, expect, it } from 'vitest';
import { modelsCommand } from '../../src/cli/models.js';
import { stdoutOf } from '../support/output.js';

const models = (...argv: string[]) => stdoutOf(() => modelsCommand().parseAsync(argv, { from: 'user' }));

describe('deblur models', () => {
  it('tells of every model its licence and what score is published, as far as one is', async () => {
    const text = await models();
    const rows = (name: string) => text.split('\n\n').find((entry) => entry.startsWith(`${name}\n`)) ?? '';
    expect(rows('mimo-unet-plus')).toMatch(/score +GoPro 32\.45 dB, SSIM 0\.957 \(published: README/);
    expect(rows('mimo-unet-plus')).toMatch(/licence +none stated by the authors/);
    expect(rows('restormer-motion')).toMatch(/score +GoPro 32\.92 dB \(published: README/);
    expect(rows('estrnn')).toMatch(/score +none published that we could verify/);
    expect(text).not.toMatch(/undefined|NaN|\[object/);
  });

  it('tells the same as JSON', async () => {
    const list = JSON.parse(await models('--json')) as { name: string; network: string; score?: { ssim?: number } }[];
    const entry = (name: string) => list.find((model) => model.name === name);
    expect(entry('mimo-unet')).toMatchObject({ network: 'mimo-unet', score: { psnr: 31.73, ssim: 0.951 } });
    expect(entry('restormer-motion')?.score).not.toHaveProperty('ssim');
    expect(entry('estrnn')).not.toHaveProperty('score');
  });
});
