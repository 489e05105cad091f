import type * as tfjs from '@tensorflow/tfjs';
import { DeblurError } from '../../errors.js';
import type { Frame } from '../../io/frame.js';
import { planarFormat, planeSize, type PixelFormat } from '../../io/pixel-format.js';
import { applyNetwork, applyToPlanes, type Network } from '../../models/network.js';
import type { Shape, Weights } from '../../models/ops.js';
import type { Tensors } from '../../models/weights/tensors.js';
import { EngineSession, type FrameEngine } from '../engine-session.js';
import type { FrameResult, FrameSession, FrameSessionOptions, PictureGeometry } from '../frame-session.js';
import { planForBudget, sampleEdgeFor, type NetworkMemory } from '../memory-plan.js';
import { restoreWindows, windowLength, type FrameNetwork } from '../picture/frame-stage.js';
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

/**
 * A session that runs a network on frames of one geometry with TensorFlow.js: what `createFrameSession` does
 * with ONNX Runtime, to the same result. TensorFlow computes on the thread that calls it.
 * @throws DeblurError `MEMORY_BUDGET` when even small tiles need more memory than allowed.
 */
export function createTensorflowSession(
  { network, weights }: { readonly network: Network; readonly weights: Tensors },
  geometry: PictureGeometry,
  { backend, memory = Infinity, strength = 1, batch = 1, signal }: TensorflowSessionOptions,
): FrameSession {
  const format = planarFormat(geometry.format);
  if (!format) throw new TypeError(`${geometry.format} is not a planar format`);
  const needs = { multiple: network.sizes.multiple, reach: network.reach, overlap: network.overlap };
  const grid = planForBudget(needs, geometry, memory, () => networkMemory(network, weights, sampleEdgeFor(needs)));
  const tiles = tileCount(grid);
  const plan: FramePlan = { network, geometry, format, strength, grid, batch: tiles > 1 ? 1 : batch };
  return new EngineSession({
    properties: { provider: backend.name, window: network.window, batch: plan.batch, tiles },
    geometry,
    signal,
    createEngine: () => Promise.resolve(new TensorflowEngine(backend.tf, plan, weights)),
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
    return restored.flatMap(({ planes, health }) => [...planes, ...healthMaps.map((map) => health[map])]);
  };
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

class TensorflowEngine implements FrameEngine {
  readonly #tf: Tfjs;
  readonly #plan: FramePlan;
  readonly #weights: TensorflowWeights;
  readonly #run: TensorFunction;
  readonly #releases: ReleasePlan;

  constructor(tf: Tfjs, plan: FramePlan, weights: Tensors) {
    this.#tf = tf;
    this.#plan = plan;
    this.#weights = new TensorflowWeights(tf, weights);
    this.#run = restoration(plan);
    const { format, geometry, network, batch } = plan;
    const frame = format.planes.map((layout): Shape => {
      const [width, height] = planeSize(layout, geometry.width, geometry.height);
      return [1, 1, height, width];
    });
    const frames = Array<readonly Shape[]>(batch * windowLength(network)).fill(frame);
    this.#releases = planReleases(this.#run, frames.flat());
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]> {
    const { format, geometry, batch } = this.#plan;
    const tf = this.#tf;
    // A short last batch is filled with its last window, whose further results are not looked at.
    const full = Array.from({ length: batch }, (_, b) => windows[Math.min(b, windows.length - 1)] ?? []);
    const inputs: TfValue[] = [];
    let outputs: tfjs.Tensor[] = [];
    try {
      for (const frame of full.flat()) inputs.push(...this.#planeValues(frame));
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
      tf.dispose([...inputs.map(({ tensor }) => tensor), ...outputs]);
    }
  }

  dispose(): Promise<void> {
    this.#weights.dispose();
    return Promise.resolve();
  }

  /** A frame's planes as code values. */
  #planeValues(frame: Frame): TfValue[] {
    const { format, geometry } = this.#plan;
    const planes = frame.planes();
    return format.planes.map((layout, i) => {
      const plane = planes[i];
      if (!plane) throw new TypeError(`frame ${frame.index} has no plane ${i}`);
      const [width, height] = planeSize(layout, geometry.width, geometry.height);
      const samples = planeRows(plane, format.bytesPerSample, width, height);
      return valueOf(this.#tf.tensor4d(Float32Array.from(samples), [1, 1, height, width]));
    });
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
