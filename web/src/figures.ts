import type { Attachment, LiveState, ViewerStatistics } from '../../src/client/index.js';
import { make, need } from './elements.js';
import { percentile } from './percentile.js';
import { Figure } from './sparkline.js';
import type { PaintedFrame } from './stacked-picture.js';

/** Milliseconds above which the latency is called high. */
const highLatency = 300;

/** The figures of the panel: latency, frames a second, dropped frames, and facts about the source. */
export class Figures {
  readonly #latency = new Figure(need('figure-latency', HTMLElement), 'Latency', 200);
  readonly #rate = new Figure(need('figure-rate', HTMLElement), 'Frame rate', 30);
  readonly #dropped = new Figure(need('figure-dropped', HTMLElement), 'Dropped', 4);
  readonly #facts = need('facts', HTMLElement);
  #ages: number[] = [];
  #painted = 0;
  #lastDropped: number | undefined;
  #lastTime = performance.now();
  #lastFacts = '';

  /** Counts a frame that was shown. */
  take(frame: PaintedFrame, screen: Pick<Attachment, 'ageOf'>): void {
    this.#painted += 1;
    const age = screen.ageOf(frame.mediaTime, frame.shown);
    if (age !== undefined) this.#ages.push(age);
  }

  /** Draws the figures of the second that has passed. */
  show(statistics: ViewerStatistics): void {
    const seconds = Math.max(0.2, (performance.now() - this.#lastTime) / 1000);
    this.#lastTime = performance.now();
    this.#showLatency(statistics);
    this.#showRate(statistics, this.#painted / seconds);
    this.#showDropped(statistics);
    this.#ages = [];
    this.#painted = 0;
  }

  /** Tells what the source is. */
  showFacts(state: LiveState, source: string | undefined, viewers: number | undefined): void {
    const { width, height, processing, fixed } = state;
    const smaller = processing.width > 0 && processing.width < width;
    const facts: [string, string][] = [
      ['Source', source ?? '–'],
      ['Picture', width > 0 ? `${width} × ${height}` : '–'],
      ['Processed at', processing.width > 0 ? `${processing.width} × ${processing.height}` : '–'],
      ['Speed', fixed ? 'Fixed' : smaller ? 'Reduced to keep up' : 'Full size'],
      ['Viewers', viewers === undefined ? '–' : String(viewers)],
    ];
    // What is selected stays so while nothing changes.
    const now = JSON.stringify(facts);
    if (now === this.#lastFacts) return;
    this.#lastFacts = now;
    this.#facts.replaceChildren(
      ...facts.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', { title: value }, value))),
    );
  }

  #showLatency({ latency }: ViewerStatistics): void {
    const half = percentile(this.#ages, 0.5);
    const most = percentile(this.#ages, 0.95);
    const server = `${Math.round(latency.p50)} ms on the server`;
    this.#latency.add({
      value: half,
      second: most,
      text: half === undefined ? '–' : String(Math.round(half)),
      unit: 'ms',
      note: most === undefined ? server : `95 % below ${Math.round(most)} ms, ${server}`,
      alarm: most !== undefined && most > highLatency,
    });
  }

  #showRate({ fps }: ViewerStatistics, shown: number): void {
    this.#rate.add({
      value: shown,
      second: fps,
      text: shown.toFixed(shown < 10 ? 1 : 0),
      unit: 'fps shown',
      note: `${fps.toFixed(1)} sent`,
    });
  }

  #showDropped({ dropped, framesIn, skipped }: ViewerStatistics): void {
    // A server that was restarted counts from 0 again.
    const since = Math.max(0, dropped - (this.#lastDropped ?? dropped));
    this.#lastDropped = dropped;
    const share = framesIn > 0 ? (dropped / framesIn) * 100 : 0;
    const lost = skipped > 0 ? `, ${skipped.toLocaleString('en')} lost on the way here` : '';
    this.#dropped.add({
      value: since,
      text: String(since),
      unit: 'in the last second',
      note: `${dropped.toLocaleString('en')} in all, ${share.toFixed(share < 10 ? 1 : 0)} %${lost}`,
    });
  }
}
