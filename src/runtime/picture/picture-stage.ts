import type { ColorTags } from '../../io/frame.js';
import { planarFormat, type Component, type PixelFormat, type PlaneLayout } from '../../io/pixel-format.js';
import type { Planes } from '../../models/network.js';
import { colorConversion, swing, type ColorConversion, type Matrix } from '../color-matrix.js';
import type { PictureGeometry } from '../frame-session.js';
import type { AxisFilter, PictureOps, Siting } from './picture-ops.js';

function siting(color: ColorTags): { horizontal: Siting; vertical: Siting } {
  const name = color.chromaLocation;
  return {
    horizontal: name === 'center' || name === 'top' || name === 'bottom' ? 'centred' : 'cosited',
    vertical: name === 'topleft' || name === 'top' ? 'cosited' : 'centred',
  };
}

/**
 * What lies between a decoder's planes and RGB, in both directions. Planes are code values, float `[1, 1, h, w]`,
 * in the pixel format's order. Results go back as differences that are added to the source's own samples, so that
 * a result equal to its source leaves every sample as it was, chroma included.
 */
export class PictureStage<T> {
  readonly #ops: PictureOps<T>;
  readonly #geometry: PictureGeometry;
  readonly #format: PixelFormat;

  constructor(ops: PictureOps<T>, geometry: PictureGeometry) {
    const format = planarFormat(geometry.format);
    if (!format) throw new TypeError(`${geometry.format} is not a planar format`);
    this.#ops = ops;
    this.#geometry = geometry;
    this.#format = format;
  }

  /** RGB `[1, 3, H, W]`, clamped to [0, 1] as networks expect. */
  toRgb(planes: readonly T[]): T {
    const plane = (component: Component) => {
      const found = planes[this.#format.planes.findIndex((layout) => layout.component === component)];
      if (found === undefined) throw new TypeError(`${this.#format.name} has no plane ${component}`);
      return found;
    };
    if (this.#format.model === 'rgb') {
      return this.#ops.scale(this.#ops.concat([plane('r'), plane('g'), plane('b')], 1), 1 / this.#white);
    }
    const { toRgb, offset, black } = this.#conversion;
    if (this.#format.model === 'gray') {
      const luma = this.#ops.addScalar(this.#ops.scale(plane('y'), toRgb[0]), black);
      return this.#ops.clip(this.#ops.concat([luma, luma, luma], 1), 0, 1);
    }
    const yuv = this.#ops.concat([plane('y'), this.#enlarge(plane('u')), this.#enlarge(plane('v'))], 1);
    return this.#ops.clip(this.#mix(yuv, toRgb, offset), 0, 1);
  }

  /** Whether frames are 4:2:0 of even size, which networks on planes take. */
  get isEven420(): boolean {
    const { width, height } = this.#geometry;
    const { shiftX, shiftY } = this.#chroma;
    return this.#format.model === 'yuv' && shiftX === 1 && shiftY === 1 && width % 2 === 0 && height % 2 === 0;
  }

  /** Luma in [0, 1] and chroma in [-0.5, 0.5], for {@link isEven420}. */
  toPlanes(planes: readonly T[]): Planes<T> {
    const [luma, u, v] = planes;
    if (luma === undefined || u === undefined || v === undefined) {
      throw new TypeError(`${this.#format.name} has no chroma`);
    }
    const { depth } = this.#format;
    const unit = swing(this.#geometry.color, depth);
    const scaled = (value: T, zero: number, size: number) =>
      this.#ops.scale(this.#ops.addScalar(value, -zero), 1 / size);
    return {
      luma: scaled(luma, unit.black, unit.luma),
      chroma: scaled(this.#ops.concat([u, v], 1), 2 ** (depth - 1), unit.chroma),
    };
  }

  /** Adds a difference of planes, in the units of {@link toPlanes}; see {@link addDifference}. */
  addPlanes(planes: readonly T[], { luma, chroma }: Planes<T>): T[] {
    const unit = swing(this.#geometry.color, this.#format.depth);
    const channel = (i: number) =>
      this.#ops.scale(this.#ops.slice(chroma, { axis: 1, start: i, end: i + 1 }), unit.chroma);
    return this.#moved(
      planes,
      new Map<Component, T>([
        ['y', this.#ops.scale(luma, unit.luma)],
        ['u', channel(0)],
        ['v', channel(1)],
      ]),
    );
  }

  /**
   * Adds an RGB difference to the source's planes and rounds to whole code values.
   * @param difference `[1, 3, H, W]`.
   * @returns the new planes.
   */
  addDifference(planes: readonly T[], difference: T): T[] {
    return this.#moved(planes, this.#changes(difference));
  }

  /** The source's planes moved by differences in code values and rounded. */
  #moved(planes: readonly T[], changes: ReadonlyMap<Component, T>): T[] {
    return this.#format.planes.map((layout, i) => {
      const plane = planes[i];
      if (plane === undefined) throw new TypeError(`${this.#format.name} has no plane ${i}`);
      const change = changes.get(layout.component);
      if (change === undefined) return plane;
      return this.#ops.clip(this.#ops.round(this.#ops.add(plane, change)), 0, this.#white);
    });
  }

  /** The difference in code values for each component but alpha, at its plane's size. */
  #changes(difference: T): Map<Component, T> {
    const channel = (value: T, i: number) => this.#ops.slice(value, { axis: 1, start: i, end: i + 1 });
    if (this.#format.model === 'rgb') {
      const code = this.#ops.scale(difference, this.#white);
      return new Map((['r', 'g', 'b'] as const).map((component, i) => [component, channel(code, i)]));
    }
    const code = this.#mix(difference, this.#conversion.toCode, [0, 0, 0]);
    const luma: [Component, T] = ['y', channel(code, 0)];
    if (this.#format.model === 'gray') return new Map([luma]);
    const chroma = this.#reduce(this.#ops.slice(code, { axis: 1, start: 1 }));
    return new Map<Component, T>([luma, ['u', channel(chroma, 0)], ['v', channel(chroma, 1)]]);
  }

  get #conversion(): ColorConversion {
    return colorConversion(this.#geometry.color, this.#format.depth, this.#geometry.height);
  }

  get #white(): number {
    return 2 ** this.#format.depth - 1;
  }

