import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { light } from '../../../src/models/light.js';
import { nafnet } from '../../../src/models/nafnet.js';
import type { Network } from '../../../src/models/network.js';
import type { Ops } from '../../../src/models/ops.js';
import type { Tensors } from '../../../src/models/weights/tensors.js';
import { judge } from '../../../src/pipeline/guard.js';
import type { FrameResult, FrameSession, PictureGeometry } from '../../../src/runtime/frame-session.js';
import { createFrameSession } from '../../../src/runtime/onnx/frame-session.js';
import { modelStage } from '../../../src/runtime/onnx/model-stage.js';
import type { Backend } from '../../../src/runtime/tensorflow/backend.js';
import {
  createTensorflowSession,
  type TensorflowSessionOptions,
} from '../../../src/runtime/tensorflow/frame-session.js';
import { initialParameters } from '../../../src/train/parameters.js';
import { Random } from '../../../src/train/random.js';
import { bt709, packed, sampledFormats, testFrame } from '../../support/frames.js';
import { testBackend } from '../../support/tensorflow.js';

let backend: Backend;
let tensors: number;
beforeAll(async () => {
  backend = await testBackend();
  tensors = backend.tf.memory().numTensors;
});

const open: FrameSession[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
  expect(backend.tf.memory().numTensors).toBe(tensors);
});

interface Model {
  readonly network: Network;
  readonly weights: Tensors;
}

/** A network without parameters. */
function plain(forward: <T>(ops: Ops<T>, frame: T) => T, options: Partial<Network> = {}): Model {
  const network: Network = {
    name: 'test',
    sizes: { multiple: 4, padding: 'reflect', placement: 'centre' },
    window: { past: 0, future: 0 },
    reach: 1,
    overlap: 8,
    forward: (ops, _, frames) =>
      frames
        .slice(options.window?.past ?? 0)
        .slice(0, 1)
        .map((frame) => forward(ops, frame)),
    ...options,
  };
  return { network, weights: new Map() };
}

/** A network whose parameters are all drawn. */
function drawn(network: Network, size: number): Model {
  const random = new Random(3);
  const weights = initialParameters(network, random);
  for (const { data } of weights.values()) data.forEach((_, i) => (data[i] = random.between(-size, size)));
  return { network, weights };
}

const identity = plain((_, frame) => frame);
const kernel = [0, -1, 0, -1, 5, -1, 0, -1, 0];
const sharpen = plain(
  (ops, frame) =>
    ops.conv2d(frame, ops.constant([3, 1, 3, 3], Float32Array.from([...kernel, ...kernel, ...kernel])), {
      padding: 1,
      groups: 3,
    }),
  // Of any size: at the picture's edge a tile then sees what the whole picture sees.
  { sizes: { multiple: 1, padding: 'zero', placement: 'bottom-right' } },
);

function session(model: Model, geometry: PictureGeometry, options: Omit<TensorflowSessionOptions, 'backend'> = {}) {
  const created = createTensorflowSession(model, geometry, { ...options, backend });
  open.push(created);
  return created;
}

async function onnxSession(model: Model, geometry: PictureGeometry, strength = 1) {
  const created = createFrameSession(await modelStage({ kind: 'network', name: 'test', ...model }), geometry, {
    strength,
  });
  open.push(created);
  return created;
}

/** A window of frames, of which the target is the `index`-th of a moving picture. */
function windowOf({ network }: Model, geometry: PictureGeometry, index = 0, padding = 0) {
  const { past, future } = network.window;
  return Array.from({ length: past + 1 + future }, (_, k) => testFrame(geometry, index + k, padding));
}

/** Largest difference of two results: code values of the planes, and of the maps of their health. */
function difference(a: FrameResult | undefined, b: FrameResult | undefined, bytes: 1 | 2) {
  const samples = (plane: Uint8Array) =>
    bytes === 1 ? plane : new Uint16Array(plane.buffer, plane.byteOffset, plane.byteLength / 2);
  const largest = (left: ArrayLike<number>, right: ArrayLike<number>) =>
    Array.from(left).reduce((max, value, i) => Math.max(max, Math.abs(value - (right[i] ?? NaN))), 0);
  if (!a || !b) throw new RangeError('no result');
  expect(a.planes.map(({ length }) => length)).toEqual(b.planes.map(({ length }) => length));
  expect(a.health.cell).toBe(b.health.cell);
  const maps = ['sourceMean', 'resultMean', 'sourceFlat', 'resultFlat'] as const;
  return {
    code: Math.max(...a.planes.map((plane, i) => largest(samples(plane), samples(b.planes[i] ?? new Uint8Array())))),
    health: Math.max(...maps.map((map) => largest(a.health[map], b.health[map]))),
  };
}

