import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DeblurError } from '../../src/errors.js';
import type { Frame } from '../../src/io/frame.js';
import { openVideo } from '../../src/io/index.js';
import { chainModels } from '../../src/models/chain.js';
import { light } from '../../src/models/light.js';
import { mimoUnet } from '../../src/models/mimo-unet.js';
import { nafnet } from '../../src/models/nafnet.js';
import type { NetworkModel } from '../../src/models/registry.js';
import type { FrameSession, FrameSessionOptions, PictureGeometry } from '../../src/runtime/frame-session.js';
import { Memoised } from '../../src/runtime/memoised.js';
import { createFrameSession, createTranslatedSession } from '../../src/runtime/onnx/frame-session.js';
import { modelStage } from '../../src/runtime/onnx/model-stage.js';
import { liveSessions, OnnxSession } from '../../src/runtime/onnx/session.js';
import type { Backend } from '../../src/runtime/tensorflow/backend.js';
import {
  createTensorflowSession,
  createTranslatedTensorflowSession,
} from '../../src/runtime/tensorflow/frame-session.js';
import { drawnModel } from '../support/drawn-network.js';
import { fixture } from '../support/fixtures.js';
import { packed } from '../support/frames.js';
import { stage } from '../support/stages.js';
import { testBackend } from '../support/tensorflow.js';

const translator = drawnModel(mimoUnet({ baseChannels: 4, residualBlocks: 1 }), 1);
const single = drawnModel(nafnet({ width: 8, encoderBlocks: [1, 1], middleBlocks: 1, decoderBlocks: [1, 1] }), 2);
const windowed = drawnModel(light({ width: 8, deepWidth: 8, deep: 1, decoder: 1 }), 3);
const deep = 'gbrp16le';

let backend: Backend;
let tensors: number;
/** A real clip's first frames, in 16 bits so that rounding between two runs hides nothing. */
let frames: Frame[];
let geometry: PictureGeometry;
const open: FrameSession[] = [];

beforeAll(async () => {
  backend = await testBackend();
  tensors = backend.tf.memory().numTensors;
  frames = await firstFrames(deep, 4);
  geometry = frames[0]!.properties;
  return () => {
    for (const frame of frames) frame.dispose();
  };
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
  expect(liveSessions()).toBe(0);
  expect(backend.tf.memory().numTensors).toBe(tensors);
});

async function firstFrames(format: string, count: number): Promise<Frame[]> {
  const result: Frame[] = [];
  await using reader = await openVideo(fixture('clips/bikes-cut.mp4'), { format });
  for await (const frame of reader.frames()) {
    if (result.push(frame) === count) break;
  }
  return result;
}

function kept<T extends FrameSession>(session: T): T {
  open.push(session);
  return session;
}

/** Who executes networks: one session, one of a chain, one with two graphs. */
const runtimes = [
  {
    name: 'ONNX Runtime',
    alone: async (model: NetworkModel, options?: FrameSessionOptions) =>
      createFrameSession(await modelStage(model), geometry, options),
    separate: async (first: NetworkModel, model: NetworkModel, options?: FrameSessionOptions) =>
      createTranslatedSession(await modelStage(first), await modelStage(model), geometry, options),
  },
  {
    name: 'TensorFlow',
    alone: (model: NetworkModel, options?: FrameSessionOptions) =>
      createTensorflowSession(model, geometry, { ...options, backend }),
    separate: (first: NetworkModel, model: NetworkModel, options?: FrameSessionOptions) =>
      createTranslatedTensorflowSession(first, model, geometry, { ...options, backend }),
  },
] as const;

/** A session with the least memory that is enough. */
async function tightest(make: (memory: number) => Promise<FrameSession> | FrameSession): Promise<FrameSession> {
  for (let memory = 2 ** 20; ; memory *= 1.25) {
    try {
      return await make(memory);
    } catch (error) {
      if (!(error instanceof DeblurError) || error.code !== 'MEMORY_BUDGET') throw error;
    }
  }
}

/** Windows around frames, as the pipeline makes them. */
function windowsOf(list: readonly Frame[], { past, future }: FrameSession['window']): Frame[][] {
  return list.map((_, i) =>
    Array.from({ length: past + 1 + future }, (__, k) => list[Math.min(Math.max(i - past + k, 0), list.length - 1)]!),
  );
}

async function results(session: FrameSession, list: readonly Frame[] = frames): Promise<Uint8Array[][]> {
  const planes: Uint8Array[][] = [];
  for (const window of windowsOf(list, session.window)) {
    const [result] = await session.run([window]);
    planes.push((result?.planes ?? []).map((plane) => plane.slice()));
  }
  return planes;
}

/** Samples of 16 bits. */
function codes(planes: readonly (readonly Uint8Array[])[]): Uint16Array[] {
  return planes.flat().map((plane) => new Uint16Array(plane.slice().buffer));
}