  /** log2 of the chroma planes' subsampling. */
  get #chroma(): Pick<PlaneLayout, 'shiftX' | 'shiftY'> {
    return this.#format.planes.find((plane) => plane.component === 'u') ?? { shiftX: 0, shiftY: 0 };
  }

  /** A chroma plane at luma size, by linear interpolation from where its samples sit. */
  #enlarge(plane: T): T {
    const { height, width } = this.#geometry;
    const { horizontal, vertical } = siting(this.#geometry.color);
    const rows = this.#enlargeAxis(plane, 2, this.#chroma.shiftY, vertical, height);
    return this.#enlargeAxis(rows, 3, this.#chroma.shiftX, horizontal, width);
  }

  #enlargeAxis(plane: T, axis: 2 | 3, shift: number, where: Siting, size: number): T {
    if (shift === 0) return plane;
    const enlarged = this.#ops.enlarge(plane, { axis, factor: 2 ** shift, siting: where });
    return this.#ops.shape(enlarged)[axis] === size ? enlarged : this.#ops.slice(enlarged, { axis, end: size });
  }

  /** Chroma differences `[1, 2, H, W]` at the chroma planes' size: averaged by a box between samples, a tent on them. */
  #reduce(chroma: T): T {
    const { shiftX, shiftY } = this.#chroma;
    if (shiftX === 0 && shiftY === 0) return chroma;
    const { horizontal, vertical } = siting(this.#geometry.color);
    const rows = chromaFilter(this.#geometry.height, shiftY, vertical);
    const columns = chromaFilter(this.#geometry.width, shiftX, horizontal);
    const margins = { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after };
    return this.#ops.stencil(this.#ops.pad(chroma, margins, 'replicate'), rows, columns);
  }

  /** `matrix · channels + offset` at every pixel of `[1, 3, H, W]`. */
  #mix(value: T, matrix: Matrix, offset: readonly [number, number, number]): T {
    const weight = this.#ops.constant([3, 3], Float32Array.from(matrix));
    return this.#ops.linear(value, weight, { bias: this.#ops.constant([3], Float32Array.from(offset)) });
  }
}

/** The filter that brings a chroma axis to its plane's size, and the border samples to repeat for it. */
function chromaFilter(
  length: number,
  shift: number,
  where: Siting,
): AxisFilter & { readonly before: number; readonly after: number } {
  const stride = 2 ** shift;
  const after = Math.ceil(length / stride) * stride - length;
  const box = Array<number>(stride).fill(1 / stride);
  if (where === 'centred' || shift === 0) return { taps: box, stride, before: 0, after };
  const taps = Array.from({ length: 2 * stride - 1 }, (_, i) => (stride - Math.abs(i - stride + 1)) / stride ** 2);
  return { taps, stride, before: stride - 1, after };
}
