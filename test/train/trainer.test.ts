import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checked } from '../../src/checked.js';
import { openModel } from '../../src/models/registry.js';
import { readCheckpoint } from '../../src/models/weights/checkpoint.js';
import { readSafetensors } from '../../src/models/weights/safetensors.js';
import type { Backend } from '../../src/runtime/tensorflow/backend.js';
import { trainConfig } from '../../src/train/config.js';
import { train, type TrainReport } from '../../src/train/trainer.js';
import { scratchFolder } from '../support/io.js';
import { writePairs } from '../support/pairs.js';
import { testBackend } from '../support/tensorflow.js';
import { runTraining } from '../support/training-run.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let backend: Backend;

beforeAll(async () => {
  scratch = await scratchFolder();
  backend = await testBackend();
  await writePairs(scratch.path('pairs'), { scenes: 1, frames: 4, size: 32 });
});

afterAll(async () => {
  await scratch.remove();
});

const recipe = {
  network: { name: 'light', width: 16, deepWidth: 16, deep: 1, decoder: 1, past: 0, future: 0 },
  data: { folder: 'pairs', crop: 32, batch: 4, flip: false },
  losses: [{ kind: 'l1' }],
  optimiser: { betas: [0.9, 0.99], average: 0.98 },
  schedule: { kind: 'cosine', rate: 4e-3, warmup: 10, end: 1e-5 },
  steps: 6,
  logEvery: 1,
};

interface Line {
  step: number;
  loss?: number;
  'loss/l1'?: number;
  'loss/temporal'?: number;
  'loss/reblur'?: number;
}

async function run(name: string, changes: object, stopAfter = Infinity) {
  const config = checked(trainConfig, { ...recipe, ...changes }, 'The recipe is not right');
  return runTraining<TrainReport, Line>(scratch.path(name), stopAfter, (options) =>
    train({ ...options, config, folder: scratch.path('.'), backend }),
  );
}