describe('a session on TensorFlow', () => {
  it.each(sampledFormats)('leaves every sample of %s as it was where the network changes nothing', async (format) => {
    for (const [width, height] of [
      [33, 17],
      [1, 1],
      [64, 36],
    ] as const) {
      using frame = testFrame({ format, width, height, color: bt709 }, 0, 5);
      const [result] = await session(identity, frame.properties).run([[frame]]);
      expect(result?.planes).toEqual(packed(frame));
      expect(result && judge(result.health)).toBeUndefined();
    }
  });

  it.each(sampledFormats)('gives what ONNX Runtime gives for %s', async (format) => {
    for (const chromaLocation of ['left', 'center', 'topleft']) {
      const geometry = { format, width: 51, height: 38, color: { ...bt709, chromaLocation } };
      using frame = testFrame(geometry);
      const [ours] = await session(sharpen, geometry, { strength: 0.7 }).run([[frame]]);
      const [theirs] = await (await onnxSession(sharpen, geometry, 0.7)).run([[frame]]);
      const { code, health } = difference(ours, theirs, format.endsWith('le') ? 2 : 1);
      expect(code).toBeLessThanOrEqual(1);
      expect(health).toBeLessThan(1e-4);
    }
  });

  it.each([
    ['the light network on planes', drawn(light({ width: 16, deepWidth: 16, deep: 1, decoder: 1 }), 0.1), 'yuv420p'],
    ['the light network on RGB', drawn(light({ width: 16, deepWidth: 16, deep: 1, decoder: 1 }), 0.1), 'yuv422p10le'],
    [
      'NAFNet',
      drawn(nafnet({ width: 8, encoderBlocks: [1, 1], middleBlocks: 1, decoderBlocks: [1, 1] }), 0.15),
      'yuv420p',
    ],
  ])('gives what ONNX Runtime gives with %s', async (_, model, format) => {
    const geometry = { format, width: 70, height: 54, color: bt709 };
    const frames = windowOf(model, geometry);
    const [ours] = await session(model, geometry).run([frames]);
    const [theirs] = await (await onnxSession(model, geometry)).run([frames]);
    const { code, health } = difference(ours, theirs, format.endsWith('le') ? 2 : 1);
    expect(code).toBeLessThanOrEqual(1);
    expect(health).toBeLessThan(1e-4);
    expect(ours?.planes).not.toEqual(packed(frames[model.network.window.past]!));
    for (const frame of frames) frame.dispose();
  });

  it('gives the same in batches as one by one, the last batch short', async () => {
    const geometry = { format: 'yuv420p', width: 48, height: 32, color: bt709 };
    const model = drawn(light({ width: 8, deepWidth: 8, deep: 1, decoder: 1 }), 0.1);
    const windows = [0, 1, 2].map((index) => windowOf(model, geometry, index, index));
    const batched = session(model, geometry, { batch: 2 });
    const together = [...(await batched.run(windows.slice(0, 2))), ...(await batched.run(windows.slice(2)))];
    const single = session(model, geometry);
    for (const [i, window] of windows.entries()) {
      const [alone] = await single.run([window]);
      expect(difference(together[i], alone, 1).code).toBeLessThanOrEqual(1);
    }
    windows.flat().forEach((frame) => {
      frame.dispose();
    });
  });

  it('gives in tiles what it gives at once', async () => {
    const geometry = { format: 'yuv420p', width: 211, height: 157, color: bt709 };
    using frame = testFrame(geometry);
    const [whole] = await session(sharpen, geometry).run([[frame]]);
    const tiled = session(sharpen, geometry, { memory: 211 * 157 * 3 * 4 * 6 + 100_000 });
    expect(tiled.tiles).toBeGreaterThan(3);
    const [joined] = await tiled.run([[frame]]);
    // Where two tiles are blended, a half may round to either side.
    expect(difference(joined, whole, 1).code).toBeLessThanOrEqual(1);
  });

  it('sees a broken result', async () => {
    const geometry = { format: 'yuv420p', width: 160, height: 96, color: bt709 };
    using frame = testFrame(geometry);
    const verdict = async (model: Model) => {
      const [result] = await session(model, geometry).run([[frame]]);
      return result && judge(result.health);
    };
    expect(await verdict(plain((ops, rgb) => ops.mul(rgb, ops.zeros([1, 1, 1, 1]))))).toBe('black');
    const holes = new Float32Array(96 * 160);
    holes[5] = NaN;
    expect(await verdict(plain((ops, rgb) => ops.add(rgb, ops.constant([1, 1, 96, 160], holes))))).toBe('nan');
  });

  it('frees its tensors when the network fails', async () => {
    const geometry = { format: 'gray', width: 16, height: 16, color: bt709 };
    using frame = testFrame(geometry);
    let calls = 0;
    const failing = plain((ops, rgb) => {
      calls += 1;
      const twice = ops.add(rgb, rgb);
      // The first call only counts.
      if (calls > 1) throw new Error('It broke.');
      return twice;
    });
    const broken = session(failing, geometry);
    await expect(broken.run([[frame]])).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
  });

  it('says what memory it needs when the budget is hopeless', () => {
    const geometry = { format: 'yuv420p', width: 640, height: 360, color: bt709 };
    expect(() => session(sharpen, geometry, { memory: 1000 })).toThrow('processed within 1M');
  });

  it('refuses a frame of another size', async () => {
    using frame = testFrame({ format: 'gray', width: 16, height: 16, color: bt709 });
    const other = session(identity, { format: 'gray', width: 32, height: 16, color: bt709 });
    await expect(other.run([[frame]])).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' });
  });
});
