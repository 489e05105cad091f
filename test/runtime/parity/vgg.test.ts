import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parametersUsed } from '../../../src/models/network.js';
import { vggFeatures, vggWidths } from '../../../src/models/vgg.js';
import type { VggOptions } from '../../../src/models/vgg.js';
import { readPth } from '../../../src/models/weights/pth.js';
import { fixture, interpreters, maxDifference, readNpy } from './interpreters.js';
import type { Interpreter, Picture } from './interpreters.js';

const folder = 'blur2blur-losses';

async function featuresOf(
  interpreter: Interpreter,
  file: string,
  pictures: readonly Picture[],
  options: VggOptions & { depth: 16 | 19 },
) {
  const weights = readPth(await readFile(fixture(`${folder}/${file}`)), file);
  const widths = vggWidths(weights, options.depth);
  return interpreter.run(weights, pictures, (ops, parameters, images) =>
    images.flatMap((image) => vggFeatures(ops, parameters, image, { ...options, widths })),
  );
}

/** Mean of each 2×2 cell. */
function halved({ shape, data }: Picture): Picture {
  const [n = 1, channels = 0, height = 0, width = 0] = shape;
  const [rows, columns] = [height / 2, width / 2];
  const halves = Float32Array.from({ length: data.length / 4 }, (_, i) => {
    const [y, x] = [Math.floor(i / columns), i % columns];
    const corner = 2 * y * width + 2 * x;
    return [0, 1, width, width + 1].reduce((sum, step) => sum + (data[corner + step] ?? NaN) / 4, 0);
  });
  return { shape: [n, channels, rows, columns], data: halves };
}

function meanDifference(a: Picture | undefined, b: Picture | undefined): number {
  if (!a || !b) throw new Error('there is nothing to compare');
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - (b.data[i] ?? NaN)), 0) / a.data.length;
}

describe.each(interpreters)('VGG on $name', (interpreter) => {
  it("gives Blur2Blur's features of VGG16", async () => {
    const features = await featuresOf(interpreter, 'vgg16_tiny.pth', [await readNpy(`${folder}/fake_quarter.npy`)], {
      depth: 16,
    });
    expect(features).toHaveLength(5);
    for (const [i, feature] of features.entries()) {
      const official = await readNpy(`${folder}/vgg16_feature${i}_fake_quarter.npy`);
      expect(maxDifference(feature, official)).toBeLessThan(2e-5);
    }
    expect(interpreter.live()).toBe(0);
  });

  it('gives features of VGG19 whose differences are the official ones', async () => {
    const pictures = [await readNpy(`${folder}/fake_half.npy`), halved(await readNpy(`${folder}/realA_full.npy`))];
    const features = await featuresOf(interpreter, 'vgg19_tiny.pth', pictures, {
      depth: 19,
      layers: [1, 6, 11, 20, 29],
    });
    const loss = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1].reduce(
      (sum, weight, i) => sum + weight * meanDifference(features[i], features[i + 5]),
      0,
    );
    expect(loss).toBeCloseTo(0.09889813512563705, 6);
  });

  it('refuses a layer that it does not have', () => {
    const image = [1, 3, 32, 32];
    const features = (layers: number[]) =>
      parametersUsed((ops, weights) => vggFeatures(ops, weights, image, { layers }));
    expect(features([0]).size).toBe(2);
    expect(() => features([31])).toThrow(/VGG16 has no layer 31/);
  });
});
