import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/models/weights/safetensors.js';
import { packagePath } from '../../src/package-root.js';
import { CheckpointStore, loadTrainingState, type TrainingState } from '../../src/train/checkpoint.js';
import { failure, scratchFolder } from '../support/io.js';

const awkward = [1, -0, 1e-45, 3.4028234663852886e38, Math.PI, -1 / 3];

function state(step: number, extra: Partial<TrainingState> = {}): TrainingState {
  const part = (offset: number) =>
    new Map([
      ['a.weight', { shape: [2, 3], data: Float32Array.from(awkward, (value) => value + offset) }],
      ['a.bias', { shape: [1], data: Float32Array.of(step + offset) }],
    ]);
  return {
    ...{ step, updates: step - 1, recipe: '{"name":"light"}' },
    ...{ model: part(0), average: part(1), mean: part(2), square: part(3) },
    ...extra,
  };
}

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let folder: string;
beforeEach(async () => {
  scratch = await scratchFolder();
  folder = scratch.path('checkpoints');
});
afterEach(() => scratch.remove());

const names = async () => (await fs.readdir(folder)).sort();

describe('the checkpoints of a run', () => {
  it('give back every bit', async () => {
    const store = new CheckpointStore(folder);
    const saved = state(7, { score: 31.25 });
    const file = await store.save(saved);
    for (const loaded of [await loadTrainingState(file), await store.latest()]) {
      expect(loaded).toEqual(saved);
      const bits = (data: Float32Array | undefined) => [
        ...new Uint32Array(data?.buffer ?? new ArrayBuffer(0), data?.byteOffset, data?.length),
      ];
      expect(bits(loaded?.model.get('a.weight')?.data)).toEqual(bits(saved.model.get('a.weight')?.data));
    }
  });

  it('are none in a folder that is not there', async () => {
    const store = new CheckpointStore(folder);
    expect(await store.latest()).toBeUndefined();
    expect(await store.best()).toBeUndefined();
  });

  it('keep the last ones and the best', async () => {
    const store = new CheckpointStore(folder, { keep: 2 });
    for (const [step, score] of [
      [1, 30],
      [2, 33],
      [3, undefined],
      [4, 32],
      [5, NaN],
    ] as const) {
      await store.save(state(step, score === undefined ? {} : { score }));
    }
    expect(await names()).toEqual(['best.safetensors', 'step-00000004.safetensors', 'step-00000005.safetensors']);
    expect((await store.latest())?.step).toBe(5);
    expect(await store.best()).toMatchObject({ step: 2, score: 33 });
  });

  it('replace a best that is damaged', async () => {
    const store = new CheckpointStore(folder);
    await store.save(state(1, { score: 30 }));
    await fs.writeFile(`${folder}/best.safetensors`, 'no');
    expect(await failure(store.best())).toMatchObject({ code: 'CHECKPOINT_INVALID' });
    await store.save(state(2, { score: 20 }));
    expect((await store.best())?.step).toBe(2);
  });

  it('fall back to the one before a damaged one, and say so', async () => {
    const store = new CheckpointStore(folder);
    await store.save(state(1));
    const newest = await store.save(state(2));
    await fs.truncate(newest, (await fs.stat(newest)).size - 1);
    const notes: string[] = [];
    expect((await store.latest((error) => notes.push(error.message)))?.step).toBe(1);
    expect(notes).toEqual([expect.stringMatching(/step-00000002\.safetensors.*break off/)]);
  });

  it('clear away what a killed process left', async () => {
    const store = new CheckpointStore(folder);
    await store.save(state(1));
    await fs.writeFile(`${folder}/.step-00000002.0123456789ab.partial.safetensors`, 'half');
    expect((await store.latest())?.step).toBe(1);
    await store.save(state(2));
    expect(await names()).toEqual(['step-00000001.safetensors', 'step-00000002.safetensors']);
  });

  it('survive a full disk', async () => {
    const store = new CheckpointStore(folder);
    await store.save(state(1, { score: 1 }));
    // 200 000 numbers in each part do not fit into a limit of 64 kB.
    const script = `
      import { CheckpointStore } from '${packagePath('dist/src/train/checkpoint.js')}';
      process.on('SIGXFSZ', () => {});
      const part = () => new Map([['w', { shape: [200000], data: new Float32Array(200000) }]]);
      const state = { step: 2, updates: 2, recipe: '', score: 2, model: part(), average: part(), mean: part(), square: part() };
      try { await new CheckpointStore(process.argv[1]).save(state); } catch ({ code }) { console.log(code); }`;
    const said = await new Promise<string>((resolve, reject) => {
      const shell = [
        '-c',
        'ulimit -f 128; exec "$@"',
        'sh',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
        folder,
      ];
      execFile('sh', shell, { cwd: packagePath('dist') }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stderr}`));
        else resolve(stdout.trim());
      });
    });
    expect(said).toBe('OUTPUT_FULL');
    expect(await names()).toEqual(['best.safetensors', 'step-00000001.safetensors']);
    expect(await store.latest()).toEqual(state(1, { score: 1 }));
  });

  const tensors = new Map([['model/w', { shape: [1], data: Float32Array.of(1) }]]);
  const metadata = { step: '1', updates: '1', recipe: '' };
  it.each([
    ['nothing', new Uint8Array(), /header breaks off/],
    ['no metadata', writeSafetensors(tensors), /not a checkpoint of a training run/],
    ['a step that is no number', writeSafetensors(tensors, { ...metadata, step: 'x' }), /not a checkpoint/],
    ['a negative step', writeSafetensors(tensors, { ...metadata, step: '-1' }), /not a checkpoint/],
    ['a part missing', writeSafetensors(tensors, metadata), /"average" of bad\.safetensors.*it has no w/],
    [
      'parts of different shapes',
      writeSafetensors(new Map([...tensors, ['average/w', { shape: [2], data: new Float32Array(2) }]]), metadata),
      /its w is \[2\]/,
    ],
  ])('with %s are refused', async (_, bytes, message) => {
    const file = scratch.path('bad.safetensors');
    await fs.writeFile(file, bytes);
    const refused = await failure(loadTrainingState(file));
    expect(refused.code).toBe('CHECKPOINT_INVALID');
    expect(refused.message).toMatch(message);
  });
});
