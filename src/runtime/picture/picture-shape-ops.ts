import type { Shape } from '../../models/ops.js';
import { ShapeOps } from '../../models/shape-ops.js';
import type { AxisFilter, EnlargeOptions, PictureOps } from './picture-ops.js';

/** The interpreter of {@link PictureOps} whose tensors are shapes. */
export class PictureShapeOps extends ShapeOps implements PictureOps<Shape> {
  clip(x: Shape): Shape {
    return x;
  }

  round(x: Shape): Shape {
    return x;
  }

  isNear(a: Shape, b: Shape): Shape {
    return this.add(a, b);
  }

  enlarge(x: Shape, { axis, factor }: EnlargeOptions): Shape {
    return x.map((size, i) => (i === axis ? size * factor : size));
  }

  stencil(x: Shape, rows: AxisFilter, columns: AxisFilter): Shape {
    const out = (size: number, { taps, stride }: AxisFilter) => Math.floor((size - taps.length) / stride) + 1;
    const [n = 0, channels = 0, height = 0, width = 0] = x;
    return [n, channels, out(height, rows), out(width, columns)];
  }
}
