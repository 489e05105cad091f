import type { ColorTags } from '../io/frame.js';

/** Luma weights of red and blue (ITU-T H.273, table 4), by FFmpeg's matrix names. */
const lumaWeights: Readonly<Record<string, readonly [number, number]>> = {
  bt709: [0.2126, 0.0722],
  fcc: [0.3, 0.11],
  bt470bg: [0.299, 0.114],
  smpte170m: [0.299, 0.114],
  smpte240m: [0.212, 0.087],
  bt2020nc: [0.2627, 0.0593],
  bt2020c: [0.2627, 0.0593],
};

/** A 3×3 matrix, row by row. */
export type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/** How code values of a YUV picture become RGB in [0, 1], and how differences go back. */
export interface ColorConversion {
  /** RGB = `toRgb · (Y, U, V) + offset`, with Y, U, V as code values. */
  readonly toRgb: Matrix;
  readonly offset: readonly [number, number, number];
  /** What a code value times `toRgb[0]` lacks to luma in [0, 1], for pictures without chroma. */
  readonly black: number;
  /** Differences of code values = `toCode ·` differences of RGB. */
  readonly toCode: Matrix;
}

/** Matrix of a picture whose tags do not say: BT.709 from 720 lines on, else BT.601, as players assume. */
function weightsOf(color: ColorTags, height: number): readonly [number, number] {
  const fallback = height >= 720 ? 'bt709' : 'smpte170m';
  return lumaWeights[color.matrix] ?? lumaWeights[fallback] ?? [0.299, 0.114];
}

/** Code value of black and the code distances from black to white and of chroma's full swing. */
export function swing(color: ColorTags, depth: number): { black: number; luma: number; chroma: number } {
  if (color.range === 'pc') return { black: 0, luma: 2 ** depth - 1, chroma: 2 ** depth - 1 };
  const unit = 2 ** (depth - 8);
  return { black: 16 * unit, luma: 219 * unit, chroma: 224 * unit };
}

/**
 * The conversion for a YUV or gray picture (ITU-T H.273, equations 20-25 and 32-37).
 * @param height Lines of the picture, which decide the matrix where the tags do not.
 */
export function colorConversion(color: ColorTags, depth: number, height: number): ColorConversion {
  const [kr, kb] = weightsOf(color, height);
  const kg = 1 - kr - kb;
  const { black, luma, chroma } = swing(color, depth);
  const middle = 2 ** (depth - 1);
  const y = 1 / luma;
  const rv = (2 * (1 - kr)) / chroma;
  const bu = (2 * (1 - kb)) / chroma;
  const gu = (-bu * kb) / kg;
  const gv = (-rv * kr) / kg;
  const u = chroma / (2 * (1 - kb));
  const v = chroma / (2 * (1 - kr));
  return {
    toRgb: [y, 0, rv, y, gu, gv, y, bu, 0],
    offset: [-black * y - middle * rv, -black * y - middle * (gu + gv), -black * y - middle * bu],
    black: -black * y,
    toCode: [
      ...([kr * luma, kg * luma, kb * luma] as const),
      ...([-kr * u, -kg * u, (1 - kb) * u] as const),
      ...([(1 - kr) * v, -kg * v, -kb * v] as const),
    ],
  };
}
