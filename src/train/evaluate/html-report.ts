import type { Evaluation, GroupEvaluation } from './evaluation.js';
import { histogram } from './histogram.js';
import { htmlPage, htmlPictures, htmlTable, type HtmlSection } from './html-page.js';
import { scoreText } from './score-text.js';
import type { Crop, Showcase } from './showcase.js';

const colors = ['#c2570c', '#0b62c4', '#2a8f4a'] as const;

/**
 * An evaluation as one HTML file without scripts and without anything from elsewhere: means, a histogram, the scenes,
 * and crops of the worst and the best frames.
 *
 * @param facts lines under the title, such as how it was made.
 */
export function htmlReport(evaluation: Evaluation, { worst, best }: Showcase, facts: readonly string[] = []): string {
  const { subjects, set, notes, scenes, mean, frames } = evaluation;
  const title = `${subjects.slice(1).join(' and ') || 'input'} on ${set.root}`;
  const distributions = subjects.map((name, i) => ({
    name,
    color: colors[i] ?? '#57606a',
    values: frames.flatMap(({ scores }) => scores[i]?.psnr ?? []),
  }));
  const lines = [...facts, `${frames.length} frames of ${scenes.length} scenes, layout ${set.layout}`, ...notes];
  return htmlPage(title, lines, [
    { title: 'Means over all frames', html: summaryTable(mean, evaluation.ssimKind) },
    { title: 'PSNR of the frames', html: histogram(distributions, 'PSNR in dB') },
    ...cropsSection('Worst', worst, subjects),
    ...cropsSection('Best', best, subjects),
    { title: 'Scenes', html: scenesTable(evaluation) },
  ]);
}

function summaryTable({ subjects, truthWarping }: GroupEvaluation, ssimKind: string): string {
  const rows = subjects.map(({ name, psnr, gain, ssim, lpips, warping, milliseconds, worst }) => [
    ...[name, scoreText.psnr(psnr), scoreText.gain(gain?.psnr), ssim.toFixed(4), scoreText.fixed(lpips, 4)],
    ...[scoreText.fixed(warping, 2), scoreText.fixed(milliseconds, 1)],
    worst ? `${scoreText.gain(worst.gain)} (${worst.scene}, frame ${worst.index})` : '-',
  ]);
  const truth = ['truth', '-', '-', '-', '-', scoreText.fixed(truthWarping, 2), '-', '-'];
  const head = ['', 'PSNR (dB)', 'gain (dB)', `SSIM (${ssimKind})`, 'LPIPS', 'flicker', 'ms/frame', 'least gain'];
  return htmlTable(head, truthWarping === undefined ? rows : [...rows, truth]);
}

function scenesTable({ scenes, subjects }: Evaluation): string {
  const head = [
    ...['scene', 'frames', 'input (dB)'],
    ...subjects.slice(1).flatMap((name) => [`${name} (dB)`, 'gain', 'SSIM', 'flicker']),
  ];
  const rows = scenes.map(({ name, frames, subjects: means }) => [
    ...[name, String(frames), scoreText.psnr(means[0]?.psnr ?? NaN)],
    ...means
      .slice(1)
      .flatMap(({ psnr, gain, ssim, warping }) => [
        scoreText.psnr(psnr),
        scoreText.gain(gain?.psnr),
        ssim.toFixed(4),
        scoreText.fixed(warping, 2),
      ]),
  ]);
  return htmlTable(head, rows);
}

function cropsSection(title: string, crops: readonly Crop[], subjects: readonly string[]): HtmlSection[] {
  if (crops.length === 0) return [];
  const names = [...subjects, 'truth'];
  const what = subjects.length > 1 ? 'gained' : 'PSNR';
  const figures = crops.map(({ scene, index, value, left, top, pictures }) =>
    htmlPictures(
      `${scene}, frame ${index}: ${what} ${scoreText.gain(value)} dB (crop at ${left}, ${top})`,
      pictures.map((png, i) => ({ name: names[i] ?? '', png })),
    ),
  );
  return [{ title: `${title} frames`, html: figures.join('\n') }];
}
