import type { Shape } from '../../models/ops.js';
import type { ColorTags } from '../../io/frame.js';
import { planarFormat, planeSize, type Component, type PixelFormat, type PlaneLayout } from '../../io/pixel-format.js';
import type { Planes } from '../../models/network.js';
import { colorConversion, swing, type ColorConversion, type Matrix } from '../color-matrix.js';
import type { PictureGeometry } from '../frame-session.js';
import type { GraphBuilder, NodeOptions, Value } from './graph.js';
import { OnnxOps } from './onnx-ops.js';
import { dataTypeCode, type DataType } from './tensor.js';

/** Where chroma samples sit along an axis: on the luma sample, or between two. */
type Siting = 'cosited' | 'centred';

function siting(color: ColorTags): { horizontal: Siting; vertical: Siting } {
  const name = color.chromaLocation;
  return {
    horizontal: name === 'center' || name === 'top' || name === 'bottom' ? 'centred' : 'cosited',
    vertical: name === 'topleft' || name === 'top' ? 'cosited' : 'centred',
  };
}

/**
 * The nodes between a decoder's planes and RGB, in both directions. Results go back as differences
 * that are added to the source's own samples, so that a result equal to its source leaves every
 * sample as it was, chroma included.
 */
export class PictureStage {
  readonly #builder: GraphBuilder;
  readonly #ops: OnnxOps;
  readonly #geometry: PictureGeometry;
  readonly #format: PixelFormat;

  constructor(builder: GraphBuilder, geometry: PictureGeometry) {
    const format = planarFormat(geometry.format);
    if (!format) throw new TypeError(`${geometry.format} is not a planar format`);
    this.#builder = builder;
    this.#ops = new OnnxOps(builder);
    this.#geometry = geometry;
    this.#format = format;
  }

