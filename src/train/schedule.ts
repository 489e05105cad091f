/** How the learning rate changes. */
export interface ScheduleOptions {
  /** `constant`; `cosine`: half a wave down to `end`; `linear`: down to `end`; `steps`: times `factor` at each of `at`. */
  readonly kind: 'constant' | 'cosine' | 'linear' | 'steps';
  /** The rate after `warmup`. */
  readonly rate: number;
  /** Steps over which the rate rises from nothing. Default 0. */
  readonly warmup?: number;
  /** Steps that the rate is kept before it falls. Default 0. */
  readonly hold?: number;
  /** The last rate of `cosine` and `linear`. Default 0. */
  readonly end?: number;
  /** Default 0.5. */
  readonly factor?: number;
  /** Steps at which `steps` falls. Default none. */
  readonly at?: readonly number[];
}

/** The learning rate at a step, from 0, of `total`. */
export function learningRate(schedule: ScheduleOptions, step: number, total: number): number {
  const { kind, rate, warmup = 0, hold = 0, end = 0, factor = 0.5, at = [] } = schedule;
  if (step < warmup) return (rate * (step + 1)) / warmup;
  const start = Math.max(warmup, hold);
  const progress = Math.min(1, Math.max(0, (step - start) / Math.max(1, total - start)));
  switch (kind) {
    case 'constant':
      return rate;
    case 'cosine':
      return end + ((rate - end) * (1 + Math.cos(Math.PI * progress))) / 2;
    case 'linear':
      return rate + (end - rate) * progress;
    case 'steps':
      return rate * factor ** at.filter((milestone) => step >= milestone).length;
  }
}
