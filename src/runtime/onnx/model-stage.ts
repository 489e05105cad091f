import type { Model } from '../../models/registry.js';
import { applyNetwork } from '../../models/network.js';
import type { NetworkStage } from './network-stage.js';
import { constantWeights, OnnxOps } from './onnx-ops.js';

/** A model's network as a stage of a frame's graph. */
export function modelStage(model: Model): NetworkStage {
  if (model.kind === 'onnx') throw new TypeError('todo');
  const { network, weights } = model;
  const { window, reach, overlap, sizes } = network;
  return {
    ...{ window, reach, overlap, multiple: sizes.multiple },
    emit: (builder, frames) => applyNetwork(new OnnxOps(builder), network, constantWeights(builder, weights), frames),
  };
}
