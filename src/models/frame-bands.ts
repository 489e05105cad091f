import type { Planes } from './network.js';
import type { Ops } from './ops.js';

/** Bands of a cell of 4×4 luma samples. */
export const lumaBands = 16;
/** Bands of the 2×2 chroma samples of a cell, blue and red difference. */
export const chromaBands = 8;

/** Side of a cell in pixels. */
export const cell = 4;
const chromaCell = 2;

/** About the standard deviation of each band in photographs: they fall with the frequency, as 1/f. */
const lumaScale = Array.from({ length: lumaBands }, (_, band) => {
  const order = Math.floor(band / cell) + (band % cell);
  return order === 0 ? 0.8 : 0.16 / (1 + order);
});
const chromaScale = [0.12, 0.02, 0.02, 0.012];

/** Luma of RGB, and blue and red difference in [-0.5, 0.5] (ITU-R BT.601). */
export const lumaOfRgb = [0.299, 0.587, 0.114] as const;
const chromaOfRgb = [
  [-0.299 / 1.772, -0.587 / 1.772, 0.886 / 1.772],
  [0.701 / 1.402, -0.587 / 1.402, -0.114 / 1.402],
] as const;
/** What blue and red difference add to luma. */
const rgbOfChroma = [
  [0, 1.402],
  [-0.344136, -0.714136],
  [1.772, 0],
] as const;

/** Element `(k, i)` of the orthonormal discrete cosine transform (DCT-II) of `n` samples. */
function cosine(k: number, i: number, n: number): number {
  return Math.sqrt((k === 0 ? 1 : 2) / n) * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * n));
}

/** The value of band `k` at sample `p` of a cell of `n × n`, both row by row. */
function basis(k: number, p: number, n: number): number {
  const [ky, kx, y, x] = [Math.floor(k / n), k % n, Math.floor(p / n), p % n];
  return cosine(ky, y, n) * cosine(kx, x, n);
}

function table(length: number, value: (i: number) => number): Float32Array {
  return Float32Array.from({ length }, (_, i) => value(i));
}

/** A band's share of a middle grey, taken off so that the mean band is about zero. */
const greyBias = table(lumaBands + chromaBands, (k) => (k === 0 ? (-0.5 * cell) / (lumaScale[0] ?? 1) : 0));

const cellTaps = cell * cell;

const lumaKernel = table(lumaBands * cellTaps, (i) => {
  const band = Math.floor(i / cellTaps);
  return basis(band, i % cellTaps, cell) / (lumaScale[band] ?? 1);
});

/** Scaled bands of luma: `[N, 1, H, W]` to `[N, 16, H/4, W/4]`. */
export function analysisOfLuma<T>(ops: Ops<T>, luma: T): T {
  return ops.conv2d(luma, ops.constant([lumaBands, 1, cell, cell], lumaKernel), {
    stride: cell,
    bias: ops.constant([lumaBands], greyBias.slice(0, lumaBands)),
  });
}

/** The pixels of each cell, row by row: `[N, 1, H, W]` to `[N, 16, H/4, W/4]`. */
export function pixelsOfLuma<T>(ops: Ops<T>, luma: T): T {
  // As a convolution it is quicker than as a transposition of five axes.
  const identity = table(cellTaps * cellTaps, (i) => (i % (cellTaps + 1) === 0 ? 1 : 0));
  return ops.conv2d(luma, ops.constant([cellTaps, 1, cell, cell], identity), { stride: cell });
}

/** What is taken of a cell of luma: each output is a sum of its 16 pixels, row by row. */
export type CellOutputs = readonly (readonly number[])[];

/** The scaled bands of a cell of luma, of which none is taken off. */
export const bandsOfCell: CellOutputs = Array.from({ length: lumaBands }, (_, band) => [
  ...lumaKernel.subarray(band * cellTaps, (band + 1) * cellTaps),
]);

/** The pixels of a cell of luma, row by row. */
export const pixelsOfCell: CellOutputs = Array.from({ length: cellTaps }, (_, own) =>
  Array.from({ length: cellTaps }, (_, pixel) => (pixel === own ? 1 : 0)),
);

