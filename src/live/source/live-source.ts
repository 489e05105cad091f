import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, DeblurError } from '../../errors.js';
import { fileAddress } from '../../io/node-av/input.js';
import type { CameraChunk, CameraFormat } from '../options.js';
import type { SourceState } from '../state.js';
import { openRequest, type SourceAddress } from './address.js';
import { cameraFor, type Camera } from './camera.js';
import { Connection, type ConnectionRequest } from './connection.js';
import { LiveDecoder, type DecodedPicture } from './live-decoder.js';

/** What a source says of itself. */
export interface SourceNews {
  readonly source: Exclude<SourceState, 'resting'>;
  readonly message?: string;
  readonly attempt?: number;
}

/** Options of {@link LiveSource}. */
export interface LiveSourceOptions {
  readonly address: SourceAddress;
  /** Play a file again when it ends. */
  readonly loop: boolean;
  /** Receives each picture, and owns it. */
  readonly onPicture: (decoded: DecodedPicture) => void;
  readonly onNews: (news: SourceNews) => void;
  /** Milliseconds from a lost connection to the first try to restore it. Default 500. */
  readonly backoff?: number;
  /** Milliseconds of silence after which a connection counts as dead. Default 10 000. */
  readonly silence?: number;
}

/** The source's name in what viewers are told: an address or a path is not theirs to know. */
const shown = 'The source';

/** Milliseconds between tries, at most. */
const longestBackoff = 10_000;

/** A live source: connects, decodes, reconnects when the connection is lost, and tells what it is doing. */
export class LiveSource {
  readonly #options: LiveSourceOptions;
  #camera: Camera | undefined;
  #cameraWaits: (() => void) | undefined;

  constructor(options: LiveSourceOptions) {
    this.#options = options;
  }

  /** Works until the signal fires, the source has ended, or it has failed for good; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { address, onNews } = this.#options;
    const stop = () => {
      this.#cameraWaits?.();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (address.kind === 'file') await this.#playFile(address.path, signal);
      else if (address.kind === 'browser') await this.#takeCameras(signal);
      else await this.#stayConnected(signal);
      onNews({ source: 'ended' });
    } catch (error) {
      if (signal.aborted) onNews({ source: 'ended' });
      else onNews({ source: 'failed', message: sentence(error) });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** A browser begins to send; it takes the place of the one before. Throws `USAGE`. */
  beginCamera(format: CameraFormat): void {
    if (this.#options.address.kind !== 'browser') {
      throw new DeblurError('USAGE', "The source of this stream is not a browser's camera.");
    }
    const camera = cameraFor(format);
    this.#camera?.end();
    this.#camera = camera;
    this.#cameraWaits?.();
  }

  /** False when the chunk was dropped. */
  push(chunk: CameraChunk): boolean {
    return this.#camera?.push(chunk) ?? false;
  }

  endCamera(): void {
    this.#camera?.end();
  }

