import { bfloatToFloat, halfToFloat } from './half.js';

/** An element type of checkpoint files. */
export interface ElementType {
  /** Bytes per element. */
  readonly bytes: number;
  /** The element at a byte position, little-endian, as a number. */
  readonly read: (view: DataView, position: number) => number;
}

/** Element types by the names that `.safetensors` files use. */
export const elementTypes = {
  F64: { bytes: 8, read: (view, position) => view.getFloat64(position, true) },
  F32: { bytes: 4, read: (view, position) => view.getFloat32(position, true) },
  F16: { bytes: 2, read: (view, position) => halfToFloat(view.getUint16(position, true)) },
  BF16: { bytes: 2, read: (view, position) => bfloatToFloat(view.getUint16(position, true)) },
  I64: { bytes: 8, read: (view, position) => Number(view.getBigInt64(position, true)) },
  I32: { bytes: 4, read: (view, position) => view.getInt32(position, true) },
} as const satisfies Record<string, ElementType>;

/**
 * Reads elements that lie one after the other.
 *
 * @param bytes the file.
 * @param start byte position of the first one.
 */
export function readElements(type: ElementType, bytes: Uint8Array, start: number, count: number): Float32Array {
  const part = bytes.subarray(start, start + count * type.bytes);
  const result = new Float32Array(count);
  if (type === elementTypes.F32) {
    new Uint8Array(result.buffer).set(part);
    return result;
  }
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  for (let i = 0; i < count; i += 1) result[i] = type.read(view, i * type.bytes);
  return result;
}
