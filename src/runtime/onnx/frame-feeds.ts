import type { Tensor } from 'onnxruntime-node';
import type { Frame } from '../../io/frame.js';
import { contentOf, Memoised } from '../memoised.js';
import { windowLength } from '../picture/frame-stage.js';
import { tileCount } from '../tile-plan.js';
import {
  inputPrefix,
  translatedJoinerGraph,
  translatedName,
  translatorGraph,
  type FrameGraphOptions,
} from './frame-graphs.js';
import type { NetworkStage } from './network-stage.js';
import { planeTensors } from './plane-tensors.js';
import { OnnxSession, type SessionOptions } from './session.js';
import { TileSessions } from './tile-sessions.js';

/** Inputs of a graph by their names. */
export type Feeds = Record<string, Tensor>;

/** What a network's graphs are fed of its windows. `batch` is a window's place in the run. */
export interface FrameFeeds {
  /** The frames that the network looks at. */
  frames(window: readonly Frame[], batch: number): Promise<Feeds>;
  /** The planes of the frame that is restored. */
  source(window: readonly Frame[], batch: number): Feeds;
  dispose(): Promise<void>;
}

/** Frames as the decoder gives them. */
export class PlaneFeeds implements FrameFeeds {
  readonly #graphs: FrameGraphOptions;

  constructor(graphs: FrameGraphOptions) {
    this.#graphs = graphs;
  }

  frames(window: readonly Frame[], batch: number): Promise<Feeds> {
    return Promise.resolve(windowTensors(this.#graphs, window, batch));
  }

  source(window: readonly Frame[], batch: number): Feeds {
    const { past } = this.#graphs.stage.window;
    return planeTensors(this.#graphs, inputPrefix(batch, past), frameAt(window, past));
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

/** Frames as a translator gives them: each is translated once, in however many windows it is. */
export class TranslatedFeeds implements FrameFeeds {
  readonly #translator: Translator;
  readonly #graphs: FrameGraphOptions;
  readonly #stage: NetworkStage;
  readonly #translated: Memoised<Promise<Tensor>>;

  private constructor(translator: Translator, graphs: FrameGraphOptions, stage: NetworkStage, batch: number) {
    this.#translator = translator;
    this.#graphs = graphs;
    this.#stage = stage;
    this.#translated = new Memoised((windowLength(stage) + 1) * batch);
  }

  /**
   * @param graphs of the translator.
   * @param stage the network that takes what it gives, `batch` windows in a run.
   */
  static async create(
    graphs: FrameGraphOptions,
    { stage, batch }: Pick<FrameGraphOptions, 'stage' | 'batch'>,
    session: SessionOptions,
    signal: AbortSignal | undefined,
  ): Promise<TranslatedFeeds> {
    const tiled = tileCount(graphs.grid) > 1;
    const translator = await (tiled ? tiledTranslator(graphs, session, signal) : wholeTranslator(graphs, session));
    return new TranslatedFeeds(translator, graphs, stage, batch);
  }

  async frames(window: readonly Frame[], batch: number): Promise<Feeds> {
    const own = windowLength(this.#graphs.stage);
    const feeds: Feeds = {};
    for (let k = 0; k < windowLength(this.#stage); k += 1) {
      feeds[translatedName(batch, k)] = await this.#translate(window.slice(k, k + own));
    }
    return feeds;
  }

  source(window: readonly Frame[], batch: number): Feeds {
    const { past } = this.#stage.window;
    const frame = frameAt(window, past + this.#graphs.stage.window.past);
    return planeTensors(this.#graphs, inputPrefix(batch, past), frame);
  }

  async dispose(): Promise<void> {
    this.#translated.clear();
    await this.#translator.dispose();
  }

  async #translate(window: readonly Frame[]): Promise<Tensor> {
    const key = contentOf(window);
    try {
      return await this.#translated.get(key, () => this.#translator.translate(windowTensors(this.#graphs, window, 0)));
    } catch (error) {
      this.#translated.forget(key);
      throw error;
    }
  }
}

/** From the planes of a window to its translated frame. */
interface Translator {
  translate(feeds: Feeds): Promise<Tensor>;
  dispose(): Promise<void>;
}

async function wholeTranslator(graphs: FrameGraphOptions, options: SessionOptions): Promise<Translator> {
  const session = await OnnxSession.create(translatorGraph(graphs).serialize(), options);
  return {
    translate: async (feeds) => translatedFrame(await session.run(feeds)),
    dispose: () => session.dispose(),
  };
}

async function tiledTranslator(
  graphs: FrameGraphOptions,
  options: SessionOptions,
  signal: AbortSignal | undefined,
): Promise<Translator> {
  const sessions = await TileSessions.create(graphs, translatedJoinerGraph(graphs), options, signal);
  return {
    translate: async (feeds) => translatedFrame(await sessions.run(feeds, {})),
    dispose: () => sessions.dispose(),
  };
}

function translatedFrame(outputs: Feeds): Tensor {
  const frame = outputs[translatedName(0, 0)];
  if (!frame) throw new TypeError('the translator gave no frame');
  return frame;
}

function windowTensors(graphs: FrameGraphOptions, window: readonly Frame[], batch: number): Feeds {
  const feeds = window.map((frame, k) => planeTensors(graphs, inputPrefix(batch, k), frame));
  return Object.assign({}, ...feeds) as Feeds;
}

function frameAt(window: readonly Frame[], index: number): Frame {
  const frame = window[index];
  if (!frame) throw new RangeError('a window lacks a frame');
  return frame;
}
