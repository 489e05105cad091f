import path from 'node:path';
import type { Comparison, MeanScore, Score } from './compare.js';

const WIDTH = 880;
const PANEL = { left: 72, right: 24, height: 190 } as const;
const PANEL_TOPS = [104, 352] as const;
const HEIGHT = 600;
const RESULT_COLOR = '#0b62c4';
const BEFORE_COLOR = '#c2570c';

/** A curve over time; non-finite values leave a gap. */
interface Curve {
  readonly name: string;
  readonly color: string;
  readonly values: readonly number[];
}

interface Scale {
  readonly ticks: readonly number[];
  readonly decimals: number;
  /** Position of a value in pixels. */
  at(value: number): number;
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (c) => entities[c]!).replace(/\p{Cc}/gu, '\ufffd');
}

/** A linear scale over the values' range with about `count` round ticks, from pixel `from` to pixel `to`. */
function linearScale(values: readonly number[], count: number, from: number, to: number, tight = false): Scale {
  const finite = values.filter(Number.isFinite);
  let low = finite.length > 0 ? Math.min(...finite) : 0;
  let high = finite.length > 0 ? Math.max(...finite) : 1;
  if (low === high)
    [low, high] = tight
      ? [low, high + 1]
      : [low - 0.5 * Math.abs(low || 1) * 0.01, high + 0.5 * Math.abs(high || 1) * 0.01];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10);
  if (!tight) [low, high] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { ticks, decimals, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

/** SVG path data that lifts the pen over gaps. */
function pathData(xs: readonly number[], ys: readonly number[]): string {
  let pen = 'M';
  const parts: string[] = [];
  ys.forEach((y, i) => {
    if (Number.isFinite(y)) parts.push(`${pen}${xs[i]!.toFixed(1)} ${y.toFixed(1)}`);
    pen = Number.isFinite(y) ? 'L' : 'M';
  });
  return parts.join('');
}

function panel(
  title: string,
  top: number,
  seconds: readonly number[],
  curves: readonly Curve[],
  xTitle: string,
): string {
  const right = WIDTH - PANEL.right;
  const bottom = top + PANEL.height;
  const x = linearScale(seconds, 8, PANEL.left, right, true);
  const y = linearScale(
    curves.flatMap((curve) => curve.values),
    5,
    bottom,
    top,
  );
  const xs = seconds.map((s) => x.at(s));
  const grid = y.ticks.map((tick) => {
    const at = y.at(tick).toFixed(1);
    return `<line class="grid" x1="${PANEL.left}" x2="${right}" y1="${at}" y2="${at}"/><text class="tick" text-anchor="end" x="${PANEL.left - 8}" y="${at}" dy="0.35em">${tick.toFixed(y.decimals)}</text>`;
  });
  const times = x.ticks.map((tick) => {
    const at = x.at(tick).toFixed(1);
    return `<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/><text class="tick" text-anchor="middle" x="${at}" y="${bottom + 20}">${tick.toFixed(x.decimals)}</text>`;
  });
  const lines = curves.map(({ name, color, values }) => {
    const ys = values.map((value) => y.at(value));
    const dots =
      seconds.length > 80
        ? ''
        : ys
            .map((v, i) =>
              Number.isFinite(v) ? `<circle cx="${xs[i]!.toFixed(1)}" cy="${v.toFixed(1)}" r="2.6"/>` : '',
            )
            .join('');
    return `<g stroke="${color}" fill="${color}"><title>${escapeXml(name)}</title><path fill="none" stroke-width="1.8" stroke-linejoin="round" d="${pathData(xs, ys)}"/><g stroke="none">${dots}</g></g>`;
  });
  return [
    `<text class="title" x="${PANEL.left}" y="${top - 12}">${title}</text>`,
    ...grid,
    `<path class="axis" fill="none" d="M${PANEL.left} ${top}V${bottom}H${right}"/>`,
    ...times,
    ...(xTitle
      ? [`<text class="tick" text-anchor="middle" x="${(PANEL.left + right) / 2}" y="${bottom + 42}">${xTitle}</text>`]
      : []),
    ...lines,
  ].join('\n');
}

function legendText(role: string, file: string, { psnr, ssim }: MeanScore): string {
  const db = Number.isFinite(psnr) ? `${psnr.toFixed(2)} dB` : 'identical';
  return `${role} ${path.basename(file)}: mean ${db}, ${ssim.toFixed(4)}`;
}

/**
 * PSNR and SSIM over time as a picture: a standalone SVG document, dark on white, one panel per metric,
 * one curve per video.
 */
export function plotComparison(comparison: Comparison): string {
  const { frames, mean, before } = comparison;
  const seconds = frames.map((frame) => frame.seconds);
  const series = [
    {
      name: legendText('result', comparison.result, mean.result),
      color: RESULT_COLOR,
      scores: frames.map((f) => f.result),
    },
  ];
  if (before !== undefined && mean.before) {
    series.push({
      name: legendText('before', before, mean.before),
      color: BEFORE_COLOR,
      scores: frames.flatMap((f) => f.before ?? []),
    });
  }
  const curves = (metric: keyof Score) =>
    series.map(({ name, color, scores }) => ({ name, color, values: scores.map((s) => s[metric]) }));
  const legend = series.map(({ name, color }, i) => {
    const at = 52 + 20 * i;
    return `<line x1="${PANEL.left}" x2="${PANEL.left + 26}" y1="${at}" y2="${at}" stroke="${color}" stroke-width="2.4"/><text class="legend" x="${PANEL.left + 34}" y="${at}" dy="0.35em">${escapeXml(name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<style>
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1c2128; }
.head { font-size: 17px; font-weight: 600; }
.title { font-size: 13px; font-weight: 600; }
.legend { font-size: 13px; }
.tick { font-size: 12px; fill: #57606a; }
.grid { stroke: #e4e7eb; }
.axis { stroke: #8b949e; }
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
<text class="head" x="${PANEL.left}" y="28">Against ${escapeXml(path.basename(comparison.reference))}, ${frames.length} frames of ${comparison.width}x${comparison.height}</text>
${legend.join('\n')}
${panel('PSNR (dB)', PANEL_TOPS[0] + (series.length - 1) * 20, seconds, curves('psnr'), '')}
${panel(comparison.ssimKind === '3d' ? 'SSIM (3-D Gaussian)' : 'SSIM (2-D Gaussian)', PANEL_TOPS[1], seconds, curves('ssim'), 'time (s)')}
</svg>
`;
}
