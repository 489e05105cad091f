import type { Frame } from '../../io/frame.js';
import { planarFormat } from '../../io/pixel-format.js';
import { EngineSession, type FrameEngine } from '../engine-session.js';
import type { FrameResult, FrameSession, FrameSessionOptions, PictureGeometry } from '../frame-session.js';
import { planForBudget } from '../memory-plan.js';
import { tileCount } from '../tile-plan.js';
import { PlaneFeeds, TranslatedFeeds, type Feeds, type FrameFeeds } from './frame-feeds.js';
import { joinerGraph, wholeGraph, type FrameGraphOptions } from './frame-graphs.js';
import { graphMemory } from './graph-memory.js';
import type { NetworkStage } from './network-stage.js';
import { frameResult, planeStrides } from './plane-tensors.js';
import { OnnxSession, type SessionOptions } from './session.js';
import { TileSessions } from './tile-sessions.js';

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
  return sessionOf(stage, geometry, options);
}

/**
 * The same of a network that takes what a translator makes of the frames. The two have graphs of their own, between
 * which frames stay RGB in floating point; every frame is translated once, and kept while windows need it.
 * @param translator turns a frame's blur into one that `stage` knows.
 * @throws DeblurError as {@link createFrameSession}.
 */
export function createTranslatedSession(
  translator: NetworkStage,
  stage: NetworkStage,
  geometry: PictureGeometry,
  options: FrameSessionOptions = {},
): FrameSession {
  return sessionOf(stage, geometry, options, translator);
}

function sessionOf(
  stage: NetworkStage,
  geometry: PictureGeometry,
  options: FrameSessionOptions,
  translator?: NetworkStage,
): FrameSession {
  const { provider = 'cpu', memory = Infinity, strength = 1, threads, signal } = options;
  const format = planarFormat(geometry.format);
  if (!format) throw new TypeError(`${geometry.format} is not a planar format`);
  const gridOf = (own: NetworkStage) => planForBudget(own, geometry, memory, () => graphMemory(own));
  const grid = gridOf(stage);
  const translatorGrid = translator && gridOf(translator);
  const tiles = tileCount(grid);
  const batch = tiles > 1 ? 1 : (options.batch ?? 1);
  const session: SessionOptions = { providers: [provider], threads };
  return new EngineSession({
    properties: {
      provider,
      window: windowOf(stage, translator),
      temporalFilter: stage.temporalFilter ?? 0,
      batch,
      tiles: Math.max(tiles, translatorGrid ? tileCount(translatorGrid) : 1),
    },
    geometry,
    signal,
    createEngine: async (first) => {
      const frames = { geometry, format, strength, strides: planeStrides(first, format) };
      const graphs = { ...frames, stage, batch, grid, translated: translator !== undefined };
      const feeds =
        translator && translatorGrid
          ? await TranslatedFeeds.create(
              { ...frames, stage: translator, batch: 1, grid: translatorGrid, translated: false },
              graphs,
              session,
              signal,
            )
          : new PlaneFeeds(graphs);
      try {
        return await (tiles === 1
          ? WholeEngine.create(graphs, feeds, session)
          : TiledEngine.create(graphs, feeds, session, signal));
      } catch (error) {
        await feeds.dispose();
        throw error;
      }
    },
  });
}

/** The frames that a network needs around one, its translator's neighbours included. */
function windowOf({ window }: NetworkStage, translator: NetworkStage | undefined): FrameSession['window'] {
  return {
    past: window.past + (translator?.window.past ?? 0),
    future: window.future + (translator?.window.future ?? 0),
  };
}

/** One graph for a batch of whole frames. */
class WholeEngine implements FrameEngine {
  readonly #graphs: FrameGraphOptions;
  readonly #feeds: FrameFeeds;
  readonly #session: OnnxSession;

  private constructor(graphs: FrameGraphOptions, feeds: FrameFeeds, session: OnnxSession) {
    this.#graphs = graphs;
    this.#feeds = feeds;
    this.#session = session;
  }

  static async create(graphs: FrameGraphOptions, feeds: FrameFeeds, session: SessionOptions): Promise<WholeEngine> {
    return new WholeEngine(graphs, feeds, await OnnxSession.create(wholeGraph(graphs).serialize(), session));
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<FrameResult[]> {
    const { batch, translated } = this.#graphs;
    const inputs: Feeds = {};
    for (let b = 0; b < batch; b += 1) {
      // A short last batch is filled with its last window, whose further results are not looked at.
      const window = windows[Math.min(b, windows.length - 1)] ?? [];
      Object.assign(inputs, await this.#feeds.frames(window, b));
      if (translated) Object.assign(inputs, this.#feeds.source(window, b));
    }
    const outputs = await this.#session.run(inputs);
    return windows.map((_, b) => frameResult(this.#graphs, outputs, b));
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#feeds.dispose(), this.#session.dispose()]);
  }
}

/** Three graphs: frames to tiles, tile to restored tile, restored tiles to planes. */
class TiledEngine implements FrameEngine {
  readonly #graphs: FrameGraphOptions;
  readonly #feeds: FrameFeeds;
  readonly #sessions: TileSessions;

  private constructor(graphs: FrameGraphOptions, feeds: FrameFeeds, sessions: TileSessions) {
    this.#graphs = graphs;
    this.#feeds = feeds;
    this.#sessions = sessions;
  }

  static async create(
    graphs: FrameGraphOptions,
    feeds: FrameFeeds,
    session: SessionOptions,
    signal: AbortSignal | undefined,
  ): Promise<TiledEngine> {
    return new TiledEngine(graphs, feeds, await TileSessions.create(graphs, joinerGraph(graphs), session, signal));
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<FrameResult[]> {
    const results: FrameResult[] = [];
    for (const window of windows) {
      const frames = await this.#feeds.frames(window, 0);
      const outputs = await this.#sessions.run(frames, this.#feeds.source(window, 0));
      results.push(frameResult(this.#graphs, outputs, 0));
    }
    return results;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#feeds.dispose(), this.#sessions.dispose()]);
  }
}
