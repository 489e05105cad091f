import { DeblurError } from '../errors.js';
import type { Frame, Plane } from '../io/frame.js';
import type { PictureGeometry } from './frame-session.js';

/** @throws DeblurError `FORMAT_UNSUPPORTED` when the frame is not of the session's geometry. */
export function checkGeometry(
  { index, properties }: Frame,
  { width, height, format }: Omit<PictureGeometry, 'color'>,
): void {
  if (properties.width === width && properties.height === height && properties.format === format) return;
  throw new DeblurError(
    'FORMAT_UNSUPPORTED',
    `Frame ${index} is ${properties.width}x${properties.height} ${properties.format} in a video of ${width}x${height} ${format}.`,
  );
}

/**
 * `height` rows of exactly `stride` samples each: a view of the plane's own memory, or a copy where its rows lie
 * otherwise.
 */
export function planeRows(
  { data, stride: from }: Plane,
  bytesPerSample: 1 | 2,
  stride: number,
  height: number,
): Uint8Array | Uint16Array {
  const bytes = rowsOfBytes(data, from, stride * bytesPerSample, height);
  return bytesPerSample === 1 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

function rowsOfBytes(data: Uint8Array, from: number, stride: number, height: number): Uint8Array {
  const size = stride * height;
  if (from === stride && data.byteLength >= size && data.byteOffset % 2 === 0) return data.subarray(0, size);
  const rows = new Uint8Array(size);
  for (let y = 0; y < height; y += 1) {
    rows.set(data.subarray(y * from, y * from + Math.min(stride, from)), y * stride);
  }
  return rows;
}
