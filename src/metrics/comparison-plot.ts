import path from 'node:path';
import type { Comparison, MeanScore, Score } from './compare.js';
import { linePlot, type Curve, type Panel } from './line-plot.js';

function label(role: string, file: string, { psnr, ssim }: MeanScore): string {
  const quality = Number.isFinite(psnr) ? `PSNR ${psnr.toFixed(2)} dB, SSIM ${ssim.toFixed(4)}` : 'identical';
  return `${role} (${path.basename(file)}): ${quality}`;
}

/**
 * PSNR and SSIM over time as a picture: a standalone SVG document, one panel per metric, one curve per
 * video. Identical frames have no finite PSNR and leave a gap.
 */
export function plotComparison({ reference, result, before, frames, mean, ssimKind }: Comparison): string {
  const curves = (metric: keyof Score): Curve[] => {
    const name = label('result', result, mean.result);
    const list: Curve[] = [{ name, color: '#0b62c4', values: frames.map((frame) => frame.result[metric]) }];
    if (before !== undefined && mean.before) {
      const values = frames.map((frame) => frame.before?.[metric] ?? NaN);
      list.push({ name: label('before', before, mean.before), color: '#c2570c', dashed: true, values });
    }
    return list;
  };
  const panels: Panel[] = [
    { title: 'PSNR (dB)', curves: curves('psnr') },
    { title: ssimKind === '3d' ? 'SSIM (3-D Gaussian)' : 'SSIM (2-D Gaussian)', curves: curves('ssim') },
  ];
  return linePlot({
    title: `Quality against ${path.basename(reference)}`,
    x: frames.map((frame) => frame.seconds),
    xTitle: 'time (s)',
    // Where every frame is identical there is no PSNR to draw.
    panels: panels.filter((panel) => panel.curves.some(({ values }) => values.some(Number.isFinite))),
  });
}
