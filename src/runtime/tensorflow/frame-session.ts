import type * as tfjs from '@tensorflow/tfjs';
import { DeblurError } from '../../errors.js';
import type { Frame } from '../../io/frame.js';
import { planarFormat, planeSize, type PixelFormat } from '../../io/pixel-format.js';
import { applyNetwork, applyToPlanes, type Network } from '../../models/network.js';
import type { Shape, Weights } from '../../models/ops.js';
import type { NetworkModel } from '../../models/registry.js';
import type { Tensors } from '../../models/weights/tensors.js';
import { EngineSession, type FrameEngine } from '../engine-session.js';
import type { FrameResult, FrameSession, FrameSessionOptions, PictureGeometry } from '../frame-session.js';
import { contentOf, Memoised } from '../memoised.js';
import { planForBudget, sampleEdgeFor, type NetworkMemory } from '../memory-plan.js';
import {
  restoreTranslated,
  restoreWindows,
  translateWindow,
  windowLength,
  type FrameNetwork,
  type RestoredFrame,
} from '../picture/frame-stage.js';
import { healthMaps, toHealth, type HealthMaps } from '../picture/health-stage.js';
import type { PictureOps } from '../picture/picture-ops.js';
import { cutTiles, joinTiles } from '../picture/tile-stage.js';
import { planeRows } from '../plane-samples.js';
import { tileCount, type TilePlan } from '../tile-plan.js';
import type { Backend } from './backend.js';
import { planReleases, runReleasing, type ReleasePlan, type TensorFunction } from './release.js';
import { plainOrder, tensorIn, valueOf, type Tfjs, type TfValue } from './tensor.js';
import { TensorflowWeights } from './weights.js';

/** Options of {@link createTensorflowSession}. */
export interface TensorflowSessionOptions extends Omit<FrameSessionOptions, 'provider' | 'threads'> {
  /** TensorFlow.js, ready to compute. */
  readonly backend: Backend;
}

/** Most that a run was seen to hold, as a multiple of the values alive at once: 3.7 for MAXIM, 2 for NAFNet. Operators have values of their own. */
const overhead = 4;
/** Parameters are held as they were read and as tensors. */
const copiesOfParameters = 2;

/** A network and its weights. */
type WeightedNetwork = Pick<NetworkModel, 'network' | 'weights'>;

/**
 * A session that runs a network on frames of one geometry with TensorFlow.js: what `createFrameSession` does
 * with ONNX Runtime, to the same result. TensorFlow computes on the thread that calls it.
 * @throws DeblurError `MEMORY_BUDGET` when even small tiles need more memory than allowed.
 */
export function createTensorflowSession(
  model: WeightedNetwork,
  geometry: PictureGeometry,
  options: TensorflowSessionOptions,
): FrameSession {
  return sessionOf(model, geometry, options);
}

/**
 * The same of a network that takes what a translator makes of the frames: what `createTranslatedSession` does with
 * ONNX Runtime.
 * @param translator turns a frame's blur into one that `model` knows.
 * @throws DeblurError as {@link createTensorflowSession}.
 */
export function createTranslatedTensorflowSession(
  translator: WeightedNetwork,
  model: WeightedNetwork,
  geometry: PictureGeometry,
  options: TensorflowSessionOptions,
): FrameSession {
  return sessionOf(model, geometry, options, translator);
}

function sessionOf(
  { network, weights }: WeightedNetwork,
  geometry: PictureGeometry,
  { backend, memory = Infinity, strength = 1, batch = 1, signal }: TensorflowSessionOptions,
  translator?: WeightedNetwork,
): FrameSession {
  const format = planarFormat(geometry.format);
  if (!format) throw new TypeError(`${geometry.format} is not a planar format`);
  const gridOf = (own: WeightedNetwork) => {
    const { sizes, reach, overlap } = own.network;
    const needs = { multiple: sizes.multiple, reach, overlap };
    return planForBudget(needs, geometry, memory, () => networkMemory(own.network, own.weights, sampleEdgeFor(needs)));
  };
  const grid = gridOf({ network, weights });
  const tiles = tileCount(grid);
  const plan: FramePlan = { network, geometry, format, strength, grid, batch: tiles > 1 ? 1 : batch };
  const translation: TranslationPlan | undefined = translator && {
    plan: { ...plan, network: translator.network, grid: gridOf(translator), batch: 1 },
    weights: translator.weights,
  };
  const { past, future } = translator?.network.window ?? { past: 0, future: 0 };
  const window = { past: past + network.window.past, future: future + network.window.future };
  return new EngineSession({
    properties: {
      provider: backend.name,
      window,
      temporalFilter: network.temporalFilter ?? 0,
      batch: plan.batch,
      tiles: Math.max(tiles, translation ? tileCount(translation.plan.grid) : 1),
    },
    geometry,
    signal,
    createEngine: () => Promise.resolve(new TensorflowEngine(backend.tf, plan, weights, translation)),
  });
}

