import type { Tensor } from 'onnxruntime-node';
import { throwIfAborted } from '../../errors.js';
import type { Frame } from '../../io/frame.js';
import { planarFormat } from '../../io/pixel-format.js';
import { EngineSession, type FrameEngine } from '../engine-session.js';
import type { FrameResult, FrameSession, FrameSessionOptions, PictureGeometry } from '../frame-session.js';
import { planForBudget } from '../memory-plan.js';
import { tileCount } from '../tile-plan.js';
import {
  cutterGraph,
  inputPrefix,
  joinerGraph,
  networkGraph,
  networkInputName,
  restoredName,
  tileName,
  wholeGraph,
  type FrameGraphOptions,
} from './frame-graphs.js';
import { graphMemory } from './graph-memory.js';
import type { NetworkStage } from './network-stage.js';
import { frameResult, planeStrides, planeTensors } from './plane-tensors.js';
import { OnnxSession, type SessionOptions } from './session.js';

/**
 * A session that runs a network on frames of one geometry with ONNX Runtime. Conversion, padding,
 * cropping, blending with the source and rounding are nodes of the network's own graph; a frame too
 * large for the memory budget is cut into tiles by one more graph and joined by another. The network
 * is loaded at the first run.
 * @throws DeblurError `MEMORY_BUDGET` when even small tiles need more memory than allowed.
 */
export function createFrameSession(
  stage: NetworkStage,
  geometry: PictureGeometry,
  options: FrameSessionOptions = {},
): FrameSession {
  const { provider = 'cpu', memory = Infinity, strength = 1, threads, signal } = options;
  const format = planarFormat(geometry.format);
  if (!format) throw new TypeError(`${geometry.format} is not a planar format`);
  const grid = planForBudget(stage, geometry, memory, () => graphMemory(stage));
  const tiles = tileCount(grid);
  const batch = tiles > 1 ? 1 : (options.batch ?? 1);
  const session: SessionOptions = { providers: [provider], threads };
  return new EngineSession({
    properties: { provider, window: stage.window, batch, tiles },
    geometry,
    signal,
    createEngine: (first) => {
      const strides = planeStrides(first, format);
      const graphs = { stage, geometry, format, strength, batch, grid, strides };
      return tiles === 1 ? WholeEngine.create(graphs, session) : TiledEngine.create(graphs, session, signal);
    },
  });
}

/** One graph from planes to planes for a batch of whole frames. */
class WholeEngine implements FrameEngine {
  readonly #graphs: FrameGraphOptions;
  readonly #session: OnnxSession;

  private constructor(graphs: FrameGraphOptions, session: OnnxSession) {
    this.#graphs = graphs;
    this.#session = session;
  }

  static async create(graphs: FrameGraphOptions, session: SessionOptions): Promise<WholeEngine> {
    return new WholeEngine(graphs, await OnnxSession.create(wholeGraph(graphs).serialize(), session));
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<FrameResult[]> {
    const feeds: Record<string, Tensor> = {};
    for (let b = 0; b < this.#graphs.batch; b += 1) {
      // A short last batch is filled with its last window, whose further results are not looked at.
      const window = windows[Math.min(b, windows.length - 1)] ?? [];
      window.forEach((frame, k) => {
        Object.assign(feeds, planeTensors(this.#graphs, inputPrefix(b, k), frame));
      });
    }
    const outputs = await this.#session.run(feeds);
    return windows.map((_, b) => frameResult(this.#graphs, outputs, b));
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

/** A cutter, a network and a joiner. */
type TileSessions = readonly [cutter: OnnxSession, network: OnnxSession, joiner: OnnxSession];

/** Three graphs: planes to tiles, tile to restored tile, restored tiles to planes. */
class TiledEngine implements FrameEngine {
  readonly #graphs: FrameGraphOptions;
  readonly #sessions: TileSessions;
  readonly #signal: AbortSignal | undefined;

  private constructor(graphs: FrameGraphOptions, sessions: TileSessions, signal: AbortSignal | undefined) {
    this.#graphs = graphs;
    this.#sessions = sessions;
    this.#signal = signal;
  }

  static async create(
    graphs: FrameGraphOptions,
    session: SessionOptions,
    signal: AbortSignal | undefined,
  ): Promise<TiledEngine> {
    const { stage, grid } = graphs;
    const [tileHeight = 0, tileWidth = 0] = [grid.rows[0]?.length, grid.columns[0]?.length];
    const models = [cutterGraph(graphs), networkGraph(stage, tileHeight, tileWidth), joinerGraph(graphs)];
    const sessions: OnnxSession[] = [];
    try {
      for (const model of models) sessions.push(await OnnxSession.create(model.serialize(), session));
    } catch (error) {
      await Promise.all(sessions.map((created) => created.dispose()));
      throw error;
    }
    return new TiledEngine(graphs, sessions as unknown as TileSessions, signal);
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<FrameResult[]> {
    const results: FrameResult[] = [];
    for (const window of windows) results.push(await this.#runOne(window));
    return results;
  }

  async #runOne(window: readonly Frame[]): Promise<FrameResult> {
    const [cutter, network, joiner] = this.#sessions;
    const { stage, grid } = this.#graphs;
    const feeds = window.map((frame, k) => planeTensors(this.#graphs, inputPrefix(0, k), frame));
    const tiles = await cutter.run(Object.assign({}, ...feeds) as Record<string, Tensor>);
    const restored: Record<string, Tensor> = { ...feeds[stage.window.past] };
    for (let i = 0; i < tileCount(grid); i += 1) {
      throwIfAborted(this.#signal);
      const inputs = window.map((_, k) => [networkInputName(k), tiles[tileName(k, i)]]);
      const outputs = await network.run(Object.fromEntries(inputs) as Record<string, Tensor>);
      Object.assign(restored, { [restoredName(i)]: outputs[restoredName(0)] });
    }
    return frameResult(this.#graphs, await joiner.run(restored), 0);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.dispose()));
  }
}