/** Largest and mean difference, in parts of the range. */
function difference(a: readonly (readonly Uint8Array[])[], b: readonly (readonly Uint8Array[])[]) {
  const [left, right] = [codes(a), codes(b)];
  expect(left.map(({ length }) => length)).toEqual(right.map(({ length }) => length));
  let [largest, sum, count] = [0, 0, 0];
  left.forEach((plane, p) => {
    plane.forEach((value, i) => {
      const distance = Math.abs(value - right[p]![i]!) / 65535;
      largest = Math.max(largest, distance);
      sum += distance;
      count += 1;
    });
  });
  return { largest, mean: sum / count };
}

/** What two sessions give one after the other. */
async function oneAfterTheOther(first: FrameSession, second: FrameSession): Promise<Uint8Array[][]> {
  const translated = await results(first);
  const between = frames.map((frame, i) => frame.withPlanes(translated[i]!));
  return results(second, between);
}

describe.each(runtimes)('a translator on $name', ({ alone, separate }) => {
  it.each([
    ['in one graph with a network for single frames', 'chained', single],
    ['beside a network for single frames', 'separate', single],
    ['beside a network that looks at neighbours', 'separate', windowed],
    ['in one graph with a network that looks at neighbours', 'chained', windowed],
  ] as const)('%s gives what the two give one after the other', async (_, how, model) => {
    const expected = await oneAfterTheOther(kept(await alone(translator)), kept(await alone(model)));
    const session = how === 'chained' ? await alone(chainModels(translator, model)) : await separate(translator, model);
    const own = await results(kept(session));
    expect(session.window).toEqual(model.network.window);
    expect(difference(own, expected).largest).toBeLessThan(2e-4);
    // It is a test only if both networks change the picture.
    const untranslated = await results(kept(await alone(model)));
    const source = frames.map((frame) => packed(frame));
    expect(difference(own, untranslated).mean).toBeGreaterThan(0.01);
    expect(difference(untranslated, source).mean).toBeGreaterThan(0.001);
  });

  it('is steadied as suits the model behind it', async () => {
    const steady = { ...single, network: { ...single.network, temporalFilter: 0.5 } };
    const wavering = { ...translator, network: { ...translator.network, temporalFilter: 1 } };
    expect(kept(await alone(chainModels(wavering, steady))).temporalFilter).toBe(0.5);
    expect(kept(await separate(wavering, steady)).temporalFilter).toBe(0.5);
    expect(kept(await separate(wavering, single)).temporalFilter).toBe(0);
  });

  it('tiles where memory is short', async () => {
    const whole = kept(await separate(translator, windowed));
    const small = kept(await tightest((memory) => separate(translator, windowed, { memory })));
    expect(small.tiles).toBeGreaterThan(1);
    expect(difference(await results(small), await results(whole)).mean).toBeLessThan(0.002);
  });

  it('blends with the frame as it was, not as it was translated', async () => {
    const source = frames.map((frame) => packed(frame));
    for (const model of [windowed, single]) {
      const session = kept(await separate(translator, model, { strength: 0 }));
      expect(difference(await results(session), source).largest).toBe(0);
    }
  });

  it('gives the same in batches, the last one short', async () => {
    const expected = await results(kept(await separate(translator, windowed)));
    const session = kept(await separate(translator, windowed, { batch: 3 }));
    const windows = windowsOf(frames, session.window);
    const batches = [await session.run(windows.slice(0, 3)), await session.run(windows.slice(3))];
    const own = batches.flat().map(({ planes }) => [...planes]);
    expect(difference(own, expected).largest).toBeLessThan(1e-4);
  });
});

describe('translated frames', () => {
  it('are made once, in however many windows they are', async () => {
    const run = vi.spyOn(OnnxSession.prototype, 'run');
    const session = kept(createTranslatedSession(await modelStage(translator), await modelStage(windowed), geometry));
    await results(session);
    expect(run).toHaveBeenCalledTimes(2 * frames.length);
    run.mockRestore();
  });

  it('may come from a translator that looks at neighbours itself', async () => {
    const neighbours = stage((_, list) => list[2]!, { window: { past: 1, future: 1 } });
    const session = kept(createTranslatedSession(neighbours, await modelStage(windowed), geometry));
    expect(session.window).toEqual({ past: 2, future: 2 });
    const alone = kept(createFrameSession(await modelStage(windowed), geometry));
    // The translator gives the frame after: the second frame's result is the third's.
    const own = await session.run([[0, 0, 1, 2, 3].map((i) => frames[i]!)]);
    const expected = await alone.run([[1, 2, 3].map((i) => frames[i]!)]);
    expect(own[0]?.health.resultMean).toEqual(expected[0]?.health.resultMean);
  });
});

describe('results kept by their key', () => {
  it('are made once, and released when others were used later', () => {
    const [made, released]: [string[], string[]] = [[], []];
    const memory = new Memoised<string>(2, (value) => released.push(value));
    const get = (key: string) => memory.get(key, () => (made.push(key), key));
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) expect(get(key)).toBe(key);
    expect(made).toEqual(['a', 'b', 'c', 'b']);
    expect(released).toEqual(['b', 'c']);
    memory.clear();
    expect(released.sort()).toEqual(['a', 'b', 'b', 'c']);
  });
});
