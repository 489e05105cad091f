import type { Tensor } from 'onnxruntime-node';
import { DeblurError } from '../../errors.js';
import type { Frame, Plane } from '../../io/frame.js';
import { planeSize, type PixelFormat } from '../../io/pixel-format.js';
import type { FrameResult, OutputHealth, PictureGeometry } from '../frame-session.js';
import { healthMaps, outputPrefix, type FrameGraphOptions } from './frame-graphs.js';
import { healthCell } from './health-stage.js';
import { tensor } from './session.js';

/** Samples per row of each plane, as the decoder lays them out. */
export function planeStrides(frame: Frame, format: PixelFormat): number[] {
  return frame.planes().map((plane) => plane.stride / format.bytesPerSample);
}

/** @throws DeblurError `FORMAT_UNSUPPORTED` when the frame is not of the session's geometry. */
export function checkGeometry({ index, properties }: Frame, { width, height, format }: PictureGeometry): void {
  if (properties.width === width && properties.height === height && properties.format === format) return;
  throw new DeblurError(
    'FORMAT_UNSUPPORTED',
    `Frame ${index} is ${properties.width}x${properties.height} ${properties.format} in a video of ${width}x${height} ${format}.`,
  );
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
    const bytes = rowsOf(plane, stride * format.bytesPerSample, height);
    const shape = [height, stride];
    feeds[prefix + layout.component] =
      format.bytesPerSample === 1
        ? tensor('uint8', bytes, shape)
        : tensor('uint16', new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2), shape);
  });
  return feeds;
}

/** `height` rows of exactly `stride` bytes. */
function rowsOf({ data, stride: from }: Plane, stride: number, height: number): Uint8Array {
  const size = stride * height;
  if (from === stride && data.byteLength >= size && data.byteOffset % 2 === 0) return data.subarray(0, size);
  const rows = new Uint8Array(size);
  for (let y = 0; y < height; y += 1) {
    rows.set(data.subarray(y * from, y * from + Math.min(stride, from)), y * stride);
  }
  return rows;
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
  const maps = Object.fromEntries(healthMaps.map((name) => [name, array(`${name}${index}`) as Float32Array]));
  return { planes, health: { cell: healthCell(geometry.height, geometry.width), ...maps } as OutputHealth };
}
