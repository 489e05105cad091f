import { elements } from '../../models/ops.js';
import type { Shape } from '../../models/ops.js';

/** Element types by ONNX Runtime's names. Half precision is kept as bit patterns. */
const arrays = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
} as const;

/** The element type of a value. */
export type DataType = keyof typeof arrays;

/** The array that holds a constant of some element type: `float32` in a `Float32Array`, `float16` as bits in a `Uint16Array`, … */
export type TensorData =
  Float32Array | Float64Array | Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | BigInt64Array;

/** `TensorProto.DataType` of the ONNX specification. */
const codes: Record<DataType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};

/** The number by which ONNX files name an element type. */
export function dataTypeCode(type: DataType): number {
  return codes[type];
}

/** The element type that ONNX files name by this number, where we know it. */
export function dataTypeOf(code: number): DataType | undefined {
  return (Object.keys(codes) as DataType[]).find((type) => codes[type] === code);
}

/** Bytes that a tensor takes. */
export function byteSize(type: DataType, shape: Shape): number {
  return arrays[type].BYTES_PER_ELEMENT * elements(shape);
}
