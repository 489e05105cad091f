import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/train/random.js';
import { datasetConfig } from '../../../src/train/synthesis/config.js';
import { planSequence, type SequencePlan } from '../../../src/train/synthesis/plan.js';
import type { SourceFile } from '../../../src/train/synthesis/source-files.js';

const photo: SourceFile = {
  ...{ path: '/a.png', name: 'a.png', kind: 'photo', licence: 'CC0-1.0', split: 'train' },
  ...{ width: 1600, height: 900 },
};

function plans(changes: object): SequencePlan[] {
  const config = datasetConfig.parse({
    ...{
      blur: { min: 4, max: 4 },
      still: 0,
      exposure: { min: 0.8, max: 1 },
      sources: [{ files: '*', kind: 'photo', licence: 'x' }],
    },
    ...changes,
  });
  return Array.from({ length: 40 }, (_, i) => planSequence(new Random(i), config, `train/${i}`, photo, [photo]));
}

/** Pixels that the picture moves by in a frame interval. */
function motion({ blur, exposure }: SequencePlan): number {
  return blur / exposure;
}

describe('a sequence', () => {
  it('is exposed and blurred as long as asked', () => {
    for (const plan of plans({})) {
      expect(plan.exposure).toBeGreaterThanOrEqual(0.8);
      expect(plan.blur).toBeCloseTo(4, 9);
    }
  });

  it('with a fast shutter moves as far and blurs less', () => {
    const fast = plans({ fast: 1 });
    for (const plan of fast) {
      expect(plan.exposure).toBeLessThan(0.8);
      expect(motion(plan)).toBeCloseTo(4, 9);
    }
    expect(Math.min(...fast.map(({ exposure }) => exposure))).toBeLessThan(0.2);
  });

  it('that is nearly still stays so', () => {
    for (const plan of plans({ still: 1 })) expect(plan.blur).toBeLessThan(0.6);
  });
});
