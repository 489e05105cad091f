import type { Tensor } from 'onnxruntime-node';
import type { Frame } from '../../io/frame.js';
import { planeSize, type PixelFormat } from '../../io/pixel-format.js';
import type { FrameResult } from '../frame-session.js';
import { healthMaps, toHealth, type HealthMaps } from '../picture/health-stage.js';
import { planeRows } from '../plane-samples.js';
import { healthName, outputPrefix, type FrameGraphOptions } from './frame-graphs.js';
import { tensor } from './session.js';

/** Samples per row of each plane, as the decoder lays them out. */
export function planeStrides(frame: Frame, format: PixelFormat): number[] {
  return frame.planes().map((plane) => plane.stride / format.bytesPerSample);
}

/**
 * A frame's planes as tensors over its own memory, named `prefix` + component. Rows are copied only
 * where the decoder's stride is not the graph's.
 */
export function planeTensors(
  { geometry, format, strides }: FrameGraphOptions,
  prefix: string,
  frame: Frame,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  const planes = frame.planes();
  format.planes.forEach((layout, i) => {
    const [plane, stride] = [planes[i], strides[i]];
    if (!plane || stride === undefined) throw new TypeError(`frame ${frame.index} has no plane ${i}`);
    const [, height] = planeSize(layout, geometry.width, geometry.height);
    const rows = planeRows(plane, format.bytesPerSample, stride, height);
    const shape = [height, stride];
    feeds[prefix + layout.component] =
      rows instanceof Uint16Array ? tensor('uint16', rows, shape) : tensor('uint8', rows, shape);
  });
  return feeds;
}

/** A frame's result from the outputs of a run; `index` is its place in the batch. */
export function frameResult(
  { geometry, format }: FrameGraphOptions,
  outputs: Readonly<Record<string, Tensor>>,
  index: number,
): FrameResult {
  const array = (name: string) => {
    const data = outputs[name]?.data;
    if (!ArrayBuffer.isView(data)) throw new TypeError(`the graph has no output ${name}`);
    return data;
  };
  const planes = format.planes.map(({ component }) => {
    const { buffer, byteOffset, byteLength } = array(outputPrefix(index) + component);
    return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  });
  const maps = Object.fromEntries(healthMaps.map((map) => [map, array(healthName(map, index)) as Float32Array]));
  return { planes, health: toHealth(maps as HealthMaps<Float32Array>, geometry.height, geometry.width) };
}
