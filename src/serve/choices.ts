import { basename } from 'node:path';
import { DeblurError } from '../errors.js';
import { listModels } from '../models/registry.js';
import { nearest } from '../nearest.js';
import type { LiveState, ModelChoice } from '../protocol/index.js';

/** A model by the name that viewers use, and by the one that this program uses: a person's own is a path. */
interface Choice extends ModelChoice {
  readonly value: string;
}

/** Options of {@link Choices}. */
export interface ChoicesOptions {
  /** The model that the owner chose. */
  model: string;
  /** The translator that the owner chose. Default none. */
  translator?: string;
}

/**
 * What viewers may choose of: the installed models of the catalogue, and what the owner named. A viewer can't name files.
 */
export class Choices {
  readonly #models: readonly Choice[];
  readonly #translators: readonly Choice[];

  constructor({ model, translator }: ChoicesOptions) {
    const installed: Choice[] = listModels()
      .filter(({ path }) => path !== undefined)
      .map(({ name, title }) => ({ name, title, value: name }));
    const none = { name: 'none', title: 'No network: the source as it is', value: 'none' };
    const models = [...installed, none];
    this.#models = models.some(({ value }) => value === model) ? models : [own(model), ...models];
    this.#translators = translator === undefined ? [] : [own(translator)];
  }

  /** Models for a `hello`. */
  get models(): ModelChoice[] {
    return this.#models.map(({ name, title }) => ({ name, title }));
  }

  /** Translators for a `hello`. */
  get translators(): ModelChoice[] {
    return this.#translators.map(({ name, title }) => ({ name, title }));
  }

  /** The model of a viewer's name. Throws `MODEL_UNKNOWN`. */
  model(name: string): string {
    return valueOf(this.#models, name, 'model');
  }

  /** The translator of a viewer's name. Throws `MODEL_UNKNOWN`. */
  translator(name: string): string {
    return valueOf(this.#translators, name, 'translator');
  }

  /** A state with the names that viewers use. */
  named(state: LiveState): LiveState {
    const translator =
      state.translator === undefined ? {} : { translator: nameOf(this.#translators, state.translator) };
    return { ...state, model: nameOf(this.#models, state.model), ...translator };
  }
}

function own(value: string): Choice {
  const name = basename(value);
  return { name, title: name, value };
}

function nameOf(choices: readonly Choice[], value: string): string {
  return choices.find((choice) => choice.value === value)?.name ?? basename(value);
}

function valueOf(choices: readonly Choice[], name: string, what: string): string {
  const choice = choices.find((candidate) => candidate.name === name);
  if (choice) return choice.value;
  const names = choices.map((candidate) => candidate.name);
  const near = nearest(name, names);
  throw new DeblurError('MODEL_UNKNOWN', `There is no ${what} named ${JSON.stringify(name)} to choose.`, {
    hint: near
      ? `Did you mean ${near}?`
      : names.length > 0
        ? `There are ${names.join(', ')}.`
        : `This server has none.`,
  });
}
