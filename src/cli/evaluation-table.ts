import type { Evaluation, SubjectMean } from '../train/evaluate/evaluation.js';
import { scoreText } from '../train/evaluate/score-text.js';
import { aligned } from './aligned.js';

/** PSNR of the input, and PSNR and gain of each model. */
function sceneCells(subjects: readonly SubjectMean[]): string[] {
  return subjects.flatMap(({ psnr, gain }, i) =>
    i === 0 ? [scoreText.psnr(psnr)] : [scoreText.psnr(psnr), scoreText.gain(gain?.psnr)],
  );
}

function summaryRow({ name, psnr, gain, ssim, lpips, warping, milliseconds, worst }: SubjectMean): string[] {
  return [
    ...[name, scoreText.psnr(psnr), scoreText.gain(gain?.psnr), ssim.toFixed(4), scoreText.fixed(lpips, 4)],
    ...[scoreText.fixed(warping, 2), scoreText.fixed(milliseconds, 1)],
    worst ? `${scoreText.gain(worst.gain)} at ${worst.scene}:${worst.index}` : '-',
  ];
}

/** An evaluation for a person: the scenes, the means, and what there is to know about the numbers. */
export function evaluationTable({ subjects, scenes, bands, mean, ssimKind, set, notes }: Evaluation): string {
  const scenesHead = ['scene', 'frames', ...subjects.flatMap((name, i) => (i === 0 ? [name] : [name, 'gain']))];
  const sceneRows = scenes.map(({ name, frames, subjects: means }) => [name, String(frames), ...sceneCells(means)]);
  const bandRows = bands.map(({ name, frames, subjects: means }) => [name, String(frames), ...sceneCells(means)]);
  const head = ['', 'PSNR (dB)', 'gain', 'SSIM', 'LPIPS', 'flicker', 'ms/frame', 'least gain'];
  const truth =
    mean.truthWarping === undefined ? [] : [['truth', '-', '-', '-', '-', mean.truthWarping.toFixed(2), '-', '-']];
  const foot = [
    `${mean.frames} frames of ${scenes.length} scenes of ${set.root} (${set.layout}); SSIM is ${ssimKind === '3d' ? '3-D' : '2-D'} Gaussian.`,
    ...notes.map((note) => `note: ${note}`),
  ];
  return [
    aligned([scenesHead, ...sceneRows]),
    aligned([['blur of the input', ...scenesHead.slice(1)], ...bandRows]),
    aligned([head, ...mean.subjects.map(summaryRow), ...truth]),
    `${foot.join('\n')}\n`,
  ].join('\n');
}
