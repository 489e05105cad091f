import { readRow, requireSameShape, type Picture } from './picture.js';

/** PSNR in dB beyond which no difference can be seen: where values are meaned, higher ones count as this, infinity too. */
export const psnrCeiling = 60;

/**
 * Peak signal-to-noise ratio in dB over all pixels and channels, `10 log10(range² / MSE)`: the
 * convention of scikit-image, NAFNet and Restormer. Infinity for equal pictures. Pictures of different
 * value ranges are compared by intensity.
 * @throws DeblurError `FORMAT_UNSUPPORTED` when sizes or channel counts differ.
 */
export function psnr(a: Picture, b: Picture): number {
  requireSameShape(a, b);
  const rowA = new Float64Array(a.width);
  const rowB = new Float64Array(a.width);
  let sum = 0;
  for (let c = 0; c < a.channels.length; c++) {
    for (let y = 0; y < a.height; y++) {
      readRow(a, c, y, rowA);
      readRow(b, c, y, rowB);
      for (let x = 0; x < a.width; x++) sum += (rowA[x]! - rowB[x]!) ** 2;
    }
  }
  return -10 * Math.log10(sum / (a.width * a.height * a.channels.length));
}
