import { DeblurError } from '../errors.js';
import { readRow, requireSameShape, type Picture } from './picture.js';

/**
 * Which structural similarity: `3d` (NAFNet's and Blur2Blur's default, also MATLAB's on an RGB volume)
 * or `2d` (Restormer's, also scikit-image's with Gaussian weights and population covariance). Values
 * of the first are higher.
 */
export type SsimKind = '3d' | '2d';

const RADIUS = 5;
const TAPS = 2 * RADIUS + 1;
const SIGMA = 1.5;
/** Constants of Wang et al. 2004 for intensities in [0, 1]. */
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/** The window's weights; it is symmetric, so the passes below name the first half. */
const gaussian = (() => {
  const taps = Float64Array.from({ length: TAPS }, (_, i) => Math.exp(-((i - RADIUS) ** 2) / (2 * SIGMA ** 2)));
  const sum = taps.reduce((a, b) => a + b);
  return taps.map((tap) => tap / sum);
})();
const [g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0] = gaussian;

/** Per pixel of a row, the Gaussian-weighted means of a, b, a² + b² and ab. */
type Moments = readonly [a: Float64Array, b: Float64Array, squares: Float64Array, product: Float64Array];

const emptyMoments = (length: number): Moments => [
  new Float64Array(length),
  new Float64Array(length),
  new Float64Array(length),
  new Float64Array(length),
];

function clamp(v: number, last: number): number {
  return v < 0 ? 0 : v > last ? last : v;
}

/**
 * Local moments of one channel, row by row from the top. Borders are replicated. The last rows that
 * the window covers are kept, so each source row is read once and memory does not grow with height.
 */
class RowMoments {
  readonly #a: Picture;
  readonly #b: Picture;
  readonly #channel: number;
  readonly #rows: readonly Moments[];
  readonly #column: Moments;
  readonly #out: Moments;
  #loaded = 0;

  constructor(a: Picture, b: Picture, channel: number) {
    this.#a = a;
    this.#b = b;
    this.#channel = channel;
    this.#rows = Array.from({ length: TAPS }, () => emptyMoments(a.width));
    this.#column = emptyMoments(a.width + 2 * RADIUS);
    this.#out = emptyMoments(a.width);
  }

