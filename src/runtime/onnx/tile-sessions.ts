import type { Tensor } from 'onnxruntime-node';
import { throwIfAborted } from '../../errors.js';
import type { NetworkStage } from './network-stage.js';
import { tileCount } from '../tile-plan.js';
import { windowLength } from '../picture/frame-stage.js';
import {
  cutterGraph,
  networkGraph,
  networkInputName,
  restoredName,
  tileName,
  type FrameGraphOptions,
} from './frame-graphs.js';
import type { GraphBuilder } from './graph.js';
import { OnnxSession, type SessionOptions } from './session.js';

/** A cutter, a network and a joiner. */
type Sessions = readonly [cutter: OnnxSession, network: OnnxSession, joiner: OnnxSession];

/** A network that is run tile by tile: one graph cuts frames into tiles, one restores a tile, one joins the results. */
export class TileSessions {
  readonly #stage: NetworkStage;
  readonly #tiles: number;
  readonly #sessions: Sessions;
  readonly #signal: AbortSignal | undefined;

  private constructor({ stage, grid }: FrameGraphOptions, sessions: Sessions, signal: AbortSignal | undefined) {
    this.#stage = stage;
    this.#tiles = tileCount(grid);
    this.#sessions = sessions;
    this.#signal = signal;
  }

  static async create(
    graphs: FrameGraphOptions,
    joiner: GraphBuilder,
    session: SessionOptions,
    signal: AbortSignal | undefined,
  ): Promise<TileSessions> {
    const { stage, grid } = graphs;
    const [tileHeight = 0, tileWidth = 0] = [grid.rows[0]?.length, grid.columns[0]?.length];
    const models = [cutterGraph(graphs), networkGraph(stage, tileHeight, tileWidth), joiner];
    const sessions: OnnxSession[] = [];
    try {
      for (const model of models) sessions.push(await OnnxSession.create(model.serialize(), session));
    } catch (error) {
      await Promise.all(sessions.map((created) => created.dispose()));
      throw error;
    }
    return new TileSessions(graphs, sessions as unknown as Sessions, signal);
  }

  /**
   * @param frames the cutter's inputs.
   * @param beside what the joiner takes beside the restored tiles.
   * @returns the joiner's outputs.
   */
  async run(frames: Record<string, Tensor>, beside: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    const [cutter, network, joiner] = this.#sessions;
    const tiles = await cutter.run(frames);
    const restored: Record<string, Tensor> = { ...beside };
    for (let i = 0; i < this.#tiles; i += 1) {
      throwIfAborted(this.#signal);
      const inputs = Array.from({ length: windowLength(this.#stage) }, (_, k) => [
        networkInputName(k),
        tiles[tileName(k, i)],
      ]);
      const outputs = await network.run(Object.fromEntries(inputs) as Record<string, Tensor>);
      Object.assign(restored, { [restoredName(i)]: outputs[restoredName(0)] });
    }
    return joiner.run(restored);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.dispose()));
  }
}
