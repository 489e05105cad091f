import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checked, readExtended, readJson } from '../../src/checked.js';
import { createNetwork } from '../../src/models/families.js';
import { mimoUnet } from '../../src/models/mimo-unet.js';
import { packagePath } from '../../src/package-root.js';
import { blur2blurConfig, generatorOptions, smallestCrop } from '../../src/train/blur2blur/config.js';
import { trainConfig } from '../../src/train/config.js';
import { datasetConfig } from '../../src/train/synthesis/config.js';
import { networkOptions } from '../../src/train/trainer.js';

const filesOf = (folder: string) => readdirSync(packagePath(folder)).map((name) => packagePath(folder, name));

describe('the recipes that ship', () => {
  it.each(filesOf('config/train'))('%s is right, its network too', (file) => {
    const recipe = readExtended(file);
    if (recipe['method'] === 'blur2blur') {
      const config = checked(blur2blurConfig, recipe, file);
      expect(mimoUnet(generatorOptions(config)).name).toBe('mimo-unet');
      expect(config.data.crop).toBeGreaterThanOrEqual(smallestCrop(config));
      return;
    }
    const config = checked(trainConfig, recipe, file);
    expect(createNetwork(config.network.name, networkOptions(config)).name).toBeTruthy();
  });

  it.each(filesOf('config/dataset'))('%s is right', (file) => {
    expect(checked(datasetConfig, readExtended(file), file).sources.length).toBeGreaterThan(0);
  });

  it('can’t begin with a spectrum that no step is left to learn', () => {
    const recipe = readJson(packagePath('config/train/blur2blur-camera.json'));
    const hasty = { ...recipe, discriminator: { ...(recipe['discriminator'] as object), ahead: 0 } };
    expect(() => checked(blur2blurConfig, hasty, 'the recipe')).toThrow(/ahead/);
  });
});
