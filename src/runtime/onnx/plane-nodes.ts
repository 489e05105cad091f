import { planeSize, type PixelFormat } from '../../io/pixel-format.js';
import type { PictureGeometry } from '../frame-session.js';
import type { GraphBuilder, Value } from './graph.js';
import { OnnxOps } from './onnx-ops.js';
import { dataTypeCode, type DataType } from './tensor.js';

function sampleType(format: PixelFormat): DataType {
  return format.bytesPerSample === 1 ? 'uint8' : 'uint16';
}

function cast(builder: GraphBuilder, value: Value, type: DataType): Value {
  return builder.node(
    'Cast',
    [value],
    { type, shape: value.shape },
    { attributes: { to: { int: dataTypeCode(type) } } },
  );
}

/**
 * Declares a frame's planes as inputs, `prefix` + component, of `[rows, stride]` samples.
 * @param strides Samples from one row to the next, per plane.
 * @returns the picture part of each plane as code values, float `[1, 1, h, w]`.
 */
export function readPlanes(
  builder: GraphBuilder,
  { width, height }: PictureGeometry,
  format: PixelFormat,
  prefix: string,
  strides: readonly number[],
): Value[] {
  const ops = new OnnxOps(builder);
  const type = sampleType(format);
  return format.planes.map((layout, i) => {
    const [columns, lines] = planeSize(layout, width, height);
    const stride = strides[i] ?? columns;
    const rows = builder.input(prefix + layout.component, type, [lines, stride]);
    const bounds = [0, columns, 1].map((value) => builder.integers(value));
    const picture =
      stride > columns ? builder.node('Slice', [rows, ...bounds], { type, shape: [lines, columns] }) : rows;
    return ops.reshape(cast(builder, picture, 'float32'), [1, 1, lines, columns]);
  });
}

/** Declares code values `[1, 1, h, w]` as outputs of the format's integer type, `[h, w]`, named `prefix` + component. */
export function writePlanes(
  builder: GraphBuilder,
  format: PixelFormat,
  prefix: string,
  planes: readonly Value[],
): void {
  const ops = new OnnxOps(builder);
  planes.forEach((plane, i) => {
    const rows = ops.reshape(plane, plane.shape.slice(2));
    builder.output(`${prefix}${format.planes[i]?.component}`, cast(builder, rows, sampleType(format)));
  });
}
