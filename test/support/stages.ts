import type { GraphBuilder, Value } from '../../src/runtime/onnx/graph.js';
import type { NetworkStage } from '../../src/runtime/onnx/network-stage.js';
import { OnnxOps } from '../../src/runtime/onnx/onnx-ops.js';

/** A network stage of small reach made of the given nodes. */
export function stage(emit: NetworkStage['emit'], options: Partial<NetworkStage> = {}): NetworkStage {
  return { window: { past: 0, future: 0 }, multiple: 1, reach: 1, overlap: 8, emit, ...options };
}

function first(frames: readonly Value[]): Value {
  const [frame] = frames;
  if (!frame) throw new RangeError('no frame');
  return frame;
}

/** Gives back what it gets. */
export const identity = stage((_, frames) => first(frames));

/** Every channel times a number. */
export function gain(factor: number): NetworkStage {
  return stage((builder, frames) => new OnnxOps(builder).mul(first(frames), builder.scalar(factor)));
}

/** A sharpening 3×3 convolution of each channel, with zeros outside the picture. */
export const sharpen = stage((builder: GraphBuilder, frames) => {
  const kernel = [0, -1, 0, -1, 5, -1, 0, -1, 0];
  const weight = builder.constant('float32', [3, 1, 3, 3], Float32Array.from([...kernel, ...kernel, ...kernel]));
  return new OnnxOps(builder).conv2d(first(frames), weight, { padding: 1, groups: 3 });
});

/** The mean of a frame and its two neighbours. */
export const temporalMean = stage(
  (builder, [past, present, future]) => {
    const ops = new OnnxOps(builder);
    if (!past || !present || !future) throw new RangeError('three frames');
    return ops.mul(ops.add(ops.add(past, present), future), builder.scalar(1 / 3));
  },
  { window: { past: 1, future: 1 } },
);