describe('training', () => {
  it('overfits four pairs to more than 40 dB, and what it writes opens as a model', async () => {
    const validation = { split: 'train', frames: 4, every: 1000, pictures: 0 };
    const { report } = await run('overfit', { steps: 1000, validation, logEvery: 100 });
    expect(report.complete).toBe(true);
    expect(report.validation?.psnr).toBeGreaterThan(40);
    expect(report.validation?.gain).toBeGreaterThan(15);
    const model = await openModel(report.model);
    expect(model.kind === 'network' && model.network.name).toBe('light');
  });

  it('goes on after an interruption as if there had been none', async () => {
    const whole = await run('whole', {});
    await run('parts', {}, 3);
    const rest = await run('parts', {});
    expect(rest.lines.map(({ step, loss }) => [step, loss])).toEqual(whole.lines.map(({ step, loss }) => [step, loss]));
  });

  it('keeps no tensors', async () => {
    const before = backend.tf.memory().numTensors;
    await run('tensors', {});
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it('sums gradients of several batches up for one update', async () => {
    const { lines } = await run('accumulated', { optimiser: { accumulate: 3 } });
    expect(lines).toHaveLength(6);
    expect(lines.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  it('stops with advice when the loss is no number, and keeps the last checkpoint', async () => {
    const diverging = run('nan', { steps: 400, schedule: { kind: 'constant', rate: 1e12 }, checkpointEvery: 1 });
    await expect(diverging).rejects.toMatchObject({ code: 'TRAINING_FAILED', hint: /Halve the learning rate/ });
  });

  it('learns only what the recipe says, and draws what the first weights lack', async () => {
    const { report } = await run('trunk', {});
    const first = readCheckpoint(await readFile(report.model), report.model);
    const changes = {
      network: { ...recipe.network, gate: 4 },
      initial: 'trunk/model.safetensors',
      learn: ['gate.'],
      losses: [{ kind: 'gain', harm: 4 }],
    };
    const whole = await run('gate', changes);
    const result = readCheckpoint(await readFile(whole.report.model), whole.report.model);
    expect([...result.keys()].filter((name) => !first.has(name))).toHaveLength(10);
    for (const [name, { data }] of first) expect(result.get(name)?.data).toEqual(data);
    const model = await openModel(whole.report.model);
    expect(model.kind === 'network' && model.network.options).toMatchObject({ gate: 4 });

    await run('gate-in-parts', changes, 3);
    const rest = await run('gate-in-parts', changes);
    const losses = (lines: readonly Line[]) => lines.map(({ step, loss }) => [step, loss]);
    expect(losses(rest.lines)).toEqual(losses(whole.lines));
    expect(readCheckpoint(await readFile(rest.report.model), rest.report.model)).toEqual(result);

    await expect(run('no-gate', { learn: ['gate.'] })).rejects.toMatchObject({
      code: 'USAGE',
      message: 'No parameter of light begins with "gate." ("learn").',
    });
    const { initial, ...without } = changes;
    expect(initial).toBeDefined();
    await expect(run('other', { ...without, learn: ['output.'], initial })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('it has no gate.0.weight') as string,
    });
  });

  it('lets flicker count, told from two frames of a sample', async () => {
    const { lines } = await run('temporal', { temporal: 0.5, data: { ...recipe.data, clip: 2 } });
    for (const line of lines) {
      expect(line['loss/temporal']).toBeGreaterThan(0);
      expect(line.loss).toBeCloseTo((line['loss/l1'] ?? NaN) + 0.5 * (line['loss/temporal'] ?? NaN), 5);
    }
    await expect(run('single', { temporal: 0.5 })).rejects.toThrow(/"data\.clip" must be 2 or more/);
  });

  it('learns the estimate of the blur beside the losses, or alone', async () => {
    const network = { ...recipe.network, path: 8 };
    const both = await run('reblur', { network, reblur: 0.1 });
    for (const line of both.lines) {
      expect(line.loss).toBeCloseTo((line['loss/l1'] ?? NaN) + 0.1 * (line['loss/reblur'] ?? NaN), 5);
    }
    const alone = await run('reblur-alone', { network, reblur: 1, losses: [], learn: ['path.'], steps: 30 });
    const values = alone.lines.map(({ loss }) => loss ?? NaN);
    expect(values.at(-1)).toBeLessThan(values[0]! - 0.1);
    await expect(run('reblur-all', { network, reblur: 1, losses: [] })).rejects.toMatchObject({
      code: 'USAGE',
      message: 'The loss does not depend on all parameters that are learned.',
    });
    await expect(run('nothing', { losses: [] })).rejects.toThrow(/"losses": there must be one/);
  });

  it("takes the blur's paths from whole frames, estimated once", async () => {
    await writePairs(scratch.path('whole-frames'), { scenes: 1, frames: 4, size: 128 });
    const network = { ...recipe.network, path: 8, sharpen: true };
    const data = { ...recipe.data, folder: 'whole-frames', crop: 64, batch: 2, flip: true };
    const first = await run('path-of-crops', { network, data, steps: 1 });
    expect(first.report.complete).toBe(true);
    const learn = ['along', 'input.', 'down.', 'deep.', 'up.', 'decoder.', 'output.', 'sharpen.'];
    const changes = {
      network,
      learn,
      initial: 'path-of-crops/model.safetensors',
      data: { ...data, paths: 'frames', clip: 2 },
      temporal: 0.1,
    };
    const whole = await run('path-of-frames', changes);
    const estimates = scratch.path('path-of-frames/paths.safetensors');
    const { mtimeMs } = await stat(estimates);
    const grids = [...readSafetensors(await readFile(estimates), estimates)];
    expect(grids.map(([name]) => name)).toEqual([0, 1, 2, 3].map((n) => `train_blur/000/0000000${n}.png`));
    for (const [, { shape }] of grids) expect(shape).toEqual([2, 2, 2]);

    // Estimated of a crop by itself a path is another.
    const crops = await run('path-of-crops-again', { ...changes, data: { ...changes.data, paths: 'crops' } });
    const losses = (lines: readonly Line[]) => lines.map(({ step, loss }) => [step, loss]);
    expect(losses(crops.lines)).not.toEqual(losses(whole.lines));

    await run('path-of-truths', { ...changes, data: { ...changes.data, sharp: 0.5 } });
    const both = scratch.path('path-of-truths/paths.safetensors');
    const names = [...readSafetensors(await readFile(both), both).keys()];
    expect(names.map((name) => path.dirname(name))).toEqual([
      ...Array<string>(4).fill('train_blur/000'),
      ...Array<string>(4).fill('train_sharp/000'),
    ]);

    await run('path-in-parts', changes, 3);
    const kept = await stat(scratch.path('path-in-parts/paths.safetensors'));
    expect(losses((await run('path-in-parts', changes)).lines)).toEqual(losses(whole.lines));
    expect((await stat(scratch.path('path-in-parts/paths.safetensors'))).mtimeMs).toBe(kept.mtimeMs);
    expect((await stat(estimates)).mtimeMs).toBe(mtimeMs);

    const { learn: learned, ...all } = changes;
    expect(learned).toBe(learn);
    await expect(run('path-learned', all)).rejects.toMatchObject({
      code: 'USAGE',
      message: /estimate of the blur is to be learned \(path\./,
    });
    await expect(run('no-path', { data: changes.data })).rejects.toMatchObject({
      code: 'USAGE',
      message: /light estimates no blur \("data\.paths"\)/,
    });
    await expect(run('path-crop', { ...changes, data: { ...changes.data, crop: 96 } })).rejects.toMatchObject({
      code: 'USAGE',
      message: /A crop of 96 is no multiple of 64/,
    });
  });

  it('trains a recurrent network on clips', async () => {
    const network = { name: 'estrnn', features: 4, blocks: 1, past: 1, future: 1 };
    const { lines } = await run('recurrent', { network, data: { ...recipe.data, clip: 2 }, steps: 2 });
    expect(lines).toHaveLength(2);
  });

  it('trains a network of several scales', async () => {
    const network = { name: 'mimo-unet', baseChannels: 4, residualBlocks: 1 };
    const losses = [{ kind: 'l1' }, { kind: 'fft', weight: 0.1 }];
    const { lines } = await run('scales', { network, losses, steps: 2 });
    expect(lines.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  it('refuses crops that are larger than the pictures', async () => {
    await expect(run('crop', { data: { ...recipe.data, crop: 64 } })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: /is 32x32, smaller than the crop of 64/,
    });
  });

  it('is tested on scenes that it does not learn from', async () => {
    await writePairs(scratch.path('scenes'), { scenes: 3, frames: 2, size: 32 });
    const changes = {
      data: { ...recipe.data, folder: 'scenes' },
      validation: { holdBack: 0.4, frames: 4, pictures: 0 },
    };
    const { report } = await run('held-back', { ...changes, steps: 1 });
    expect(report.validation?.psnr).toBeGreaterThan(5);
    const all = { ...changes, validation: { holdBack: 0.9 }, steps: 1 };
    await expect(run('all-held-back', all)).rejects.toThrow(/too few scenes to hold some back: 3/);
  });

  it('learns from several folders together', async () => {
    for (const name of ['one', 'two']) await writePairs(scratch.path(name), { scenes: 1, frames: 2, size: 32 });
    const data = { ...recipe.data, folder: ['one', 'two', 'two'] };
    const { report } = await run('several', { data, validation: { split: 'train', frames: 6, pictures: 0 }, steps: 1 });
    expect(report.validation?.psnr).toBeGreaterThan(5);
    await expect(run('missing', { data: { ...data, folder: ['one', 'three'] } })).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
    });
  });

  it('leaves out a picture that is damaged, and counts it', async () => {
    const folder = scratch.path('damaged');
    await writePairs(folder, { scenes: 1, frames: 4, size: 32 });
    await writeFile(path.join(folder, 'train_blur/000/00000002.png'), 'no picture');
    const { report } = await run('with-damage', { data: { ...recipe.data, folder: 'damaged' } });
    expect(report).toMatchObject({ complete: true, unreadable: 1 });
  });

  it('names a key that no recipe has, and the nearest one', () => {
    const wrong = { ...recipe, optimiser: { wieghtDecay: 0.1 } };
    expect(() => checked(trainConfig, wrong, 'recipe.json is not right')).toThrow(
      'there is no setting "optimiser.wieghtDecay", did you mean "weightDecay"',
    );
    const harmful = {
      ...recipe,
      losses: [
        { kind: 'l1', harm: 3 },
        { kind: 'gain', harm: 3 },
      ],
    };
    expect(() => checked(trainConfig, harmful, 'recipe.json is not right')).toThrow(
      'recipe.json is not right: "losses.0.harm": is for "gain" alone.',
    );
  });
});
