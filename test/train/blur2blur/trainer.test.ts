import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checked } from '../../../src/checked.js';
import { openModel } from '../../../src/models/registry.js';
import type { Backend } from '../../../src/runtime/tensorflow/backend.js';
import { blur2blurConfig } from '../../../src/train/blur2blur/config.js';
import { trainBlur2Blur, type Blur2BlurReport } from '../../../src/train/blur2blur/trainer.js';
import { Random } from '../../../src/train/random.js';
import { fixture } from '../../runtime/parity/interpreters.js';
import { scratchFolder } from '../../support/io.js';
import { writePairs } from '../../support/pairs.js';
import { testBackend } from '../../support/tensorflow.js';
import { runTraining } from '../../support/training-run.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let backend: Backend;

/** Stripes across a picture, as a camera's movement along them leaves them; `blur` is the length of the movement across. */
async function writeStripes(folder: string, seed: number, blur: number, size = 64): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let n = 0; n < 4; n += 1) {
    const random = new Random(seed + n);
    const [kx, ky, phase] = [random.between(-0.8, 0.8), random.between(-0.8, 0.8), random.between(0, 6)];
    const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
      return 128 + (100 / (1 + blur)) * Math.sin(kx * x + ky * y + phase);
    });
    await sharp(data, { raw: { width: size, height: size, channels: 3 } })
      .png()
      .toFile(path.join(folder, `${n}.png`));
  }
}

beforeAll(async () => {
  scratch = await scratchFolder();
  backend = await testBackend();
  await writeStripes(scratch.path('data/trainA/a'), 1, 3);
  await writeStripes(scratch.path('data/trainC/b'), 50, 0);
  await writePairs(scratch.path('pairs'), { split: 'test', scenes: 1, frames: 3, size: 48 });
});

afterAll(async () => {
  await scratch.remove();
});

const recipe = {
  method: 'blur2blur',
  generator: { baseChannels: 4, residualBlocks: 1 },
  discriminator: { features: 8, layers: 2 },
  data: { folder: 'data', load: null, crop: 48, batch: 2 },
  reconstruction: { losses: [{ kind: 'l1' }] },
  optimiser: { rate: 1e-3 },
  epochs: 2,
  decayEpochs: 1,
  epochLength: 4,
  logEvery: 1,
};

type Line = Record<string, number>;

async function run(name: string, changes: object = {}, stopAfter = Infinity) {
  const config = checked(blur2blurConfig, { ...recipe, ...changes }, 'The recipe is not right');
  return runTraining<Blur2BlurReport, Line>(scratch.path(name), stopAfter, (options) =>
    trainBlur2Blur({ ...options, config, folder: scratch.path('.'), backend }),
  );
}

const withoutSpeed = (lines: readonly Line[]) => lines.map((line) => ({ ...line, speed: 0 }));

describe('training a translator', () => {
  it('writes a model that opens, and logs every loss', async () => {
    const { report, lines } = await run('whole');
    expect(report).toMatchObject({ steps: 6, complete: true, unreadable: 0 });
    const model = await openModel(report.model);
    expect(model.kind === 'network' && model.network.options).toEqual({
      baseChannels: 4,
      residualBlocks: 1,
      dropout: 0,
    });
    expect(lines.map(({ rate }) => rate)).toEqual([1e-3, 1e-3, 5e-4, 5e-4, 0, 0]);
    expect(lines.every((line) => (line['loss/penalty'] ?? 0) > 0 && Number.isFinite(line['loss/adversarial']))).toBe(
      true,
    );
  });

  it('goes on after an interruption as if there had been none', async () => {
    const changes = {
      temporal: { weight: 0.1 },
      optimiser: { rate: 1e-3, average: 0.9 },
      discriminator: { ...recipe.discriminator, ahead: 2 },
    };
    const whole = await run('unbroken', changes);
    await run('parts', changes, 3);
    const rest = await run('parts', changes);
    expect(withoutSpeed(rest.lines)).toEqual(withoutSpeed(whole.lines));
    expect(whole.lines.map((line) => 'loss/adversarial' in line)).toEqual([
      false,
      false,
      ...Array<boolean>(6).fill(true),
    ]);
  });

  it('keeps no tensors', async () => {
    const before = backend.tf.memory().numTensors;
    await run('tensors', { temporal: { weight: 0.1 } });
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it('can leave out the penalty and scales, and keep the best scores alone', async () => {
    const { lines } = await run('bare', { penalty: 0, scales: 1, topK: { mode: 'paper', every: 2, decay: 0.8 } });
    expect(lines.map((line) => line['loss/penalty'])).toEqual(Array(6).fill(0));
    expect(lines.map(({ share }) => share)).toEqual(
      [1, 0.8, 0.64, 0.6, 0.6, 0.6].map((value) => expect.closeTo(value, 6) as number),
    );
  });

  it('lets the discriminator see detail alone, and punishes its gradient there', async () => {
    const discriminator = { ...recipe.discriminator, sees: 'detail', rate: 2e-3 };
    const { lines } = await run('detail', { discriminator, generator: { ...recipe.generator, begin: 'identity' } });
    expect(lines).toHaveLength(6);
    expect(lines.every((line) => (line['loss/penalty'] ?? 0) > 0 && (line['pull/adversarial'] ?? 0) > 0)).toBe(true);
  });

  it('gives sharp pictures the known blur by KernelWizard', async () => {
    for (const [folder, seed, blur] of [
      ['trainA', 1, 3],
      ['trainB', 20, 0],
      ['trainC', 50, 2],
      ['trainD', 50, 0],
    ] as const) {
      await writeStripes(scratch.path(`wizard/${folder}/${folder}`), seed, blur, 256);
    }
    const weights = fileURLToPath(fixture('kernelwizard/weights.pth'));
    const changes = { data: { ...recipe.data, folder: 'wizard' }, known: { kind: 'kernel-wizard', weights } };
    const { lines } = await run('wizard-run', { ...changes, epochs: 1, decayEpochs: 0 });
    expect(lines).toHaveLength(2);
  });

  it('gives sharp pictures the known blur of a hand', async () => {
    const changes = {
      data: { ...recipe.data, folder: 'wizard' },
      known: { kind: 'synthesis' },
      epochs: 1,
      decayEpochs: 0,
    };
    const [one, other] = [await run('hand', changes), await run('hand-again', changes)];
    expect(withoutSpeed(one.lines)).toEqual(withoutSpeed(other.lines));
  });

  it('is tested in front of a deblurring network', async () => {
    const network = await run('deblurrer');
    const { lines, report } = await run('tested', {
      validation: { folder: 'pairs', model: network.report.model, frames: 2, every: 3, pictures: 1 },
    });
    expect(report.translation?.psnr).toBeGreaterThan(5);
    expect(lines.filter((line) => line['validation/gain'] !== undefined).map(({ step }) => step)).toEqual([3, 6]);
  });

  it('refuses crops that the discriminator can not judge at every scale', async () => {
    await expect(run('small', { data: { ...recipe.data, crop: 32 } })).rejects.toThrow(
      /too small to be judged at 3 scales/,
    );
  });
});