  async #takeCameras(signal: AbortSignal): Promise<void> {
    const { onPicture, onNews } = this.#options;
    let message: string | undefined;
    let last: Camera | undefined;
    while (!signal.aborted) {
      onNews({ source: 'connecting', message: message ?? 'Waiting for a camera.' });
      const camera = await this.#nextCamera(last, signal);
      if (!camera) return;
      last = camera;
      let begun = false;
      try {
        await camera.run((decoded) => {
          if (!begun) onNews({ source: 'live' });
          begun = true;
          onPicture(decoded);
        }, signal);
        message = undefined;
      } catch (error) {
        message = sentence(error);
      }
    }
  }

  async #nextCamera(last: Camera | undefined, signal: AbortSignal): Promise<Camera | undefined> {
    while ((this.#camera === undefined || this.#camera === last) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#cameraWaits = resolve;
      });
    }
    return signal.aborted ? undefined : this.#camera;
  }

  async #stayConnected(signal: AbortSignal): Promise<void> {
    const { onPicture, onNews, backoff = 500 } = this.#options;
    let attempt = 0;
    onNews({ source: 'connecting' });
    while (!signal.aborted) {
      let message = 'The source has ended its stream.';
      try {
        await this.#connect((decoded) => {
          if (attempt >= 0) onNews({ source: 'live' });
          // Until it is lost: then the first try is number 1 again.
          attempt = -1;
          onPicture(decoded);
        }, signal);
      } catch (error) {
        if (signal.aborted) return;
        message = sentence(error);
      }
      attempt = Math.max(attempt, 0) + 1;
      onNews({ source: 'reconnecting', message, attempt });
      // Between half and the whole of it, so that many servers do not come back to a camera at the same moment.
      const wait = Math.min(longestBackoff, backoff * 2 ** Math.min(attempt - 1, 10)) * (0.5 + Math.random() / 2);
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  async #connect(onPicture: (decoded: DecodedPicture) => void, signal: AbortSignal): Promise<void> {
    const { address, silence } = this.#options;
    const request = await connectionRequest(address);
    await using connection = await Connection.open({ ...request, silence }, signal);
    const { stream } = connection;
    const anyCodec = address.kind === 'device';
    using decoder = await LiveDecoder.open(stream.codecpar, stream.timeBase, onPicture, { anyCodec });
    await connection.run((packet) => decoder.decode(packet), shown, signal);
    await decoder.decode(null);
  }

  async #playFile(path: string, signal: AbortSignal): Promise<void> {
    const { loop, onPicture, onNews } = this.#options;
    onNews({ source: 'connecting' });
    let live = false;
    do {
      let pictures = 0;
      const pace = new Pace(signal);
      const request = { url: fileAddress(path), options: { protocol_whitelist: 'file' }, shown, complete: true };
      await using connection = await Connection.open({ ...request, silence: 60_000 }, signal);
      const { stream } = connection;
      const rate = stream.avgFrameRate.num > 0 ? stream.avgFrameRate.num / stream.avgFrameRate.den : 25;
      const show = async ({ picture, seconds }: DecodedPicture): Promise<void> => {
        try {
          await pace.until(seconds ?? pictures / rate);
        } catch (error) {
          picture.free();
          throw error;
        }
        pictures += 1;
        if (!live) onNews({ source: 'live' });
        live = true;
        onPicture({ picture, seconds, captured: Date.now() });
      };
      using decoder = await LiveDecoder.open(stream.codecpar, stream.timeBase, show, { anyCodec: true });
      await connection.run((packet) => decoder.decode(packet), shown, signal);
      await decoder.decode(null);
      if (pictures === 0) throw new DeblurError('INPUT_UNREADABLE', `Not one picture of ${shown} can be decoded.`);
      // The last picture stays as long as the others did.
      await pace.after(1 / rate);
    } while (loop);
  }
}

/** Seconds that a file's clock may jump; more is a fault of the file. */
const longestPause = 10;

/** Lets pictures out at the speed of their own times. */
class Pace {
  readonly #signal: AbortSignal;
  /** Milliseconds of `performance.now()` at time 0. */
  #zero: number | undefined;
  #last = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Resolves when it is time for the picture. Rejects with `CANCELLED`. */
  async until(seconds: number): Promise<void> {
    const now = performance.now();
    const due = this.#zero === undefined ? now : this.#zero + seconds * 1000;
    // Who was held up, or whose clock jumps, goes on from here.
    if (this.#zero === undefined || due < now - 1000 || due > now + longestPause * 1000)
      this.#zero = now - seconds * 1000;
    this.#last = seconds;
    await this.#wait(this.#zero + seconds * 1000 - now);
  }

  /** Resolves so many seconds after the last picture. */
  async after(seconds: number): Promise<void> {
    await this.until(this.#last + seconds);
  }

  async #wait(milliseconds: number): Promise<void> {
    if (this.#signal.aborted) throw cancelled(this.#signal);
    if (milliseconds < 1) return;
    try {
      await sleep(milliseconds, undefined, { signal: this.#signal });
    } catch {
      throw cancelled(this.#signal);
    }
  }
}

async function connectionRequest(address: SourceAddress): Promise<ConnectionRequest> {
  if (address.kind === 'network') {
    return { ...(await openRequest(address)), shown };
  }
  if (address.kind === 'device') {
    const { format, name } = address;
    return { url: name, format, options: { protocol_whitelist: 'none' }, shown };
  }
  throw new TypeError(`a ${address.kind} is not connected to`);
}

/** What a person is told. */
function sentence(error: unknown): string {
  return error instanceof DeblurError ? error.message : 'The source failed in an unexpected way.';
}
