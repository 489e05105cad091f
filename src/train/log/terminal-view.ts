import { clock } from '../../clock.js';
import type { TrainProgress } from '../trainer.js';

/** What {@link viewLines} draws. */
export interface ViewState {
  readonly progress: TrainProgress;
  /** Mean of the last losses. */
  readonly loss: number;
  /** Means of the loss over parts of the run, in order of time. */
  readonly curve: readonly number[];
}

const bars = '▁▂▃▄▅▆▇█';

/** A row of bars, the lowest value the shortest. Values that are no numbers are gaps. */
export function sparkline(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low;
  const bar = (value: number) => bars[span > 0 ? Math.round(((value - low) / span) * (bars.length - 1)) : 0] ?? ' ';
  return values.map((value) => (Number.isFinite(value) ? bar(value) : ' ')).join('');
}

/** A training run as a few lines of at most `columns` characters. */
export function viewLines({ progress, loss, curve }: ViewState, columns: number): string[] {
  const { step, steps } = progress;
  const width = Math.max(10, Math.min(40, columns - 50));
  const full = Math.round((step / steps) * width);
  const lines = [
    `${'█'.repeat(full)}${'░'.repeat(width - full)} step ${step}/${steps} | ${progress.speed.toFixed(2)} steps/s | ETA ${remaining(progress)}`,
    `loss ${loss.toPrecision(4)} | rate ${progress.rate.toPrecision(3)}${validationText(progress)}`,
    sparkline(curve.slice(-Math.max(1, columns))),
  ];
  return lines.map((line) => [...line].slice(0, columns).join(''));
}

/** A training run as one line. */
export function viewLine({ progress, loss }: ViewState): string {
  const { step, steps, rate, speed } = progress;
  return `step ${step}/${steps}: loss ${loss.toPrecision(4)}, rate ${rate.toPrecision(3)}, ${speed.toFixed(2)} steps/s, ETA ${remaining(progress)}${validationText(progress)}`;
}

function remaining({ step, steps, speed }: TrainProgress): string {
  return clock((steps - step) / speed);
}

function validationText({ validation }: TrainProgress): string {
  if (!validation) return '';
  const { psnr, gain } = validation;
  return ` | validation ${psnr.toFixed(2)} dB (${gain < 0 ? '' : '+'}${gain.toFixed(2)})`;
}

/** Where {@link TrainingView} draws, for instance `process.stderr`. */
export interface ViewStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Options of {@link TrainingView}. */
export interface ViewOptions {
  /** Steps between lines where there is no terminal to draw on. Default 20. */
  readonly every?: number;
}

/** Weight of the past in the loss that is shown. */
const remembered = 0.98;
/** Milliseconds between pictures on a terminal. */
const pause = 200;
/** Fewest points of a full curve: at twice as many, two become one. */
const points = 30;

/** Shows a training run while it goes: redrawn on a terminal, line by line elsewhere. */
export class TrainingView {
  readonly #stream: ViewStream;
  readonly #every: number;
  readonly #curve = new LossCurve();
  #loss: number | undefined;
  #drawn = 0;
  #last = -Infinity;
  #state: ViewState | undefined;

  constructor(stream: ViewStream, { every = 20 }: ViewOptions = {}) {
    this.#stream = stream;
    this.#every = every;
  }

  /** A step is done. */
  update(progress: TrainProgress): void {
    const { loss, step, steps } = progress;
    this.#loss = this.#loss === undefined ? loss : remembered * this.#loss + (1 - remembered) * loss;
    this.#curve.add(loss);
    this.#state = { progress, loss: this.#loss, curve: this.#curve.values };
    if (!this.#stream.isTTY) {
      if (step % this.#every === 0 || step === steps) this.#stream.write(`${viewLine(this.#state)}\n`);
      return;
    }
    const now = performance.now();
    if (now - this.#last < pause && step < steps) return;
    this.#last = now;
    this.#draw();
  }

  /** Writes a sentence above the view. */
  note(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /** Leaves the last picture standing. */
  close(): void {
    this.#erase();
    this.#draw();
    this.#drawn = 0;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#stream.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.#stream.isTTY || !this.#state) return;
    this.#erase();
    // The last column is left free: some terminals wrap as soon as it is written.
    const lines = viewLines(this.#state, (this.#stream.columns ?? 80) - 1);
    this.#stream.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }
}

/** The loss over the whole run in a bounded number of points. */
class LossCurve {
  #values: number[] = [];
  /** Steps of a point. */
  #span = 1;
  #sum = 0;
  #count = 0;

  get values(): readonly number[] {
    return this.#values;
  }

  add(loss: number): void {
    this.#sum += loss;
    this.#count += 1;
    if (this.#count < this.#span) return;
    this.#values.push(this.#sum / this.#count);
    [this.#sum, this.#count] = [0, 0];
    if (this.#values.length < 2 * points) return;
    this.#values = Array.from(
      { length: points },
      (_, i) => ((this.#values[2 * i] ?? 0) + (this.#values[2 * i + 1] ?? 0)) / 2,
    );
    this.#span *= 2;
  }
}
