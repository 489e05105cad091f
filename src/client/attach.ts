/// <reference lib="dom" />
import type { Subscription } from 'rxjs';
import { FramePlayer } from './frame-player.js';
import type { LiveClient } from './live-client.js';
import type { LiveEdgeOptions } from './live-edge.js';
import { MediaPlayer, type PlayableFragment } from './media-player.js';

/** Frames whose time of capture is kept, for pictures that are still to be shown. */
const rememberedFrames = 600;

/** Takes a stream and plays it. */
interface Player {
  push(fragment: PlayableFragment): void;
  close(): void;
}

/** A player that plays a client's stream; {@link attach} and {@link attachFrames} make it. */
export class Attachment<P extends Player = Player> {
  readonly player: P;
  readonly #client: LiveClient;
  readonly #captured: { pts: number; captured: number }[] = [];
  readonly #subscription: Subscription;

  /** Use {@link attach} or {@link attachFrames}. */
  constructor(client: LiveClient, player: P) {
    this.#client = client;
    this.player = player;
    this.#subscription = client.fragments$.subscribe({
      next: (fragment) => {
        const [first] = fragment.frames;
        if (fragment.kind === 'init') this.#captured.length = 0;
        else if (first) this.#remember(fragment.pts, first.captured);
        player.push(fragment);
      },
      complete: () => this.close(),
    });
  }

  /**
   * How old a picture is, in milliseconds, from its capture on the server's side to now on this one.
   *
   * @param mediaTime the picture's time in the stream, in seconds, as `requestVideoFrameCallback` tells or as a millionth of a
   * `VideoFrame`'s timestamp.
   * @param now milliseconds since the epoch, by this machine's clock.
   * @returns undefined when the picture or the difference of the clocks is not known.
   */
  ageOf(mediaTime: number, now = Date.now()): number | undefined {
    const offset = this.#client.clock.value;
    if (offset === undefined) return undefined;
    const at = this.#captured.findLast(({ pts }) => pts <= mediaTime + 0.005);
    return at && mediaTime - at.pts < 0.25 ? now + offset - at.captured : undefined;
  }

  /** Stops playing. */
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

/**
 * Plays a client's stream in a video element with Media Source Extensions, close to the live edge. Original and result lie one
 * above the other.
 */
export function attach(
  client: LiveClient,
  video: HTMLVideoElement,
  options: LiveEdgeOptions = {},
): Attachment<MediaPlayer> {
  return new Attachment(client, new MediaPlayer(video, options));
}

/**
 * Decodes a client's stream with WebCodecs, for the least latency, on secure pages of browsers that have it
 * ({@link FramePlayer.supports}).
 *
 * @param onFrame owns each picture, original above result, and has to close it.
 */
export function attachFrames(client: LiveClient, onFrame: (frame: VideoFrame) => void): Attachment<FramePlayer> {
  return new Attachment(client, new FramePlayer(onFrame, () => client.requestKeyframe()));
}
