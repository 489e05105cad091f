import { BehaviorSubject, EMPTY, filter, firstValueFrom, switchMap, type Observable } from 'rxjs';
import {
  attach,
  attachFrames,
  FramePlayer,
  type Attachment,
  type LiveClient,
  type PlayerStatus,
} from '../../src/client/index.js';
import type { StackedPicture } from './stacked-picture.js';

type Playing = ReturnType<typeof attach> | ReturnType<typeof attachFrames>;

/**
 * Plays the stream: decoded by WebCodecs, for the least latency, where this browser and page may; in a video element else.
 */
export class Screen {
  readonly #attachment = new BehaviorSubject<Playing | undefined>(undefined);
  readonly #client: LiveClient;
  readonly #video: HTMLVideoElement;
  readonly #picture: StackedPicture;

  constructor(client: LiveClient, video: HTMLVideoElement, picture: StackedPicture) {
    this.#client = client;
    this.#video = video;
    this.#picture = picture;
    void this.#choose();
  }

  /** Whether pictures are shown; nothing before the stream has begun. */
  get status$(): Observable<PlayerStatus> {
    return this.#attachment.pipe(switchMap((attachment) => attachment?.player.status$ ?? EMPTY));
  }

  /** Age of a painted frame in milliseconds; see `Attachment.ageOf`. */
  ageOf: Attachment['ageOf'] = (mediaTime, now) => this.#attachment.value?.ageOf(mediaTime, now);

  /** Plays after the browser has refused to; call it from a click. */
  resume(): void {
    const player = this.#attachment.value?.player;
    if (player && 'resume' in player) void player.resume();
  }

  async #choose(): Promise<void> {
    const init = await firstValueFrom(this.#client.fragments$.pipe(filter(({ kind }) => kind === 'init')), {
      defaultValue: undefined,
    });
    // The client was closed before anything came.
    if (!init) return;
    if (await FramePlayer.supports(init.data)) {
      this.#attachment.next(attachFrames(this.#client, (frame) => this.#picture.offer(frame)));
    } else {
      this.#picture.follow(this.#video);
      this.#attachment.next(attach(this.#client, this.#video));
    }
    document.documentElement.dataset['decoder'] = this.#video.src ? 'video' : 'webcodecs';
  }
}