const chromaKernel = table(chromaBands * 2 * chromaCell ** 2, (i) => {
  const [taps, bands] = [chromaCell ** 2, chromaScale.length];
  const [output, input] = [Math.floor(i / (2 * taps)), Math.floor(i / taps) % 2];
  const band = output % bands;
  return Math.floor(output / bands) === input ? basis(band, i % taps, chromaCell) / (chromaScale[band] ?? 1) : 0;
});

/** Scaled bands of chroma: `[N, 2, H/2, W/2]` to `[N, 8, H/4, W/4]`. */
export function analysisOfChroma<T>(ops: Ops<T>, chroma: T): T {
  const kernel = ops.constant([chromaBands, 2, chromaCell, chromaCell], chromaKernel);
  return ops.conv2d(chroma, kernel, { stride: chromaCell });
}

const rgbKernel = table((lumaBands + chromaBands) * 3 * cellTaps, (i) => {
  const [output, channel, pixel] = [Math.floor(i / (3 * cellTaps)), Math.floor(i / cellTaps) % 3, i % cellTaps];
  if (output < lumaBands) {
    return ((lumaOfRgb[channel] ?? 0) * basis(output, pixel, cell)) / (lumaScale[output] ?? 1);
  }
  const [difference, band] = [Math.floor((output - lumaBands) / 4), (output - lumaBands) % 4];
  const [y, x] = [Math.floor(pixel / cell), pixel % cell];
  const sample = Math.floor(y / 2) * chromaCell + Math.floor(x / 2);
  const share = (chromaOfRgb[difference]?.[channel] ?? 0) / 4;
  return (share * basis(band, sample, chromaCell)) / (chromaScale[band] ?? 1);
});

/** Luma of RGB: `[N, 3, H, W]` to `[N, 1, H, W]`. */
export function lumaFromRgb<T>(ops: Ops<T>, rgb: T): T {
  return ops.linear(rgb, ops.constant([1, 3], Float32Array.from(lumaOfRgb)));
}

/** Scaled bands of RGB in [0, 1]: `[N, 3, H, W]` to `[N, 24, H/4, W/4]`, chroma averaged over 2×2 pixels. */
export function analysisOfRgb<T>(ops: Ops<T>, rgb: T): T {
  return ops.conv2d(rgb, ops.constant([lumaBands + chromaBands, 3, cell, cell], rgbKernel), {
    stride: cell,
    bias: ops.constant([lumaBands + chromaBands], greyBias),
  });
}

const allBands = lumaBands + chromaBands;

/** The samples of a cell, luma row by row before both chroma, of its bands. */
const samplesOfBands = table(allBands * allBands, (i) => {
  const [sample, band] = [Math.floor(i / allBands), i % allBands];
  if (sample < lumaBands) return band < lumaBands ? basis(band, sample, cell) * (lumaScale[band] ?? 1) : 0;
  const [s, b] = [sample - lumaBands, band - lumaBands];
  if (b < 0 || Math.floor(s / 4) !== Math.floor(b / 4)) return 0;
  return basis(b % 4, s % 4, chromaCell) * (chromaScale[b % 4] ?? 1);
});

/** A difference in scaled bands, `[N, 24, H/4, W/4]`, as planes or as RGB. */
export function synthesis<T>(ops: Ops<T>, bands: T): { planes(): Planes<T>; rgb(): T } {
  const samples = ops.linear(bands, ops.constant([allBands, allBands], samplesOfBands));
  const planes = {
    luma: ops.pixelShuffle(ops.slice(samples, { axis: 1, end: lumaBands }), cell),
    chroma: ops.pixelShuffle(ops.slice(samples, { axis: 1, start: lumaBands }), chromaCell),
  };
  return {
    planes: () => planes,
    rgb: () => {
      const colour = ops.linear(planes.chroma, ops.constant([3, 2], Float32Array.from(rgbOfChroma.flat())));
      return ops.add(ops.resizeBilinear(colour, 2), planes.luma);
    },
  };
}
