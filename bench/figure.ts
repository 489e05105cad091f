/** A number that was asked for, and what this machine reached. */
export interface Figure {
  /** What is measured, for people. */
  readonly name: string;
  /** The figure asked for, as a sentence. */
  readonly asked: string;
  /** What was measured, as a sentence with its unit. */
  readonly reached: string;
  /** Whether it is what was asked; undefined where it could not be measured. */
  readonly met: boolean | undefined;
  /** More lines for the report: single runs, settings, what is missing. */
  readonly details: readonly string[];
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 ? high : ((sorted[middle - 1] ?? NaN) + high) / 2;
}

/** `median (least-most)` with the given digits. */
export function spread(values: readonly number[], digits: number): string {
  const format = (value: number) => value.toFixed(digits);
  return `${format(median(values))} (${format(Math.min(...values))}-${format(Math.max(...values))})`;
}
