import { sampleEdgeFor, type NetworkMemory } from '../memory-plan.js';
import { networkGraph } from './frame-graphs.js';
import type { NetworkStage } from './network-stage.js';

/** Most that a run was seen to hold, as a multiple of what its buffers need: 2.35 for MAXIM, 1.6 for NAFNet (docs/benchmarks.md). */
const overhead = 2.5;
/** A model's constants are held by the serialised graph while it loads, and by the session. */
const copiesOfConstants = 2;

/** What ONNX Runtime takes for a network, from the graph of a small picture. */
export function graphMemory(stage: NetworkStage): NetworkMemory {
  const edge = sampleEdgeFor(stage);
  const graph = networkGraph(stage, edge, edge);
  return {
    perPixel: stage.bytesPerPixel ?? (graph.activationBytes() / edge ** 2) * overhead,
    fixed: graph.constantBytes() * copiesOfConstants,
  };
}
