/// <reference lib="dom" />
import { BehaviorSubject, filter, type Observable, Subscription } from 'rxjs';
import { DeblurError } from '../errors.js';
import { ChunkEncoder, chunkEncoderConfig } from './chunk-encoder.js';
import type { LiveClient } from './live-client.js';
import { sendRecording } from './recorder-uplink.js';

/** Options of {@link sendCamera}. */
export interface CameraOptions {
  /**
   * `webcodecs` has the least latency; `mediarecorder` works where there is no WebCodecs. Default: the first that this
   * browser can do.
   */
  format?: 'webcodecs' | 'mediarecorder';
  /** Bits a second. Default 3 million. */
  bitrate?: number;
  signal?: AbortSignal;
}

/** How the sending of a camera stands. */
export type CameraStatus =
  | { readonly status: 'waiting' }
  | { readonly status: 'sending'; readonly format: 'webcodecs' | 'mediarecorder'; readonly codec: string }
  | { readonly status: 'stopped'; readonly error?: DeblurError };

/** A camera that is being sent; {@link sendCamera} makes it. */
export class CameraSender {
  readonly #client: LiveClient;
  readonly #track: MediaStreamTrack;
  readonly #options: CameraOptions;
  readonly #status = new BehaviorSubject<CameraStatus>({ status: 'waiting' });
  readonly #subscriptions = new Subscription();
  #uplink: AbortController | undefined;

  /** Use {@link sendCamera}. */
  constructor(client: LiveClient, track: MediaStreamTrack, options: CameraOptions) {
    this.#client = client;
    this.#track = track;
    this.#options = options;
    track.addEventListener('ended', () => this.stop(new DeblurError('INPUT_UNREADABLE', 'The camera was taken away.')));
    options.signal?.addEventListener('abort', () => this.stop(), { once: true });
    this.#subscriptions.add(
      client.connection$.subscribe({
        next: ({ status }) => {
          this.#uplink?.abort();
          this.#uplink = undefined;
          if (status === 'open') void this.#send();
          else this.#status.next({ status: 'waiting' });
        },
        complete: () => this.stop(),
      }),
    );
  }

  /** How it stands; begins with the present, completes when it has stopped. */
  get status$(): Observable<CameraStatus> {
    return this.#status.asObservable();
  }

  /** Stops sending. The stream is its owner's: it stays as it is. */
  stop(error?: DeblurError): void {
    if (this.#status.value.status === 'stopped') return;
    this.#subscriptions.unsubscribe();
    if (this.#uplink) this.#client.endCamera();
    this.#uplink?.abort();
    this.#status.next({ status: 'stopped', ...(error ? { error } : {}) });
    this.#status.complete();
  }

  /** Sends for as long as this connection lives; the next connection begins anew. */
  async #send(): Promise<void> {
    const uplink = new AbortController();
    this.#uplink = uplink;
    try {
      await this.#sendBy(await this.#format(), uplink.signal);
    } catch (cause) {
      if (uplink.signal.aborted) return;
      const error =
        cause instanceof DeblurError
          ? cause
          : new DeblurError('RUNTIME_FAILED', 'This browser could not encode the camera.', { cause });
      this.stop(error);
    }
  }

  async #format(): Promise<'webcodecs' | 'mediarecorder'> {
    const { format } = this.#options;
    if (format) return format;
    const { width = 0, height = 0 } = this.#track.getSettings();
    return (await chunkEncoderConfig({ width, height, bitrate: this.#bitrate })) ? 'webcodecs' : 'mediarecorder';
  }

  get #bitrate(): number {
    return this.#options.bitrate ?? 3_000_000;
  }

  async #sendBy(format: 'webcodecs' | 'mediarecorder', signal: AbortSignal): Promise<void> {
    const onBegin = (codec: string) => this.#status.next({ status: 'sending', format, codec });
    const uplink = { client: this.#client, track: this.#track, bitrate: this.#bitrate, signal, onBegin };
    if (format === 'mediarecorder') {
      await sendRecording(uplink);
      return;
    }
    const encoder = new ChunkEncoder(uplink);
    const asked = this.#client.messages$.pipe(filter(({ type }) => type === 'camera')).subscribe(() => {
      encoder.requestKeyframe();
    });
    try {
      await encoder.run();
    } finally {
      asked.unsubscribe();
    }
  }
}

/**
 * Sends the first video track of a stream to the server, in browsers only. It begins again by itself after a reconnection.
 *
 * @throws DeblurError `USAGE` when the stream has no video.
 */
export function sendCamera(client: LiveClient, stream: MediaStream, options: CameraOptions = {}): CameraSender {
  const [track] = stream.getVideoTracks();
  if (!track) throw new DeblurError('USAGE', 'This stream has no video to send.');
  return new CameraSender(client, track, options);
}
