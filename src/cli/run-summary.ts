import type { RunPlan, RunReport } from '../pipeline/run.js';
import { describeBytes } from './bytes.js';

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The networks of a run in their order, undefined without any. */
export function describeNetworks({ model, translator }: Pick<RunPlan, 'model' | 'translator'>): string | undefined {
  const names = model === 'none' ? [] : [model];
  if (translator !== undefined) names.unshift(`translated by ${translator}`);
  return names.length > 0 ? names.join(', then ') : undefined;
}

/** The end of a run for a person: what went in, what came out, and everything that was not as it should be. */
export function describeRun(report: RunReport): string {
  const { read, written, seconds, rate, output, bytes, codec, encodedFormat, cuts, guarded, damage, streams } = report;
  const lines = [
    `${plural(read, 'frame')} in, ${written} out, ${seconds.toFixed(1)} s, ${rate.toFixed(rate < 10 ? 2 : 1)} frames/s`,
    `${output}: ${codec} ${encodedFormat}, ${describeBytes(bytes)}`,
  ];
  if (report.translator !== undefined) lines.push(describeNetworks(report) ?? '');
  const scenes = cuts.scene + cuts.gap + cuts.format;
  if (scenes > 0)
    lines.push(
      `${plural(scenes, 'cut')}: ${cuts.scene} by scene, ${cuts.gap} by a gap in time, ${cuts.format} by format`,
    );
  const broken = guarded.nan + guarded.black + guarded.mosaic;
  if (broken > 0) {
    lines.push(
      `${plural(broken, 'frame')} went out as they came in because the result was broken: ${guarded.nan} NaN, ${guarded.black} black, ${guarded.mosaic} mosaic`,
    );
  }
  for (const note of damage.notes) lines.push(`damaged input: ${note}`);
  for (const { reason } of streams) lines.push(reason);
  return `${lines.join('\n')}\n`;
}
