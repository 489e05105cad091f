import { readFile } from 'node:fs/promises';
import { linePlot, type Panel } from '../../metrics/line-plot.js';
import { htmlList, htmlPage, htmlPictures, htmlTable, type HtmlSection } from '../evaluate/html-page.js';
import { scoreText } from '../evaluate/score-text.js';
import type { AdaptReport } from './adapt-report.js';
import type { MeasuredCut } from './measure.js';

/** Numbers of a training log by their step. */
export type TrainingCurve = readonly Readonly<Record<string, unknown>>[];

/** Most points of a curve. */
const mostPoints = 300;

/** A log of JSON lines, of long ones every n-th line. Lines that are none are left out. */
export async function readCurve(file: string): Promise<TrainingCurve> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n').flatMap((line) => {
    try {
      const value = JSON.parse(line) as Record<string, unknown>;
      return typeof value['step'] === 'number' && typeof value['loss'] === 'number' ? [value] : [];
    } catch {
      return [];
    }
  });
  const every = Math.ceil(lines.length / mostPoints);
  return lines.filter((_, i) => i % every === 0);
}

/** An adaptation's report as one HTML file. */
export function adaptPage(report: AdaptReport, cuts: readonly MeasuredCut[], curve: TrainingCurve): string {
  const { model, stages, remarks, scored } = report;
  const { split, blur, train } = stages;
  const facts = [
    report.program,
    ...(split
      ? [
          `of ${split.looked} frames ${split.frames.blurry} are taken as blurry, ${split.frames.sharp} as sharp`,
          `scenes: ${split.scenes.blurry} blurry, ${split.scenes.sharp} sharp`,
          ...split.unusable.map((reason) => `not used: ${reason}`),
        ]
      : []),
    ...(blur ? [`${blur.pictures} sharp pictures were given the known blur: ${blur.name}`] : []),
    ...(train ? [`${train.steps} steps on ${train.backend}, base width ${report.effort.baseChannels}`] : []),
    report.command,
  ];
  const names = report.tested.subjects.map(({ name }) => name);
  const sections: HtmlSection[] = [
    ...(remarks.length > 0 ? [{ title: 'What the numbers say', html: htmlList(remarks) }] : []),
    { title: 'On frames of the footage', html: `${testedTable(report)}${htmlList(report.tested.notes)}` },
    ...(scored ? [{ title: `On ${scored.root}, with truth`, html: scoredTable(scored.subjects) }] : []),
    {
      title: 'Pictures',
      html: cuts
        .map(({ scene, index, left, top, pictures }) =>
          htmlPictures(
            `${scene}, frame ${index} of the test (crop at ${left}, ${top})`,
            pictures.map((png, i) => ({ name: names[i] ?? '', png })),
          ),
        )
        .join('\n'),
    },
    ...(curve.length > 1 ? [{ title: 'Training', html: curvePlot(curve) }] : []),
  ];
  return htmlPage(`A translator for ${model}`, facts, sections);
}

function testedTable({ tested, sharpFrames }: AdaptReport): string {
  const rows = tested.subjects.map(({ name, sharpness, flicker, likeness, milliseconds }) => [
    ...[name, sharpness.toFixed(3), scoreText.fixed(flicker, 2), scoreText.fixed(likeness, 2)],
    scoreText.fixed(milliseconds, 1),
  ]);
  return htmlTable(
    ['', 'sharpness', 'flicker', 'likeness to the source (dB)', 'ms/frame'],
    [...rows, ["the camera's sharp frames", sharpFrames.toFixed(3), '-', '-', '-']],
  );
}

function scoredTable(subjects: NonNullable<AdaptReport['scored']>['subjects']): string {
  const rows = subjects.map(({ name, psnr, gain, ssim, warping }) => [
    ...[name, scoreText.psnr(psnr), scoreText.gain(gain?.psnr), ssim.toFixed(4), scoreText.fixed(warping, 2)],
  ]);
  return htmlTable(['', 'PSNR (dB)', 'gain (dB)', 'SSIM', 'flicker'], rows);
}

function curvePlot(curve: TrainingCurve): string {
  const number = (value: unknown) => (typeof value === 'number' ? value : NaN);
  const values = (key: string) => curve.map((line) => number(line[key]));
  const panels: Panel[] = [
    {
      title: 'the contest',
      curves: [
        { name: 'discriminator', color: '#2a8f4a', values: values('loss/discriminator') },
        { name: 'adversarial loss of the translator', color: '#c2570c', values: values('loss/adversarial') },
      ],
    },
    {
      title: 'distance of translated pictures from their source',
      curves: [{ name: 'reconstruction', color: '#0b62c4', values: values('loss/reconstruction') }],
    },
  ];
  return linePlot({
    title: 'Losses',
    x: curve.map(({ step }) => number(step)),
    xTitle: 'step',
    panels,
  });
}
