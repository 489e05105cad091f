import { need, setText } from './elements.js';
import type { Cover } from './status.js';

const buttons = {
  play: 'Play',
  retry: 'Try now',
  reload: 'Reload',
  camera: 'Use this camera',
} as const;

/** What a person asked for on the cover. */
export type CoverAction = keyof typeof buttons;

/** The message that lies over the picture, or instead of it. */
export class CoverView {
  readonly #cover = need('cover', HTMLElement);
  readonly #spinner = need('cover-spinner', HTMLElement);
  readonly #title = need('cover-title', HTMLElement);
  readonly #text = need('cover-text', HTMLElement);
  readonly #button = need('cover-action', HTMLButtonElement);
  readonly #form = need('token-form', HTMLFormElement);
  readonly #token = need('token', HTMLInputElement);
  #action: CoverAction | undefined;

  constructor(onAction: (action: CoverAction) => void, onToken: (token: string) => void) {
    this.#button.onclick = () => {
      if (this.#action) onAction(this.#action);
    };
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      onToken(this.#token.value.trim());
      this.#token.value = '';
    };
  }

  show(cover: Cover | undefined): void {
    this.#cover.hidden = !cover;
    if (!cover) return;
    this.#spinner.hidden = !cover.busy;
    setText(this.#title, cover.title);
    setText(this.#text, cover.text ?? '');
    const appears = this.#form.hidden && cover.ask === 'token';
    this.#form.hidden = cover.ask !== 'token';
    if (appears) this.#token.focus();
    this.#action = cover.ask === 'token' ? undefined : cover.ask;
    this.#button.hidden = !this.#action;
    if (this.#action) setText(this.#button, buttons[this.#action]);
  }
}
