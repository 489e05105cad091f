import type { Comparison, FrameComparison, Score } from '../metrics/compare.js';

const cells = (score: Score | undefined): string =>
  score ? `${decibels(score.psnr).padStart(12)}${score.ssim.toFixed(4).padStart(10)}` : '';

function decibels(psnr: number): string {
  return Number.isFinite(psnr) ? psnr.toFixed(2) : 'identical';
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
}

/** Head of the table of a comparison. */
export function tableHead(withBefore: boolean): string {
  const columns = `${'PSNR (dB)'.padStart(12)}${'SSIM'.padStart(10)}`;
  const group = (name: string) => name.padStart(22);
  const groups = withBefore ? `${' '.repeat(17)}${group('result')}${group('before')}\n` : '';
  return `${groups}${'frame'.padStart(7)}${'time (s)'.padStart(10)}${columns}${withBefore ? columns : ''}\n`;
}

/** A frame's row. */
export function tableRow({ index, seconds, result, before }: FrameComparison): string {
  return `${String(index).padStart(7)}${seconds.toFixed(3).padStart(10)}${cells(result)}${cells(before)}\n`;
}

/** The means, what the result gained, and what a reader should know of the numbers. */
export function tableFoot({ mean, frames, notes, width, height, depth, ssimKind }: Comparison): string {
  const lines = [`${'mean'.padStart(7)}${' '.repeat(10)}${cells(mean.result)}${cells(mean.before)}`];
  const { gain } = mean;
  if (gain) {
    const psnr = Number.isFinite(gain.psnr) ? signed(gain.psnr, 2) : '-';
    lines.push(`${'gain'.padStart(7)}${' '.repeat(10)}${psnr.padStart(12)}${signed(gain.ssim, 4).padStart(10)}`);
  }
  const kind = ssimKind === '3d' ? '3-D' : '2-D';
  lines.push(
    '',
    `${frames.length} ${frames.length === 1 ? 'frame' : 'frames'} of ${width}x${height}, RGB at ${depth} bits; SSIM is ${kind} Gaussian.`,
  );
  if (mean.result.identical > 0 && Number.isFinite(mean.result.psnr)) {
    lines.push(`Frames identical to the reference: ${mean.result.identical}; the mean PSNR is over the others.`);
  }
  return `${[...lines, ...notes.map((note) => `note: ${note}`)].join('\n')}\n`;
}
