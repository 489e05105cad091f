/** Bold, italic and underlined. */
export type Style = 'b' | 'i' | 'u';

/** A run of text in one style. */
export interface Run {
  readonly text: string;
  readonly styles: ReadonlySet<Style>;
}

/** A subtitle's text: what every text subtitle format can say. Lines are parted by `\n`. */
export type Markup = readonly Run[];

/** The text without its styles. */
export function plainText(markup: Markup): string {
  return markup.map(({ text }) => text).join('');
}

/** True when there is nothing to show. */
export function isBlank(markup: Markup): boolean {
  return plainText(markup).trim() === '';
}

/** Builds runs from pieces of text and switches of style. */
export class MarkupBuilder {
  readonly #runs: { text: string; styles: ReadonlySet<Style> }[] = [];
  #styles: ReadonlySet<Style> = new Set();

  /** Adds text in the current style. */
  add(text: string): void {
    if (text === '') return;
    const last = this.#runs.at(-1);
    if (last?.styles === this.#styles) last.text += text;
    else this.#runs.push({ text, styles: this.#styles });
  }

  /** Turns a style on or off from here. */
  set(style: Style, on: boolean): void {
    if (this.#styles.has(style) === on) return;
    const styles = new Set(this.#styles);
    if (on) styles.add(style);
    else styles.delete(style);
    this.#styles = styles;
  }

  /** Turns all styles off from here. */
  reset(): void {
    this.#styles = new Set();
  }

  /** The runs, without line breaks at either end. */
  build(): Markup {
    const first = this.#runs[0];
    const last = this.#runs.at(-1);
    if (first) first.text = first.text.replace(/^\n+/, '');
    if (last) last.text = last.text.replace(/\n+$/, '');
    return this.#runs.filter(({ text }) => text !== '');
  }
}

/** Writes the runs with opening and closing marks around what is styled, in nesting order. */
export function withTags(
  markup: Markup,
  open: (s: Style) => string,
  close: (s: Style) => string,
  escape: (t: string) => string,
): string {
  const order: readonly Style[] = ['b', 'i', 'u'];
  return markup
    .map(({ text, styles }) => {
      const on = order.filter((style) => styles.has(style));
      return on.map(open).join('') + escape(text) + on.reverse().map(close).join('');
    })
    .join('');
}
