import { SingleBar } from 'cli-progress';

/** What a {@link CountBar} shows. */
export interface Counted {
  readonly done: number;
  readonly total: number;
  /** How many were done before the bar began, for the time to go. Default: none. */
  readonly kept?: number;
  /** What is counted; the bar begins anew with another. */
  readonly doing?: string;
  /** Other values of the bar's format. */
  readonly [value: string]: string | number | undefined;
}

/** Counts on a terminal, and says nothing elsewhere. */
export class CountBar implements Disposable {
  readonly #bar: SingleBar | undefined;
  #begun: { readonly doing: string | undefined } | undefined;

  /** @param format as of cli-progress: `{bar}`, `{value}`, `{total}`, `{eta_formatted}`, and names of {@link Counted}. */
  constructor(format: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#bar = stream.isTTY ? new SingleBar({ stream, format, clearOnComplete: true }) : undefined;
  }

  /** Whether anything is shown. */
  get visible(): boolean {
    return this.#bar !== undefined;
  }

  update({ done, total, kept = 0, ...values }: Counted): void {
    const { doing } = values;
    if (!this.#begun || this.#begun.doing !== doing) this.#bar?.start(total, kept, values);
    this.#begun = { doing };
    this.#bar?.update(done, values);
  }

  stop(): void {
    this.#bar?.stop();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