/** What a run depends on. */
interface FramePlan {
  readonly network: Network;
  readonly geometry: PictureGeometry;
  readonly format: PixelFormat;
  readonly strength: number;
  readonly grid: TilePlan;
  readonly batch: number;
}

/** How frames are translated. */
interface TranslationPlan {
  readonly plan: FramePlan;
  readonly weights: Tensors;
}

/** From the planes of a batch of windows, one after another, to the planes and health maps of each result. */
function restoration({ network, geometry, format, strength, grid, batch }: FramePlan): TensorFunction {
  return <T>(ops: PictureOps<T>, weights: Weights<T>, inputs: readonly T[]) => {
    const frames = chunks(inputs, format.planes.length);
    const restored = restoreWindows(
      ops,
      frameNetwork(ops, network, weights, grid),
      { geometry, strength },
      chunks(frames, frames.length / batch),
    );
    return restored.flatMap(outputsOf);
  };
}

/** The same from the planes of the source frame and the translated frames of each window. */
function restorationOfTranslated({ network, geometry, format, strength, grid, batch }: FramePlan): TensorFunction {
  return <T>(ops: PictureOps<T>, weights: Weights<T>, inputs: readonly T[]) => {
    const windows = chunks(inputs, inputs.length / batch).map((window) => ({
      planes: window.slice(0, format.planes.length),
      frames: window.slice(format.planes.length),
    }));
    const own = frameNetwork(ops, network, weights, grid);
    return restoreTranslated(ops, own, { geometry, strength }, windows).flatMap(outputsOf);
  };
}

/** From the planes of a window to its translated frame. */
function translation({ network, geometry, format, grid }: FramePlan): TensorFunction {
  return <T>(ops: PictureOps<T>, weights: Weights<T>, inputs: readonly T[]) => [
    translateWindow(ops, frameNetwork(ops, network, weights, grid), geometry, chunks(inputs, format.planes.length)),
  ];
}

function outputsOf<T>({ planes, health }: RestoredFrame<T>): T[] {
  return [...planes, ...healthMaps.map((map) => health[map])];
}

function frameNetwork<T>(ops: PictureOps<T>, network: Network, weights: Weights<T>, grid: TilePlan): FrameNetwork<T> {
  const { window } = network;
  if (tileCount(grid) > 1) {
    return {
      window,
      restore: (frames) => {
        const cut = frames.map((frame) => cutTiles(ops, frame, grid));
        const tiles = (cut[0] ?? []).map((_, i) =>
          applyNetwork(
            ops,
            network,
            weights,
            cut.flatMap((own) => own.slice(i, i + 1)),
          ),
        );
        return joinTiles(ops, tiles, grid);
      },
    };
  }
  return {
    window,
    restore: (frames) => applyNetwork(ops, network, weights, frames),
    ...(network.forwardPlanes && {
      restorePlanes: (frames: Parameters<NonNullable<FrameNetwork<T>['restorePlanes']>>[0]) =>
        applyToPlanes(ops, network, weights, frames),
    }),
  };
}

/** What TensorFlow takes for a network, from a small picture's values. */
function networkMemory(network: Network, weights: Tensors, edge: number): NetworkMemory {
  const { peakBytes } = planReleases(
    (ops, parameters, frames) => [applyNetwork(ops, network, parameters, frames)],
    Array<Shape>(windowLength(network)).fill([1, 3, edge, edge]),
  );
  const parameters = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  return { perPixel: (peakBytes / edge ** 2) * overhead, fixed: parameters * copiesOfParameters };
}

/** The shapes of a frame's planes. */
function planeShapes({ format, geometry }: FramePlan): Shape[] {
  return format.planes.map((layout): Shape => {
    const [width, height] = planeSize(layout, geometry.width, geometry.height);
    return [1, 1, height, width];
  });
}

/** A frame's planes as code values; the caller disposes them. */
function planeValues(tf: Tfjs, plan: FramePlan, frame: Frame): TfValue[] {
  const planes = frame.planes();
  const shapes = planeShapes(plan);
  return plan.format.planes.map((_, i) => {
    const plane = planes[i];
    const [, , height = 0, width = 0] = shapes[i] ?? [];
    if (!plane) throw new TypeError(`frame ${frame.index} has no plane ${i}`);
    const samples = planeRows(plane, plan.format.bytesPerSample, width, height);
    return valueOf(tf.tensor4d(Float32Array.from(samples), [1, 1, height, width]));
  });
}

/** Translates frames; each is translated once and kept for the next windows it is in. */
class TensorflowTranslator {
  readonly #tf: Tfjs;
  readonly #plan: FramePlan;
  readonly #weights: TensorflowWeights;
  readonly #run: TensorFunction;
  readonly #releases: ReleasePlan;
  readonly #translated: Memoised<TfValue>;

