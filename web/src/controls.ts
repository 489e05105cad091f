import { debounceTime, Subject } from 'rxjs';
import type { ControlChange, LiveClient, LiveState, ModelChoice, ServerHello } from '../../src/client/index.js';
import { make, need, setText } from './elements.js';
import { notifyError } from './notices.js';

/** Value of the translator's choice that means none. */
const none = '';
/** Milliseconds between the strengths that are sent while the knob moves. */
const sendEvery = 60;

/** Model, translator and strength. What another viewer changes is shown here too. */
export class Controls {
  readonly #client: LiveClient;
  readonly #model = need('model', HTMLSelectElement);
  readonly #modelTitle = need('model-title', HTMLElement);
  readonly #translator = need('translator', HTMLSelectElement);
  readonly #strength = need('strength', HTMLInputElement);
  readonly #strengthValue = need('strength-value', HTMLElement);
  readonly #moved = new Subject<number>();
  #models: readonly ModelChoice[] = [];
  #state: LiveState | undefined;

  constructor(client: LiveClient) {
    this.#client = client;
    this.#model.onchange = () => this.#change({ model: this.#model.value });
    this.#translator.onchange = () =>
      this.#change({ translator: this.#translator.value === none ? null : this.#translator.value });
    this.#strength.oninput = () => {
      this.#showStrength(this.#strength.valueAsNumber);
      this.#moved.next(this.#strength.valueAsNumber / 100);
    };
    this.#moved.pipe(debounceTime(sendEvery)).subscribe((strength) => this.#change({ strength }));
  }

  /** What the server offers; nothing while it is away. */
  offer(hello: ServerHello | undefined): void {
    const may = (hello?.may.control ?? false) && hello?.source !== undefined;
    if (hello) {
      this.#models = hello.models;
      fill(this.#model, hello.models);
      fill(this.#translator, [{ name: none, title: '' }, ...hello.translators]);
    }
    this.#model.disabled = !may;
    this.#translator.disabled = !may || hello?.translators.length === 0;
    this.#strength.disabled = !may;
    if (this.#state) this.show(this.#state);
  }

  /** What holds now. */
  show(state: LiveState): void {
    this.#state = state;
    choose(this.#model, state.model);
    setText(this.#modelTitle, sentence(this.#models.find(({ name }) => name === state.model)?.title ?? ''));
    choose(this.#translator, state.translator ?? none);
    // A knob that is being moved stays in its hand.
    if (document.activeElement !== this.#strength) {
      this.#strength.value = String(Math.round(state.strength * 100));
      this.#showStrength(this.#strength.valueAsNumber);
    }
  }

  #change(change: ControlChange): void {
    this.#client.control(change).catch((error: unknown) => {
      notifyError(error);
      if (this.#state) this.show(this.#state);
    });
  }

  #showStrength(percent: number): void {
    this.#strength.style.setProperty('--fill', `${percent}%`);
    setText(this.#strengthValue, `${percent} %`);
    this.#strength.setAttribute('aria-valuetext', `${percent} %`);
  }
}

/** A description that begins like a sentence. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function fill(select: HTMLSelectElement, choices: readonly ModelChoice[]): void {
  select.replaceChildren(...choices.map(({ name }) => make('option', { value: name }, name || 'none')));
}

function choose(select: HTMLSelectElement, name: string): void {
  const known = [...select.options].some(({ value }) => value === name);
  // The controller may have chosen a model that viewers cannot.
  if (!known && name) select.append(make('option', { value: name }, name));
  select.value = name;
}