  /**
   * Declares a frame's planes as inputs, `prefix` + component, of `[rows, stride]` samples.
   * @param strides Samples from one row to the next, per plane.
   * @returns the picture part of each plane as code values, float `[1, 1, h, w]`.
   */
  read(prefix: string, strides: readonly number[]): Value[] {
    return this.#format.planes.map((layout, i) => {
      const [width, height] = this.#sizeOf(layout);
      const stride = strides[i] ?? width;
      const rows = this.#builder.input(prefix + layout.component, this.#sampleType, [height, stride]);
      const bounds = [0, width, 1].map((value) => this.#builder.integers(value));
      const picture = stride > width ? this.#emit('Slice', [rows, ...bounds], [height, width], this.#sampleType) : rows;
      return this.#ops.reshape(this.#cast(picture, 'float32'), [1, 1, height, width]);
    });
  }

  /** RGB `[1, 3, H, W]` of the code values that {@link read} gave, clamped to [0, 1] as networks expect. */
  toRgb(planes: readonly Value[]): Value {
    const plane = (component: Component) => {
      const found = planes[this.#format.planes.findIndex((layout) => layout.component === component)];
      if (!found) throw new TypeError(`${this.#format.name} has no plane ${component}`);
      return found;
    };
    if (this.#format.model === 'rgb') {
      const code = this.#ops.concat([plane('r'), plane('g'), plane('b')], 1);
      return this.#ops.mul(code, this.#builder.scalar(1 / this.#white));
    }
    const { toRgb, offset, black } = this.#conversion;
    if (this.#format.model === 'gray') {
      const luma = this.#ops.add(
        this.#ops.mul(plane('y'), this.#builder.scalar(toRgb[0])),
        this.#builder.scalar(black),
      );
      return this.#clip(this.#ops.concat([luma, luma, luma], 1), 1);
    }
    const yuv = this.#ops.concat([plane('y'), this.#enlarge(plane('u')), this.#enlarge(plane('v'))], 1);
    return this.#clip(this.#mix(yuv, toRgb, offset), 1);
  }

  /** Whether frames are 4:2:0 of even size, which networks on planes take. */
  get isEven420(): boolean {
    const { width, height } = this.#geometry;
    const { shiftX, shiftY } = this.#chroma;
    return this.#format.model === 'yuv' && shiftX === 1 && shiftY === 1 && width % 2 === 0 && height % 2 === 0;
  }

  /** Luma in [0, 1] and chroma in [-0.5, 0.5] of the code values that {@link read} gave, for {@link isEven420}. */
  toPlanes(planes: readonly Value[]): Planes<Value> {
    const [luma, u, v] = planes;
    if (!luma || !u || !v) throw new TypeError(`${this.#format.name} has no chroma`);
    const { depth } = this.#format;
    const scale = swing(this.#geometry.color, depth);
    const scaled = (value: Value, zero: number, unit: number) =>
      this.#ops.mul(this.#ops.addScalar(value, -zero), this.#builder.scalar(1 / unit));
    return {
      luma: scaled(luma, scale.black, scale.luma),
      chroma: scaled(this.#ops.concat([u, v], 1), 2 ** (depth - 1), scale.chroma),
    };
  }

  /** Adds a difference of planes, in the units of {@link toPlanes}; see {@link addDifference}. */
  addPlanes(planes: readonly Value[], { luma, chroma }: Planes<Value>): Value[] {
    const scale = swing(this.#geometry.color, this.#format.depth);
    const channel = (i: number) => this.#ops.slice(chroma, { axis: 1, start: i, end: i + 1 });
    const inCode = (value: Value, unit: number) => this.#ops.mul(value, this.#builder.scalar(unit));
    return this.#moved(
      planes,
      new Map<Component, Value>([
        ['y', inCode(luma, scale.luma)],
        ['u', inCode(channel(0), scale.chroma)],
        ['v', inCode(channel(1), scale.chroma)],
      ]),
    );
  }

  /**
   * Adds an RGB difference to the source's planes and rounds to whole code values.
   * @param planes What {@link read} gave.
   * @param difference `[1, 3, H, W]`.
   * @returns one value per plane, `[h, w]` of the plane's integer type, in the format's order.
   */
  addDifference(planes: readonly Value[], difference: Value): Value[] {
    return this.#moved(planes, this.#changes(difference));
  }

  /** The source's planes moved by differences in code values and rounded. */
  #moved(planes: readonly Value[], changes: ReadonlyMap<Component, Value>): Value[] {
    return this.#format.planes.map((layout, i) => {
      const plane = planes[i];
      if (!plane) throw new TypeError(`${this.#format.name} has no plane ${i}`);
      const change = changes.get(layout.component);
      const moved = change
        ? this.#clip(this.#emit('Round', [this.#ops.add(plane, change)], plane.shape), this.#white)
        : plane;
      return this.#cast(this.#ops.reshape(moved, plane.shape.slice(2)), this.#sampleType);
    });
  }

  /** The difference in code values for each component but alpha, at its plane's size. */
  #changes(difference: Value): Map<Component, Value> {
    const channel = (value: Value, i: number) => this.#ops.slice(value, { axis: 1, start: i, end: i + 1 });
    if (this.#format.model === 'rgb') {
      const code = this.#ops.mul(difference, this.#builder.scalar(this.#white));
      return new Map((['r', 'g', 'b'] as const).map((component, i) => [component, channel(code, i)]));
    }
    const code = this.#mix(difference, this.#conversion.toCode, [0, 0, 0]);
    const luma: [Component, Value] = ['y', channel(code, 0)];
    if (this.#format.model === 'gray') return new Map([luma]);
    const chroma = this.#reduce(this.#ops.slice(code, { axis: 1, start: 1 }));
    return new Map<Component, Value>([luma, ['u', channel(chroma, 0)], ['v', channel(chroma, 1)]]);
  }

  get #conversion(): ColorConversion {
    return colorConversion(this.#geometry.color, this.#format.depth, this.#geometry.height);
  }

  get #sampleType(): DataType {
    return this.#format.bytesPerSample === 1 ? 'uint8' : 'uint16';
  }

  /** Width and height of a plane in samples. */
  #sizeOf(layout: PlaneLayout): [number, number] {
    return planeSize(layout, this.#geometry.width, this.#geometry.height);
  }

  get #white(): number {
    return 2 ** this.#format.depth - 1;
  }

  /** log2 of the chroma planes' subsampling. */
  get #chroma(): Pick<PlaneLayout, 'shiftX' | 'shiftY'> {
    return this.#format.planes.find((plane) => plane.component === 'u') ?? { shiftX: 0, shiftY: 0 };
  }

  /** A chroma plane at luma size, by linear interpolation from where its samples sit. */
  #enlarge(plane: Value): Value {
    const { height, width } = this.#geometry;
    const { horizontal, vertical } = siting(this.#geometry.color);
    const rows = this.#enlargeAxis(plane, 2, this.#chroma.shiftY, vertical, height);
    return this.#enlargeAxis(rows, 3, this.#chroma.shiftX, horizontal, width);
  }

  #enlargeAxis(plane: Value, axis: 2 | 3, shift: number, where: Siting, size: number): Value {
    if (shift === 0) return plane;
    const scales = [1, 1, 1, 1];
    scales[axis] = 2 ** shift;
    const factors = this.#builder.constant('float32', [4], Float32Array.from(scales));
    const transformation = where === 'centred' ? 'half_pixel' : 'asymmetric';
    const shape = plane.shape.map((length, i) => length * (scales[i] ?? 1));
    const enlarged = this.#emit('Resize', [plane, undefined, factors], shape, 'float32', {
      attributes: { mode: { string: 'linear' }, coordinate_transformation_mode: { string: transformation } },
    });
    return shape[axis] === size ? enlarged : this.#ops.slice(enlarged, { axis, end: size });
  }

  /** Chroma differences `[1, 2, H, W]` at the chroma planes' size: averaged by a box between samples, a tent on them. */
  #reduce(chroma: Value): Value {
    const { shiftX, shiftY } = this.#chroma;
    if (shiftX === 0 && shiftY === 0) return chroma;
    const { horizontal, vertical } = siting(this.#geometry.color);
    const rows = chromaFilter(this.#geometry.height, shiftY, vertical);
    const columns = chromaFilter(this.#geometry.width, shiftX, horizontal);
    const margins = { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after };
    const kernel = rows.taps.flatMap((r) => columns.taps.map((c) => r * c));
    const kernelShape = [rows.taps.length, columns.taps.length];
    const weight = this.#builder.constant('float32', [2, 1, ...kernelShape], Float32Array.from([...kernel, ...kernel]));
    const padded = this.#ops.pad(chroma, margins, 'replicate');
    return this.#emit('Conv', [padded, weight], [1, 2, rows.size, columns.size], 'float32', {
      attributes: {
        kernel_shape: { ints: kernelShape },
        strides: { ints: [2 ** shiftY, 2 ** shiftX] },
        group: { int: 2 },
      },
    });
  }

  /** `matrix · channels + offset` at every pixel of `[1, 3, H, W]`. */
  #mix(value: Value, matrix: Matrix, offset: readonly [number, number, number]): Value {
    const weight = this.#builder.constant('float32', [3, 3, 1, 1], Float32Array.from(matrix));
    return this.#ops.conv2d(value, weight, { bias: this.#builder.constant('float32', [3], Float32Array.from(offset)) });
  }

  #clip(value: Value, max: number): Value {
    return this.#emit('Clip', [value, this.#builder.scalar(0), this.#builder.scalar(max)], value.shape);
  }

  #cast(value: Value, to: DataType): Value {
    return this.#emit('Cast', [value], value.shape, to, { attributes: { to: { int: dataTypeCode(to) } } });
  }

  #emit(
    opType: string,
    inputs: readonly (Value | undefined)[],
    shape: Shape,
    type: DataType = 'float32',
    options: NodeOptions = {},
  ): Value {
    return this.#builder.node(opType, inputs, { type, shape }, options);
  }
}

/** Taps that bring a chroma axis to its plane's size, and the border samples to repeat for them. */
function chromaFilter(length: number, shift: number, where: Siting) {
  const ratio = 2 ** shift;
  const size = Math.ceil(length / ratio);
  const after = size * ratio - length;
  const box = Array<number>(ratio).fill(1 / ratio);
  if (where === 'centred' || shift === 0) return { taps: box, before: 0, after, size };
  const taps = Array.from({ length: 2 * ratio - 1 }, (_, i) => (ratio - Math.abs(i - ratio + 1)) / ratio ** 2);
  return { taps, before: ratio - 1, after, size };
}
