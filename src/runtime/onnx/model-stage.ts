import type { Model } from '../../models/registry.js';
import { applyNetwork, applyToPlanes } from '../../models/network.js';
import { readModelFile } from './model-file.js';
import type { NetworkStage } from './network-stage.js';
import { constantWeights, OnnxOps } from './onnx-ops.js';

/**
 * A model's network as a stage of a frame's graph.
 * @throws DeblurError `CHECKPOINT_INVALID`, `FORMAT_UNSUPPORTED` for an ONNX file that can't be taken over.
 */
export async function modelStage(model: Model): Promise<NetworkStage> {
  if (model.kind === 'onnx') return readModelFile(model.path);
  const { network, weights } = model;
  const { window, reach, overlap, sizes, temporalFilter = 0 } = network;
  return {
    ...{ window, reach, overlap, temporalFilter, multiple: sizes.multiple },
    emit: (builder, frames) => applyNetwork(new OnnxOps(builder), network, constantWeights(builder, weights), frames),
    ...(network.forwardPlanes && {
      emitPlanes: (builder, frames) =>
        applyToPlanes(new OnnxOps(builder), network, constantWeights(builder, weights), frames),
    }),
  };
}