  #load(y: number): void {
    const row = this.#rows[y % TAPS]!;
    const [a, b, squares, product] = row;
    readRow(this.#a, this.#channel, y, a);
    readRow(this.#b, this.#channel, y, b);
    for (let x = 0; x < a.length; x++) {
      squares[x] = a[x]! * a[x]! + b[x]! * b[x]!;
      product[x] = a[x]! * b[x]!;
    }
  }

  /** Moments of row `y`; rows must be asked for in order. The arrays are reused by the next call. */
  at(y: number): Moments {
    const last = this.#a.height - 1;
    while (this.#loaded <= Math.min(y + RADIUS, last)) this.#load(this.#loaded++);
    const rows = Array.from({ length: TAPS }, (_, k) => this.#rows[clamp(y + k - RADIUS, last) % TAPS]!);
    for (let m = 0; m < 4; m++) {
      const column = this.#column[m]!;
      filterColumns(
        rows.map((row) => row[m]!),
        column,
      );
      column.fill(column[RADIUS]!, 0, RADIUS);
      column.fill(column[column.length - RADIUS - 1]!, column.length - RADIUS);
      filterRow(column, this.#out[m]!);
    }
    return this.#out;
  }
}

/** Vertical pass: the weighted sum of 11 rows, written from index `RADIUS` on. */
function filterColumns(rows: readonly Float64Array[], out: Float64Array): void {
  const middle = rows[RADIUS]!;
  for (let x = 0; x < middle.length; x++) out[x + RADIUS] = g5 * middle[x]!;
  for (let k = 0; k < RADIUS; k++) {
    const above = rows[k]!;
    const below = rows[TAPS - 1 - k]!;
    const weight = gaussian[k]!;
    for (let x = 0; x < middle.length; x++) out[x + RADIUS]! += weight * (above[x]! + below[x]!);
  }
}

/** Horizontal pass over a row that is padded by `RADIUS` on both sides. */
function filterRow(padded: Float64Array, out: Float64Array): void {
  for (let x = 0; x < out.length; x++) {
    out[x] =
      g0 * (padded[x]! + padded[x + 10]!) +
      g1 * (padded[x + 1]! + padded[x + 9]!) +
      g2 * (padded[x + 2]! + padded[x + 8]!) +
      g3 * (padded[x + 3]! + padded[x + 7]!) +
      g4 * (padded[x + 4]! + padded[x + 6]!) +
      g5 * padded[x + 5]!;
  }
}

/** Sum of the SSIM index over the pixels `from … to - 1` of a row. */
function sumIndex([a, b, squares, product]: Moments, from: number, to: number): number {
  let sum = 0;
  for (let x = from; x < to; x++) {
    const ma = a[x]!;
    const mb = b[x]!;
    const mab = ma * mb;
    const mm = ma * ma + mb * mb;
    sum += ((2 * mab + C1) * (2 * (product[x]! - mab) + C2)) / ((mm + C1) * (squares[x]! - mm + C2));
  }
  return sum;
}

/**
 * Structural similarity with an 11×11 Gaussian window (σ 1.5) per channel over the region where the
 * window fits, then the mean. Equals scikit-image with `gaussian_weights`, `sigma=1.5` and
 * `use_sample_covariance=False`, and Restormer's evaluation.
 * @throws DeblurError `FORMAT_UNSUPPORTED` when shapes differ or a side is shorter than the window.
 */
export function ssim2d(a: Picture, b: Picture): number {
  requireSameShape(a, b);
  const { width, height } = a;
  if (width < TAPS || height < TAPS) {
    throw new DeblurError(
      'FORMAT_UNSUPPORTED',
      `SSIM 2-D needs at least ${TAPS}x${TAPS} pixels, the picture has ${width}x${height}.`,
      {
        hint: 'SSIM 3-D pads its borders and takes any size.',
      },
    );
  }
  let sum = 0;
  for (let c = 0; c < a.channels.length; c++) {
    const moments = new RowMoments(a, b, c);
    for (let y = RADIUS; y < height - RADIUS; y++) sum += sumIndex(moments.at(y), RADIUS, width - RADIUS);
  }
  return sum / ((width - 2 * RADIUS) * (height - 2 * RADIUS) * a.channels.length);
}

/** The window along the channel axis with replicated ends, as one small matrix: weight of channel `from` in channel `to`. */
function channelWeights(channels: number): Float64Array[] {
  return Array.from({ length: channels }, (_, to) => {
    const weights = new Float64Array(channels);
    gaussian.forEach((tap, k) => (weights[clamp(to + k - RADIUS, channels - 1)]! += tap));
    return weights;
  });
}

/**
 * Structural similarity with an 11×11×11 Gaussian window (σ 1.5) over height, width and channels,
 * borders replicated, then the mean. Equals the default of NAFNet's and Blur2Blur's evaluation.
 * @throws DeblurError `FORMAT_UNSUPPORTED` when shapes differ.
 */
export function ssim3d(a: Picture, b: Picture): number {
  requireSameShape(a, b);
  const { width, height } = a;
  const weights = channelWeights(a.channels.length);
  const planes = a.channels.map((_, c) => new RowMoments(a, b, c));
  const mixed = emptyMoments(width);
  let sum = 0;
  for (let y = 0; y < height; y++) {
    const rows = planes.map((plane) => plane.at(y));
    for (const mix of weights) {
      for (let m = 0; m < 4; m++) {
        const out = mixed[m]!.fill(0);
        for (let c = 0; c < rows.length; c++) {
          const row = rows[c]![m]!;
          const weight = mix[c]!;
          for (let x = 0; x < width; x++) out[x]! += weight * row[x]!;
        }
      }
      sum += sumIndex(mixed, 0, width);
    }
  }
  return sum / (width * height * a.channels.length);
}

/** Structural similarity of the kind asked for; see {@link ssim3d} and {@link ssim2d}. */
export function ssim(a: Picture, b: Picture, kind: SsimKind = '3d'): number {
  return kind === '3d' ? ssim3d(a, b) : ssim2d(a, b);
}
