import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { epochRate } from '../../../src/train/blur2blur/epochs.js';
import { topKShare } from '../../../src/train/blur2blur/top-k.js';
import { fixture } from '../../runtime/parity/interpreters.js';

type Table = [at: number, value: number][];
const { lr_schedule_epoch_lr: rates, top_k: topK } = JSON.parse(
  await readFile(fixture('blur2blur-losses/config.json'), 'utf8'),
) as {
  lr_schedule_epoch_lr: Table;
  top_k: { k_after_D_fake_call_at_iteration_3scales: Table; k_after_call_single_scale: Table };
};

describe("Blur2Blur's schedules", () => {
  it.each(rates)('give epoch %i the released learning rate', (epoch, rate) => {
    expect(2e-4 * epochRate({ epochs: 100, decayEpochs: 200 }, epoch)).toBeCloseTo(rate, 12);
  });

  it('give the released share of the scores, which falls at each of three scales', () => {
    for (const [pictures, share] of topK.k_after_D_fake_call_at_iteration_3scales) {
      expect(topKShare({ mode: 'released' }, pictures)).toBeCloseTo(share, 6);
    }
  });

  it("give the paper's share, which falls once, and all scores where top-k is off", () => {
    for (const [pictures, share] of topK.k_after_call_single_scale) {
      expect(topKShare({ mode: 'paper' }, pictures)).toBeCloseTo(share, 5);
      expect(topKShare({ mode: 'off' }, pictures)).toBe(1);
    }
  });
});
