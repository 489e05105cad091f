import { escapeXml } from '../../metrics/escape-xml.js';

/** A row of values whose distribution is drawn. */
export interface Distribution {
  readonly name: string;
  /** CSS colour. */
  readonly color: string;
  /** Those that are no finite numbers are left out. */
  readonly values: readonly number[];
}

const [width, height] = [880, 260];
const [left, right, top, bottom] = [48, width - 16, 36, height - 44];
/** Widths of bins, the narrowest first. */
const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10];
const mostBins = 32;

/** Counts of several distributions in common bins, side by side, as a standalone SVG picture; empty without values. */
export function histogram(distributions: readonly Distribution[], axis: string): string {
  const all = distributions.flatMap(({ values }) => values.filter(Number.isFinite));
  if (all.length === 0) return '';
  const [low, high] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const step = steps.find((each) => (high - low) / each <= mostBins - 1) ?? Math.ceil((high - low) / (mostBins - 1));
  const first = Math.floor(low / step);
  const bins = Math.floor(high / step) - first + 1;
  const counts = distributions.map(({ values }) => {
    const bars = Array.from({ length: bins }, () => 0);
    for (const value of values) if (Number.isFinite(value)) bars[Math.floor(value / step) - first]! += 1;
    return bars;
  });
  const most = counts.flat().reduce((a, b) => Math.max(a, b));
  const bin = (right - left) / bins;
  const bar = (0.8 * bin) / distributions.length;
  const bars = counts.flatMap((row, d) =>
    row.map((count, b) => {
      const size = (count / most) * (bottom - top);
      const x = left + b * bin + 0.1 * bin + d * bar;
      return count > 0
        ? `<rect x="${x.toFixed(1)}" y="${(bottom - size).toFixed(1)}" width="${bar.toFixed(1)}" height="${size.toFixed(1)}" fill="${distributions[d]?.color ?? ''}"><title>${count}</title></rect>`
        : '';
    }),
  );
  const every = Math.ceil(bins / 12);
  const decimals = step < 1 ? 1 : 0;
  const ticks = Array.from({ length: bins + 1 }, (_, b) =>
    b % every === 0
      ? `<text x="${(left + b * bin).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${((first + b) * step).toFixed(decimals)}</text>`
      : '',
  );
  const legend = distributions.map(({ name, color }, d) => {
    const x = left + d * 220;
    return `<rect x="${x}" y="8" width="12" height="12" fill="${color}"/><text x="${x + 18}" y="18">${escapeXml(name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#1c2128">
${legend.join('\n')}
<text x="${left - 6}" y="${top + 4}" text-anchor="end">${most}</text>
<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#8b949e"/>
${[...bars, ...ticks].filter(Boolean).join('\n')}
<text x="${(left + right) / 2}" y="${height - 8}" text-anchor="middle">${escapeXml(axis)}</text>
</svg>`;
}
