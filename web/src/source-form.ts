import type { LiveClient, ServerHello } from '../../src/client/index.js';
import { need } from './elements.js';
import { notifyError } from './notices.js';

/** The form that shows another source to all viewers, where the server's owner lets them. */
export class SourceForm {
  readonly #client: LiveClient;
  readonly #form = need('source-form', HTMLFormElement);
  readonly #input = need('source', HTMLInputElement);

  constructor(client: LiveClient) {
    this.#client = client;
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      void this.#show(this.#input.value.trim());
    };
    need('source-camera', HTMLButtonElement).onclick = () => void this.#show('browser');
  }

  offer(hello: ServerHello | undefined): void {
    this.#form.hidden = !hello?.may.source;
  }

  async #show(source: string): Promise<void> {
    try {
      await this.#client.setSource(source);
      // It may hold a password.
      this.#input.value = '';
    } catch (error) {
      notifyError(error);
    }
  }
}
