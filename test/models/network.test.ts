import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/models/catalogue.js';
import { estrnn } from '../../src/models/estrnn.js';
import { kernelWizardParameters } from '../../src/models/kernel-wizard.js';
import { maxim } from '../../src/models/maxim.js';
import { mimoUnet } from '../../src/models/mimo-unet.js';
import { nafnet } from '../../src/models/nafnet.js';
import { applyNetwork, marginsFor, parametersOf, parametersUsed } from '../../src/models/network.js';
import type { Shape } from '../../src/models/ops.js';
import { patchGan } from '../../src/models/patchgan.js';
import { restormer } from '../../src/models/restormer.js';
import { ShapeOps } from '../../src/models/shape-ops.js';

async function official(name: string): Promise<Record<string, number[]>> {
  const url = new URL(`../fixtures/parity/full-config-shapes/${name}.json`, import.meta.url);
  return JSON.parse(await readFile(url, 'utf8')) as Record<string, number[]>;
}

describe('parameters', () => {
  it.each([
    ['nafnet-gopro-width32', 'nafnet-width32'],
    ['nafnet-gopro-width64', 'nafnet-width64'],
    ['nafnet-reds-width64', 'nafnet-width64'],
    ['mimo-unet', 'mimo-unet'],
    ['mimo-unet-plus', 'mimo-unet-plus'],
    ['restormer-motion', 'restormer-motion'],
    ['estrnn', 'estrnn-c80b15'],
  ])('of %s are those of the official state_dict', async (name, shapes) => {
    const entry = catalogue.find((candidate) => candidate.name === name);
    const parameters = entry && Object.fromEntries(parametersOf(entry.network));
    expect(parameters).toEqual(await official(shapes));
  });

  it('of the PatchGAN discriminator are those of the official state_dict', async () => {
    const parameters = parametersUsed((ops, weights) => patchGan(ops, weights, [1, 3, 32, 32]));
    expect(Object.fromEntries(parameters)).toEqual(await official('blur2blur-d'));
  });

  it.each([
    ['kernelwizard-gopro-wovae', false],
    ['kernelwizard-gopro-wvae', true],
  ])('of %s are those of the official state_dict', async (name, variational) => {
    expect(Object.fromEntries(kernelWizardParameters({ variational }))).toEqual(await official(name));
  });

  it('of MAXIM are as many as the published network has', () => {
    const parameters = parametersOf(maxim());
    const count = [...parameters.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(parameters.size).toBe(2750);
    expect(count).toBe(22_207_605);
  });
});

describe('sizes', () => {
  it('are padded at the bottom and right, or on both sides with the odd sample after', () => {
    const corner = { multiple: 16, padding: 'zero', placement: 'bottom-right' } as const;
    expect(marginsFor(corner, 45, 64)).toEqual({ top: 0, left: 0, bottom: 3, right: 0 });
    const centre = { multiple: 64, padding: 'reflect', placement: 'centre' } as const;
    expect(marginsFor(centre, 720, 1279)).toEqual({ top: 24, left: 0, bottom: 24, right: 1 });
    expect(marginsFor(centre, 61, 1)).toEqual({ top: 1, left: 31, bottom: 2, right: 32 });
  });

  it('come back as they went in', () => {
    for (const network of [
      maxim(),
      nafnet({ width: 4 }),
      mimoUnet({ baseChannels: 4 }),
      restormer({ channels: 8 }),
      estrnn(),
    ]) {
      const weights = { get: (_: string, shape: readonly number[]) => shape };
      const { past, future } = network.window;
      const frames = Array<Shape>(past + 1 + future).fill([1, 3, 17, 133]);
      expect(applyNetwork(new ShapeOps(), network, weights, frames)).toEqual([1, 3, 17, 133]);
    }
  });
});

describe('configuration', () => {
  it('is checked', () => {
    expect(() => nafnet({ width: 0 })).toThrow();
    expect(() => nafnet({ width: 8, encoderBlocks: [1], decoderBlocks: [1, 1] })).toThrow(/decoder levels/);
    expect(() => maxim({ stages: 4 })).toThrow();
    expect(() => mimoUnet({ baseChannels: 5 })).toThrow();
    expect(() => estrnn({ past: -1 })).toThrow();
    expect(() => restormer({ channels: 6, heads: [4, 1, 1, 1] })).toThrow(/heads/);
    expect(() => nafnet({ width: 8, widht: 9 } as never)).toThrow();
  });
});

describe('shapes', () => {
  it('that do not fit are refused', () => {
    const ops = new ShapeOps();
    expect(() => ops.conv2d([1, 3, 8, 8], [4, 2, 3, 3])).toThrow(
      /conv2d can't take \[1, 3, 8, 8\] with \[4, 2, 3, 3\]/,
    );
    expect(() => ops.add([1, 3, 8, 8], [1, 2, 8, 8])).toThrow(/broadcasting/);
    expect(() => ops.reshape([2, 3], [5])).toThrow(/reshape/);
    expect(() => ops.resizeBilinear([1, 1, 6, 8], 1 / 4)).toThrow(/resizeBilinear/);
  });
});
