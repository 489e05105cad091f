import { setTimeout as sleep } from 'node:timers/promises';
import { DeblurError } from '../../errors.js';
import { fileAddress } from '../../io/node-av/input.js';
import type { CameraChunk, CameraFormat } from '../options.js';
import type { SourceState } from '../state.js';
import { openRequest, type SourceAddress } from './address.js';
import { cameraFor, type Camera } from './camera.js';
import { Connection, type ConnectionRequest } from './connection.js';
import { LiveDecoder, type DecodedPicture } from './live-decoder.js';
import { Pace } from './pace.js';

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
    const show = comesInBursts(address) ? paced(onPicture, signal) : onPicture;
    using decoder = await LiveDecoder.open(stream.codecpar, stream.timeBase, show, { anyCodec });
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
      const show = paced(
        (decoded) => {
          pictures += 1;
          if (!live) onNews({ source: 'live' });
          live = true;
          onPicture(decoded);
        },
        signal,
        { pace, timeOf: ({ seconds }) => seconds ?? pictures / rate },
      );
      using decoder = await LiveDecoder.open(stream.codecpar, stream.timeBase, show, { anyCodec: true });
      await connection.run((packet) => decoder.decode(packet), shown, signal);
      await decoder.decode(null);
      if (pictures === 0) throw new DeblurError('INPUT_UNREADABLE', `Not one picture of ${shown} can be decoded.`);
      // The last picture stays as long as the others did.
      await pace.after(1 / rate);
    } while (loop);
  }
}

/** HTTP brings a file as fast as it can, and HLS a segment at once. */
function comesInBursts(address: SourceAddress): boolean {
  return address.kind === 'network' && /^https?:/i.test(address.url);
}

/** Lets pictures out at the speed of their own times; then is when they are captured. */
function paced(
  onPicture: (decoded: DecodedPicture) => void,
  signal: AbortSignal,
  {
    pace = new Pace(signal),
    timeOf = ({ seconds }: DecodedPicture) => seconds,
  }: { pace?: Pace; timeOf?: (decoded: DecodedPicture) => number | undefined } = {},
): (decoded: DecodedPicture) => Promise<void> {
  return async (decoded) => {
    try {
      await pace.until(timeOf(decoded));
    } catch (error) {
      decoded.picture.free();
      throw error;
    }
    onPicture({ ...decoded, captured: Date.now() });
  };
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
