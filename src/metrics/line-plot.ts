import { escapeXml } from './escape-xml.js';

/** A line of a plot; non-finite values leave a gap. */
export interface Curve {
  readonly name: string;
  /** CSS colour. */
  readonly color: string;
  /** Default false. */
  readonly dashed?: boolean;
  /** One value per x. */
  readonly values: readonly number[];
}

/** A pair of axes and the curves between them. */
export interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

/** What {@link linePlot} draws. */
export interface LinePlot {
  readonly title: string;
  /** Shared by all panels, ascending. */
  readonly x: readonly number[];
  readonly xTitle: string;
  /** One above the other; the first one's curves make the legend. */
  readonly panels: readonly Panel[];
}

/** Values to pixels, with round ticks. */
interface Scale {
  readonly ticks: readonly number[];
  /** Decimals the tick labels need. */
  readonly decimals: number;
  at(value: number): number;
}

const WIDTH = 880;
const LEFT = 72;
const RIGHT = WIDTH - 24;
const PANEL_HEIGHT = 190;
/** Between panels, with room for tick labels and a title. */
const PANEL_GAP = 64;
const LEGEND_TOP = 52;
const LEGEND_LINE = 20;
/** Longer curves are drawn without a dot per value. */
const MAX_DOTS = 80;

const STYLE = `text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1c2128; font-size: 13px; }
.head { font-size: 17px; font-weight: 600; }
.title { font-weight: 600; }
.tick { font-size: 12px; fill: #57606a; }
.grid { stroke: #e4e7eb; }
.axis { stroke: #8b949e; }
.curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }`;

function extent(values: readonly number[]): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  if (low < high) return [low, high];
  const margin = 0.01 * Math.abs(low) || 0.5;
  return [low - margin, high + margin];
}

/** A scale over `low … high` with about `count` ticks at multiples of 1, 2 or 5, from pixel `from` to pixel `to`. */
function linearScale([low, high]: readonly [number, number], count: number, from: number, to: number): Scale {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= 0.7 * rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)),
    at: (value) => from + ((value - low) / (high - low)) * (to - from),
  };
}

/** A range with some air above and below. */
function padded([low, high]: readonly [number, number]): [number, number] {
  const air = (high - low) * 0.08;
  return [low - air, high + air];
}

/** SVG path data that lifts the pen over gaps. */
function pathData(xs: readonly number[], ys: readonly number[]): string {
  let pen = 'M';
  let data = '';
  ys.forEach((y, i) => {
    if (Number.isFinite(y)) data += `${pen}${xs[i]!.toFixed(1)} ${y.toFixed(1)}`;
    pen = Number.isFinite(y) ? 'L' : 'M';
  });
  return data;
}

function drawCurve({ name, color, dashed, values }: Curve, xs: readonly number[], y: Scale): string {
  const ys = values.map((value) => y.at(value));
  const dots = ys
    .flatMap((v, i) => (Number.isFinite(v) ? [`<circle cx="${xs[i]!.toFixed(1)}" cy="${v.toFixed(1)}" r="2.6"/>`] : []))
    .join('');
  return `<g><title>${escapeXml(name)}</title>
<path class="curve" stroke="${color}"${dashed ? ' stroke-dasharray="6 4"' : ''} d="${pathData(xs, ys)}"/>
<g fill="${color}">${ys.length > MAX_DOTS ? '' : dots}</g></g>`;
}

function drawPanel({ title, curves }: Panel, x: readonly number[], top: number): string {
  const bottom = top + PANEL_HEIGHT;
  const across = linearScale(extent(x), 8, LEFT, RIGHT);
  const up = linearScale(padded(extent(curves.flatMap((curve) => curve.values))), 5, bottom, top);
  const rows = up.ticks.map((tick) => {
    const at = up.at(tick).toFixed(1);
    return `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/>
<text class="tick" text-anchor="end" x="${LEFT - 8}" y="${at}" dy="0.35em">${tick.toFixed(up.decimals)}</text>`;
  });
  const columns = across.ticks.map((tick) => {
    const at = across.at(tick).toFixed(1);
    return `<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/>
<text class="tick" text-anchor="middle" x="${at}" y="${bottom + 20}">${tick.toFixed(across.decimals)}</text>`;
  });
  const xs = x.map((value) => across.at(value));
  return [
    `<text class="title" x="${LEFT}" y="${top - 12}">${escapeXml(title)}</text>`,
    ...rows,
    `<path class="axis" fill="none" d="M${LEFT} ${top}V${bottom}H${RIGHT}"/>`,
    ...columns,
    // The first curve is the one that matters: it is drawn last, on top.
    ...[...curves].reverse().map((curve) => drawCurve(curve, xs, up)),
  ].join('\n');
}

function drawLegend({ name, color, dashed }: Curve, row: number): string {
  const y = LEGEND_TOP + row * LEGEND_LINE;
  return `<line x1="${LEFT}" x2="${LEFT + 28}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="2.4"${dashed ? ' stroke-dasharray="6 4"' : ''}/>
<text x="${LEFT + 36}" y="${y}" dy="0.35em">${escapeXml(name)}</text>`;
}

/** Draws curves as a standalone SVG document, dark on white. */
export function linePlot({ title, x, xTitle, panels }: LinePlot): string {
  const legend = panels[0]?.curves ?? [];
  const firstTop = LEGEND_TOP + legend.length * LEGEND_LINE + 24;
  const top = (i: number) => firstTop + i * (PANEL_HEIGHT + PANEL_GAP);
  const height = top(panels.length) - PANEL_GAP + 60;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<style>${STYLE}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
<text class="head" x="${LEFT}" y="28">${escapeXml(title)}</text>
${legend.map(drawLegend).join('\n')}
${panels.map((panel, i) => drawPanel(panel, x, top(i))).join('\n')}
<text class="tick" text-anchor="middle" x="${(LEFT + RIGHT) / 2}" y="${height - 16}">${escapeXml(xTitle)}</text>
</svg>
`;
}
