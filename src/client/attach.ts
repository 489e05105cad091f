/// <reference lib="dom" />
import type { LiveClient } from './live-client.js';
import type { LiveEdgeOptions } from './live-edge.js';
import { MediaPlayer } from './media-player.js';

/** Frames whose time of capture is kept, for pictures that are still to be shown. */
const rememberedFrames = 600;

/** A video element that plays a client's stream. */
export class Attachment {
  readonly player: MediaPlayer;
  readonly #client: LiveClient;
  readonly #captured: { pts: number; captured: number }[] = [];
  readonly #subscription;

  /** Use {@link attach}. */
  constructor(client: LiveClient, video: HTMLVideoElement, options: LiveEdgeOptions) {
    this.#client = client;
    this.player = new MediaPlayer(video, options);
    this.#subscription = client.fragments$.subscribe({
      next: (fragment) => {
        const [first] = fragment.frames;
        if (fragment.kind === 'init') this.#captured.length = 0;
        else if (first) this.#remember(fragment.pts, first.captured);
        this.player.push(fragment);
      },
      complete: () => this.close(),
    });
  }

  /**
   * How old a picture is, in milliseconds, from its capture on the server's side to now on this one.
   *
   * @param mediaTime the picture's time in the stream, as `requestVideoFrameCallback` tells.
   * @param now milliseconds since the epoch, by this machine's clock.
   * @returns undefined when the picture or the difference of the clocks is not known.
   */
  ageOf(mediaTime: number, now = Date.now()): number | undefined {
    const offset = this.#client.clock.value;
    if (offset === undefined) return undefined;
    const at = this.#captured.findLast(({ pts }) => pts <= mediaTime + 0.005);
    return at && mediaTime - at.pts < 0.25 ? now + offset - at.captured : undefined;
  }

  /** Lets go of the video element. */
  close(): void {
    this.#subscription.unsubscribe();
    this.player.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #remember(pts: number, captured: number): void {
    this.#captured.push({ pts, captured });
    if (this.#captured.length > rememberedFrames) this.#captured.shift();
  }
}

/** Plays a client's stream in a video element, close to the live edge. Original and result lie one above the other. */
export function attach(client: LiveClient, video: HTMLVideoElement, options: LiveEdgeOptions = {}): Attachment {
  return new Attachment(client, video, options);
}
