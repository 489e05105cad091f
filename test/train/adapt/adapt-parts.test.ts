import { describe, expect, it } from 'vitest';
import { remarksOn, useCommand, type JudgedReport } from '../../../src/train/adapt/adapt-report.js';
import { adaptRecipe, effortFor } from '../../../src/train/adapt/settings.js';
import { middleOf, spread } from '../../../src/train/adapt/test-frames.js';

const paths = { seed: 1, model: 'light', vgg: '/weights/vgg19-dcbb9e9d.pth', data: 'data' };

describe('the recipe of an adaptation', () => {
  it('has as many steps as were asked for, whatever the batch', () => {
    for (const steps of [1, 2, 100, 3001]) {
      const recipe = adaptRecipe({ ...effortFor('tensorflow'), ...paths, steps });
      const { epochs, decayEpochs, epochLength, data, discriminator } = recipe;
      const together = Math.ceil(epochLength! / data.batch) * (epochs + decayEpochs);
      expect(discriminator.ahead + together).toBe(steps);
    }
  });

  it('asks more of a card, keeps frames as they are, and knows a VGG19 by its name', () => {
    const [processor, card] = [effortFor('tensorflow'), effortFor('tensorflow-gpu')];
    expect(card.steps).toBeGreaterThan(processor.steps);
    const recipe = adaptRecipe({ ...card, ...paths });
    expect(recipe).toMatchObject({ data: { load: null }, known: { kind: 'pictures', folder: 'trainC' } });
    expect(recipe.vgg?.depth).toBe(19);
    expect(adaptRecipe({ ...card, ...paths, vgg: '/19/vgg16.ckpt' }).vgg?.depth).toBe(16);
  });
});

describe('remarks', () => {
  const report = (both: object, translated: object = {}, rest: Partial<JudgedReport> = {}): JudgedReport => ({
    model: 'light',
    effort: effortFor('tensorflow'),
    sharpFrames: 0.5,
    tested: {
      frames: 5,
      notes: [],
      subjects: [
        { name: 'source', sharpness: 0.2, flicker: 3 },
        { name: 'light', sharpness: 0.25, flicker: 4, likeness: 30 },
        { name: 'translator', sharpness: 0.22, likeness: 32, ...translated },
        { name: 'translator > light', sharpness: 0.4, flicker: 4, likeness: 28, ...both },
      ],
    },
    ...rest,
  });

  it('are silent about a good result', () => {
    expect(remarksOn(report({}))).toEqual([]);
  });

  it.each([
    [/not make results sharper/, report({ sharpness: 0.25 })],
    [/edges that ring/, report({ sharpness: 0.7 })],
    [/flicker more/, report({ flicker: 6 })],
    [/next to nothing/, report({}, { likeness: 50 })],
    [/changes pictures a lot/, report({}, { likeness: 15 })],
    [/may not need a translator/, report({}, {}, { sharpFrames: 0.26 })],
  ])('say %s', (expected, judged) => {
    expect(remarksOn(judged).filter((remark) => expected.test(remark))).toHaveLength(1);
  });

  it('tell the gain where there is a truth', () => {
    const subject = (psnr: number) => ({ name: '', psnr, ssim: 0.9, identical: 0 });
    const scored = (aided: number) => ({ root: '', frames: 1, subjects: [subject(24), subject(25), subject(aided)] });
    expect(remarksOn(report({}, {}, { scored: scored(26.5) }))).toEqual([
      'On the pairs with truth, translation adds 1.50 dB to light alone.',
    ]);
    expect(remarksOn(report({}, {}, { scored: scored(24) })).join()).toContain('light alone is better by 1.00 dB');
  });
});

describe('the command that uses a translator', () => {
  it('quotes what a shell would take apart', () => {
    expect(useCommand('runs/own/translator.safetensors', 'light')).toBe(
      'deblur run --translate runs/own/translator.safetensors --model light in.mp4 out.mp4',
    );
    expect(useCommand("Ann's clips/t.safetensors", 'maxim')).toContain(`--translate 'Ann'\\''s clips/t.safetensors'`);
  });
});

describe('tested frames', () => {
  it('are the middle of large pictures', () => {
    const [width, height] = [700, 20];
    const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => Math.floor((i / 3) % width) & 255);
    const middle = middleOf({ data, width, height });
    expect([middle.width, middle.height]).toEqual([640, 20]);
    expect(middle.data[0]).toBe(30);
    expect(middle.data[3 * 640 * 19 + 3]).toBe(31);
  });

  it('come evenly from all scenes', () => {
    expect(spread([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3)).toEqual([1, 5, 8]);
    expect(spread([0, 1], 3)).toEqual([0, 1]);
  });
});
