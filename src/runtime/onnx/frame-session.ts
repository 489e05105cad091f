import type { Tensor } from 'onnxruntime-node';
import { throwIfAborted } from '../../errors.js';
import type { Frame } from '../../io/frame.js';
import { planarFormat } from '../../io/pixel-format.js';
import type { FrameResult, FrameSession, PictureGeometry } from '../frame-session.js';
import { PendingRuns } from '../pending-runs.js';
import {
  cutterGraph,
  inputPrefix,
  joinerGraph,
  networkGraph,
  networkInputName,
  restoredName,
  tileCount,
  tileName,
  wholeGraph,
  type FrameGraphOptions,
} from './frame-graphs.js';
import { planForBudget } from './memory-plan.js';
import type { NetworkStage } from './network-stage.js';
import { checkGeometry, frameResult, planeStrides, planeTensors } from './plane-tensors.js';
import { OnnxSession, type SessionOptions } from './session.js';

/** Options of {@link createFrameSession}. */
export interface FrameSessionOptions {
  /** Execution provider, proven by the caller. Default `cpu`. */
  readonly provider?: string;
  /** Bytes that a run may take; larger frames are tiled. Default: no limit. */
  readonly memory?: number;
  /** How much of the result to use, 0 to 1. Default 1. */
  readonly strength?: number;
  /** Threads. Default: one per processor. */
  readonly threads?: number;
  /** Frames per run; tiled frames run one by one. Default 1. */
  readonly batch?: number;
  /** Cancels before the network is loaded and between tiles. */
  readonly signal?: AbortSignal;
}

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
  return new OnnxFrameSession(stage, geometry, options);
}

/** How frames become results: at once or by tiles. */
interface Engine {
  run(windows: readonly (readonly Frame[])[]): Promise<FrameResult[]>;
  dispose(): Promise<void>;
}

class OnnxFrameSession implements FrameSession {
  readonly provider: string;
  readonly window: NetworkStage['window'];
  readonly batch: number;
  readonly tiles: number;
  readonly #graphs: Omit<FrameGraphOptions, 'strides'>;
  readonly #session: SessionOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #pending = new PendingRuns();
  #engine: Promise<Engine> | undefined;
  #closed: Promise<void> | undefined;

  constructor(stage: NetworkStage, geometry: PictureGeometry, options: FrameSessionOptions) {
    const { provider = 'cpu', memory = Infinity, strength = 1, threads, batch = 1, signal } = options;
    const format = planarFormat(geometry.format);
    if (!format) throw new TypeError(`${geometry.format} is not a planar format`);
    const grid = planForBudget(stage, geometry, memory);
    this.provider = provider;
    this.window = stage.window;
    this.tiles = tileCount(grid);
    this.batch = this.tiles > 1 ? 1 : batch;
    this.#graphs = { stage, geometry, format, strength, batch: this.batch, grid };
    this.#session = { providers: [provider], threads };
    this.#signal = signal;
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]> {
    if (this.#closed) throw new TypeError('the session is used after it was closed');
    return this.#pending.track(this.#run(windows));
  }

  idle(): Promise<void> {
    return this.#pending.idle();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.idle();
    const [engine] = await Promise.allSettled([this.#engine]);
    if (engine.status === 'fulfilled') await engine.value?.dispose();
  }

  async #run(windows: readonly (readonly Frame[])[]): Promise<FrameResult[]> {
    throwIfAborted(this.#signal);
    const { geometry, format } = this.#graphs;
    for (const frame of windows.flat()) checkGeometry(frame, geometry);
    const first = windows[0]?.[0];
    if (!first) return [];
    this.#engine ??= this.#createEngine(planeStrides(first, format));
    return (await this.#engine).run(windows);
  }

  #createEngine(strides: readonly number[]): Promise<Engine> {
    const graphs = { ...this.#graphs, strides };
    return this.tiles === 1
      ? WholeEngine.create(graphs, this.#session)
      : TiledEngine.create(graphs, this.#session, this.#signal);
  }
}

/** One graph from planes to planes for a batch of whole frames. */
class WholeEngine implements Engine {
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
class TiledEngine implements Engine {
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
