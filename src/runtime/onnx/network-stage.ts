import type { Planes } from '../../models/network.js';
import type { GraphBuilder, Value } from './graph.js';

/** A network as nodes of a graph, whatever it was made from. */
export interface NetworkStage {
  /** Neighbouring frames wanted before and after the one to restore. */
  readonly window: { readonly past: number; readonly future: number };
  /** Tile sizes should be multiples of this. */
  readonly multiple: number;
  /** Pixels at which an input still changes an output, or `global`. */
  readonly reach: number | 'global';
  /** Overlap of neighbouring tiles in pixels that hides their borders. */
  readonly overlap: number;
  /** How much a result takes of the one before it, see {@link FrameSession.temporalFilter}. Default 0. */
  readonly temporalFilter?: number;
  /** Bytes that a run holds per pixel, where the sizes of its nodes' results are not known. */
  readonly bytesPerPixel?: number;
  /**
   * Adds the network's nodes.
   * @param frames RGB `[N, 3, H, W]` in [0, 1] in order of time, any size.
   * @returns the restored frame, same shape, not clamped.
   */
  emit(builder: GraphBuilder, frames: readonly Value[]): Value;
  /**
   * Adds the nodes of a network that works on 4:2:0 planes, which then need no conversion.
   * @param frames in order of time, of even size.
   * @returns what has to be added to the planes of the restored frame.
   */
  readonly emitPlanes?: (builder: GraphBuilder, frames: readonly Planes<Value>[]) => Planes<Value>;
}
