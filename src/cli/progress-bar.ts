import { SingleBar } from 'cli-progress';
import { clock } from '../clock.js';
import type { RunPlan, RunProgress } from '../pipeline/run.js';
import { describeNetworks } from './run-summary.js';

/** Frames, rate and time to go, redrawn on a terminal. */
export class ProgressBar {
  readonly #bar: SingleBar;
  readonly #stream: NodeJS.WriteStream;
  #total: number | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#bar = new SingleBar({
      stream,
      format: '{bar} {frames} frames | {rate} frames/s | ETA {remaining}',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
    });
  }

  start(plan: RunPlan): void {
    const runtime = plan.runtime === 'tensorflow' ? ' of TensorFlow.js' : '';
    const networks = describeNetworks(plan);
    const how = networks === undefined ? 'no network' : `${networks} on ${plan.provider}${runtime}`;
    const tiles = plan.tiles !== undefined && plan.tiles > 1 ? `, ${plan.tiles} tiles` : '';
    this.#stream.write(`${plan.width}x${plan.height} ${plan.format}, ${how}${tiles}\n`);
    this.#bar.start(1, 0, { frames: '0', rate: '-', remaining: clock(undefined) });
  }

  update({ frames, total, rate, remaining }: RunProgress): void {
    if (total !== undefined && total !== this.#total) {
      this.#total = total;
      this.#bar.setTotal(total);
    }
    const payload = {
      frames: total === undefined ? String(frames) : `${frames}/${total}`,
      rate: rate.toFixed(rate < 10 ? 2 : 1),
      remaining: clock(remaining),
    };
    this.#bar.update(total === undefined ? 0 : Math.min(frames, total), payload);
  }

  stop(): void {
    this.#bar.stop();
  }
}
