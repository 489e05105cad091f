import { Subscription } from 'rxjs';
import type { LiveClient } from '../../src/client/index.js';
import { make, need, setText } from './elements.js';
import { formatDuration } from './files.js';
import { notify, notifyError } from './notices.js';
import { penOf, type StackedPicture } from './stacked-picture.js';

/** Bytes that a recording in the page's memory may take. */
const mostBytes = 2 * 1024 ** 3;

/** Saves bytes under a name, as a download. */
function save(blob: Blob, name: string): void {
  const href = URL.createObjectURL(blob);
  make('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** A name with the present time in it, for a file. */
function stamped(what: string, extension: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return `deblur-${what}-${time}.${extension}`;
}

/** The record button, its menu and both kinds of recording. */
export class Recording {
  readonly #client: LiveClient;
  readonly #button = need('record', HTMLButtonElement);
  readonly #time = need('record-time', HTMLElement);
  readonly #menu = need('record-menu', HTMLElement);
  #began: number | undefined;
  #onServer = false;
  #local: LocalRecording | undefined;

  constructor(client: LiveClient) {
    this.#client = client;
    this.#button.addEventListener('click', () => this.toggle());
    this.#menu.addEventListener('click', ({ target }) => {
      const item = target instanceof Element ? target.closest<HTMLButtonElement>('[data-target]') : null;
      if (item) void this.#start(item.dataset['target'] === 'server');
    });
    this.#menu.addEventListener('keydown', (event) => this.#menuKey(event));
    document.addEventListener('pointerdown', ({ target }) => {
      if (target instanceof Node && !this.#menu.contains(target) && !this.#button.contains(target)) this.#open(false);
    });
    setInterval(() => this.#tick(), 500);
  }

  /** Ends the recording, or asks where to record to. */
  toggle(): void {
    if (this.#began !== undefined) void this.#stop();
    else if (!this.#button.disabled) this.#open(this.#menu.hidden !== false);
  }

  offer(mayOnServer: boolean, live: boolean): void {
    this.#button.disabled = !live && this.#began === undefined;
    const [server] = this.#menu.querySelectorAll<HTMLButtonElement>('[data-target="server"]');
    if (server) server.disabled = !mayOnServer;
  }

  /** What the server says: another viewer may have begun or ended the recording. */
  setServerRecording(recording: boolean): void {
    if (recording === this.#onServer) return;
    this.#onServer = recording;
    if (recording) this.#began ??= Date.now();
    else if (!this.#local) this.#began = undefined;
    this.#tick();
  }

  #open(open: boolean): void {
    this.#menu.hidden = !open;
    this.#button.setAttribute('aria-expanded', String(open));
    if (open) this.#menu.querySelector<HTMLButtonElement>('button:enabled')?.focus();
  }

  #menuKey(event: KeyboardEvent): void {
    const items = [...this.#menu.querySelectorAll<HTMLButtonElement>('button:enabled')];
    const at = items.findIndex((item) => item === document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) items[(at + step + items.length) % items.length]?.focus();
    else if (event.key === 'Escape') {
      this.#open(false);
      this.#button.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async #start(onServer: boolean): Promise<void> {
    this.#open(false);
    this.#button.focus();
    try {
      if (onServer) {
        const name = await this.#client.record(true);
        notify(name ? `Recording to ${name} on the server.` : 'Recording on the server.');
      } else {
        this.#local = new LocalRecording(this.#client, () => void this.#stop());
        this.#began = Date.now();
      }
      this.#tick();
    } catch (error) {
      notifyError(error);
    }
  }

  async #stop(): Promise<void> {
    const local = this.#local;
    this.#local = undefined;
    this.#began = undefined;
    this.#tick();
    if (local) local.finish();
    if (!this.#onServer) return;
    try {
      await this.#client.record(false);
      notify('The recording is in the server’s folder.');
    } catch (error) {
      notifyError(error);
    }
  }

  #tick(): void {
    const recording = this.#began !== undefined;
    this.#button.setAttribute('aria-pressed', String(recording));
    this.#button.setAttribute('aria-label', recording ? 'Stop recording' : 'Record');
    this.#time.hidden = !recording;
    if (this.#began !== undefined) setText(this.#time, formatDuration((Date.now() - this.#began) / 1000));
  }
}

/** Keeps the stream as it comes: an MP4 with the original above the result. */
class LocalRecording {
  readonly #pieces: BlobPart[] = [];
  readonly #subscription: Subscription;
  #bytes = 0;
  #began = false;

  constructor(client: LiveClient, onFull: () => void) {
    client.requestKeyframe();
    this.#subscription = client.fragments$.subscribe((fragment) => {
      // A new header would begin another file; after a reconnection it is the same one again.
      if (fragment.kind === 'init') {
        if (this.#pieces.length === 0) this.#keep(fragment.data);
        return;
      }
      this.#began ||= fragment.keyframe;
      if (!this.#began || this.#pieces.length === 0) return;
      this.#keep(fragment.data);
      if (this.#bytes > mostBytes) onFull();
    });
  }

  finish(): void {
    this.#subscription.unsubscribe();
    if (this.#began) save(new Blob(this.#pieces, { type: 'video/mp4' }), stamped('live', 'mp4'));
    else notify('Nothing was recorded: no picture came.');
  }

  #keep(data: Uint8Array): void {
    const copy = new Uint8Array(data);
    this.#pieces.push(copy);
    this.#bytes += copy.length;
  }
}

/** Shows original and result of the newest frame as pictures that can be saved. */
export async function takeSnapshot(client: LiveClient, picture: StackedPicture): Promise<void> {
  try {
    const pictures = client.hello?.may.snapshot ? await client.snapshot() : await shownHalves(picture);
    const content = make('div', { class: 'notice-pictures' });
    const addresses: string[] = [];
    for (const half of ['original', 'result'] as const) {
      const href = URL.createObjectURL(new Blob([pictures[half]], { type: 'image/png' }));
      addresses.push(href);
      const label = half === 'original' ? 'Save original' : 'Save deblurred';
      const image = make('img', { src: href, alt: '' });
      content.append(make('a', { href, download: stamped(half, 'png') }, image, label));
    }
    notify('Snapshot', { content, onClose: () => addresses.forEach((href) => URL.revokeObjectURL(href)) });
  } catch (error) {
    notifyError(error);
  }
}

async function shownHalves(picture: StackedPicture): Promise<Record<'original' | 'result', Uint8Array<ArrayBuffer>>> {
  const encode = async (half: 'original' | 'result') => {
    const canvas = document.createElement('canvas');
    canvas.width = picture.width;
    canvas.height = picture.height;
    picture.paintHalf(half, penOf(canvas));
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
    return new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0));
  };
  return { original: await encode('original'), result: await encode('result') };
}