  /** @param capacity how many translated frames are kept, at least those of one run. */
  constructor(tf: Tfjs, { plan, weights }: TranslationPlan, capacity: number) {
    this.#tf = tf;
    this.#plan = plan;
    this.#weights = new TensorflowWeights(tf, weights);
    this.#run = translation(plan);
    const window = Array<readonly Shape[]>(windowLength(plan.network)).fill(planeShapes(plan));
    this.#releases = planReleases(this.#run, window.flat());
    this.#translated = new Memoised(capacity, ({ tensor }) => tensor.dispose());
  }

  /** The frames of a network's window as RGB, which stay the translator's. */
  translate(window: readonly Frame[]): TfValue[] {
    const own = windowLength(this.#plan.network);
    return Array.from({ length: window.length - own + 1 }, (_, k) => {
      const frames = window.slice(k, k + own);
      return this.#translated.get(contentOf(frames), () => this.#compute(frames));
    });
  }

  dispose(): void {
    this.#translated.clear();
    this.#weights.dispose();
  }

  #compute(frames: readonly Frame[]): TfValue {
    const inputs = frames.flatMap((frame) => planeValues(this.#tf, this.#plan, frame));
    try {
      const [frame] = runReleasing(this.#tf, this.#weights, inputs, this.#run, this.#releases);
      if (!frame) throw new TypeError('the translator gave no frame');
      return frame;
    } finally {
      this.#tf.dispose(inputs.map(({ tensor }) => tensor));
    }
  }
}

class TensorflowEngine implements FrameEngine {
  readonly #tf: Tfjs;
  readonly #plan: FramePlan;
  readonly #weights: TensorflowWeights;
  readonly #translator: TensorflowTranslator | undefined;
  /** The frame of a window that is restored. */
  readonly #target: number;
  readonly #run: TensorFunction;
  readonly #releases: ReleasePlan;

  constructor(tf: Tfjs, plan: FramePlan, weights: Tensors, translation: TranslationPlan | undefined) {
    const { geometry, network, batch } = plan;
    const length = windowLength(network);
    this.#tf = tf;
    this.#plan = plan;
    this.#weights = new TensorflowWeights(tf, weights);
    this.#translator = translation && new TensorflowTranslator(tf, translation, (length + 1) * batch);
    this.#target = network.window.past + (translation?.plan.network.window.past ?? 0);
    this.#run = translation ? restorationOfTranslated(plan) : restoration(plan);
    const planes = planeShapes(plan);
    const window: readonly Shape[] = translation
      ? [...planes, ...Array<Shape>(length).fill([1, 3, geometry.height, geometry.width])]
      : Array<readonly Shape[]>(length).fill(planes).flat();
    this.#releases = planReleases(this.#run, Array<readonly Shape[]>(batch).fill(window).flat());
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]> {
    const { format, geometry, batch } = this.#plan;
    const tf = this.#tf;
    // A short last batch is filled with its last window, whose further results are not looked at.
    const full = Array.from({ length: batch }, (_, b) => windows[Math.min(b, windows.length - 1)] ?? []);
    const own: TfValue[] = [];
    const planesOf = (frame: Frame) => {
      const values = planeValues(tf, this.#plan, frame);
      own.push(...values);
      return values;
    };
    let outputs: tfjs.Tensor[] = [];
    try {
      const inputs = full.flatMap((window) =>
        this.#translator
          ? [...window.slice(this.#target, this.#target + 1).flatMap(planesOf), ...this.#translator.translate(window)]
          : window.flatMap(planesOf),
      );
      outputs = tf.tidy(() =>
        runReleasing(tf, this.#weights, inputs, this.#run, this.#releases).map((value) =>
          tensorIn(tf, value, plainOrder(value.shape.length)),
        ),
      );
      const arrays = await Promise.all(outputs.map((output) => output.data()));
      const perFrame = chunks(arrays, format.planes.length + healthMaps.length);
      return windows.map((_, b) => frameResult(perFrame[b] ?? [], format, geometry));
    } catch (cause) {
      if (cause instanceof TypeError || cause instanceof DeblurError) throw cause;
      throw new DeblurError('RUNTIME_FAILED', `TensorFlow failed: ${firstLine(cause)}`, { cause });
    } finally {
      tf.dispose([...own.map(({ tensor }) => tensor), ...outputs]);
    }
  }

  dispose(): Promise<void> {
    this.#translator?.dispose();
    this.#weights.dispose();
    return Promise.resolve();
  }
}

function frameResult(
  arrays: readonly tfjs.TypedArray[],
  format: PixelFormat,
  { width, height }: PictureGeometry,
): FrameResult {
  const count = format.planes.length;
  const planes = arrays.slice(0, count).map((codes) => {
    if (format.bytesPerSample === 1) return Uint8Array.from(codes);
    return new Uint8Array(Uint16Array.from(codes).buffer);
  });
  const maps = Object.fromEntries(healthMaps.map((map, i) => [map, Float32Array.from(arrays[count + i] ?? [])]));
  return { planes, health: toHealth(maps as HealthMaps<Float32Array>, height, width) };
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size));
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  return line.endsWith('.') ? line : `${line}.`;
}
