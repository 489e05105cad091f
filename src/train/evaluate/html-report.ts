import { escapeXml } from '../../metrics/escape-xml.js';
import type { Evaluation, GroupEvaluation } from './evaluation.js';
import { histogram } from './histogram.js';
import { scoreText } from './score-text.js';
import type { Crop, Showcase } from './showcase.js';

const colors = ['#c2570c', '#0b62c4', '#2a8f4a'] as const;

const style = `body { font: 15px/1.5 system-ui, sans-serif; color: #1c2128; background: #fff; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e4e7eb; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
figure { margin: 1.2rem 0; } figcaption { margin-bottom: .3rem; }
.row { display: flex; gap: .5rem; flex-wrap: wrap; }
.row div { flex: 1 1 12rem; max-width: 19rem; } .row img { width: 100%; image-rendering: pixelated; display: block; }
.row span { font-size: .85rem; color: #57606a; }
svg { max-width: 100%; height: auto; }`;

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
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title><style>${style}</style></head>
<body>
<h1>${escapeXml(title)}</h1>
<ul>${lines.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>
<h2>Means over all frames</h2>
${summaryTable(mean, evaluation.ssimKind)}
<h2>PSNR of the frames</h2>
${histogram(distributions, 'PSNR in dB')}
${cropsSection('Worst', worst, subjects)}
${cropsSection('Best', best, subjects)}
<h2>Scenes</h2>
${scenesTable(evaluation)}
</body>
</html>
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((each) => `<${tag}>${escapeXml(each)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table><thead>${line('th', head)}</thead><tbody>${rows.map((row) => line('td', row)).join('\n')}</tbody></table></div>`;
}

function summaryTable({ subjects, truthWarping }: GroupEvaluation, ssimKind: string): string {
  const rows = subjects.map(({ name, psnr, gain, ssim, lpips, warping, milliseconds, worst }) => [
    ...[name, scoreText.psnr(psnr), scoreText.gain(gain?.psnr), ssim.toFixed(4), scoreText.fixed(lpips, 4)],
    ...[scoreText.fixed(warping, 2), scoreText.fixed(milliseconds, 1)],
    worst ? `${scoreText.gain(worst.gain)} (${worst.scene}, frame ${worst.index})` : '-',
  ]);
  const truth = ['truth', '-', '-', '-', '-', scoreText.fixed(truthWarping, 2), '-', '-'];
  const head = ['', 'PSNR (dB)', 'gain (dB)', `SSIM (${ssimKind})`, 'LPIPS', 'flicker', 'ms/frame', 'least gain'];
  return table(head, truthWarping === undefined ? rows : [...rows, truth]);
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
  return table(head, rows);
}

function cropsSection(title: string, crops: readonly Crop[], subjects: readonly string[]): string {
  if (crops.length === 0) return '';
  const names = [...subjects, 'truth'];
  const what = subjects.length > 1 ? 'gained' : 'PSNR';
  const figures = crops.map(({ scene, index, value, left, top, pictures }) => {
    const shown = pictures.map(
      (png, i) =>
        `<div><img alt="${escapeXml(names[i] ?? '')}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}"><span>${escapeXml(names[i] ?? '')}</span></div>`,
    );
    return `<figure><figcaption>${escapeXml(scene)}, frame ${index}: ${what} ${scoreText.gain(value)} dB (crop at ${left}, ${top})</figcaption><div class="row">${shown.join('')}</div></figure>`;
  });
  return `<h2>${title} frames</h2>\n${figures.join('\n')}`;
}
