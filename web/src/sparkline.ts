import { make, makeSvg, setText } from './elements.js';
import { percentile } from './percentile.js';

/** A minute of values, one a second. */
const kept = 60;
const width = 264;
const height = 30;

/** What a figure shows: now, and a sentence for who does not see the curve. */
export interface FigureValue {
  /** What is drawn; undefined leaves a gap. */
  readonly value: number | undefined;
  /** A second, fainter curve. */
  readonly second?: number | undefined;
  /** The value as it is written. */
  readonly text: string;
  readonly unit: string;
  readonly note: string;
  /** Draws attention. */
  readonly alarm?: boolean;
}

/** A figure of the last minute: its name, its present value, a curve and a note. */
export class Figure {
  readonly #values: (number | undefined)[] = [];
  readonly #seconds: (number | undefined)[] = [];
  readonly #least: number;
  readonly #name: string;
  readonly #value = make('span', { class: 'figure-value' }, '–');
  readonly #note = make('p', { class: 'figure-note' });
  readonly #svg = makeSvg('svg', {
    class: 'sparkline',
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: 'none',
    role: 'img',
  });
  readonly #area = makeSvg('path', { class: 'area' });
  readonly #line = makeSvg('path', { class: 'line', 'vector-effect': 'non-scaling-stroke' });
  readonly #second = makeSvg('path', { class: 'second', 'vector-effect': 'non-scaling-stroke' });

  /** @param least the curve's top is at least this value, so that noise does not look like news. */
  constructor(place: HTMLElement, name: string, least: number) {
    this.#name = name;
    this.#least = least;
    const base = makeSvg('path', { class: 'base', d: `M0 ${height}H${width}`, 'vector-effect': 'non-scaling-stroke' });
    this.#svg.append(base, this.#area, this.#second, this.#line);
    this.#svg.setAttribute('aria-label', name);
    place.append(make('span', { class: 'figure-name' }, name), this.#value, this.#svg, this.#note);
  }

  add({ value, second, text, unit, note, alarm = false }: FigureValue): void {
    push(this.#values, value);
    push(this.#seconds, second);
    this.#value.replaceChildren(text, make('small', {}, unit));
    setText(this.#note, note);
    this.#svg.setAttribute('aria-label', `${this.#name}, the last minute: now ${text} ${unit}. ${note}`);
    this.#svg.classList.toggle('alarm', alarm);
    this.#draw();
  }

  #draw(): void {
    const all = [...this.#values, ...this.#seconds].filter((value) => value !== undefined);
    // A single spike is cut off; it must not flatten all the rest.
    const usual = (percentile(all, 0.9) ?? 0) * 2;
    const top = Math.max(this.#least, Math.min(usual, Math.max(0, ...all))) * 1.08;
    const line = path(this.#values, top);
    this.#line.setAttribute('d', line);
    this.#second.setAttribute('d', path(this.#seconds, top));
    const from = x(
      this.#values.findIndex((value) => value !== undefined),
      this.#values.length,
    );
    this.#area.setAttribute('d', line ? `${line}L${width} ${height}L${from} ${height}Z` : '');
  }
}

function push(list: (number | undefined)[], value: number | undefined): void {
  list.push(value);
  if (list.length > kept) list.shift();
}

/** The newest value is at the right edge. */
function x(index: number, length: number): number {
  return round(width - ((length - 1 - index) / (kept - 1)) * width);
}

function path(values: readonly (number | undefined)[], top: number): string {
  return values
    .flatMap((value, index) =>
      value === undefined ? [] : [[x(index, values.length), round(height - (value / top) * height)]],
    )
    .map((point, index) => `${index === 0 ? 'M' : 'L'}${point.join(' ')}`)
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
