/// <reference lib="dom" />
import { BehaviorSubject, distinctUntilChanged, type Observable } from 'rxjs';
import { avcConfiguration, codecOf } from './codec.js';
import { samplesOf } from './fragment-samples.js';
import type { PlayableFragment, PlayerStatus } from './media-player.js';

/** Pictures in the decoder above which it is too slow, and goes on at the next keyframe. */
const mostDecoding = 12;
/** Milliseconds without a picture after which the stream counts as stalled. */
const stalledAfter = 1000;

/**
 * Decodes fMP4 fragments with WebCodecs and hands out each picture as soon as it is decoded: with less latency than a `<video>`,
 * and with no buffer to even out a stream that comes unevenly. Browsers offer it to secure pages only.
 */
export class FramePlayer {
  readonly #onFrame: (frame: VideoFrame) => void;
  readonly #onLost: () => void;
  readonly #status = new BehaviorSubject<PlayerStatus>('idle');
  readonly #watch: ReturnType<typeof setInterval>;
  #config: VideoDecoderConfig | undefined;
  #decoder: VideoDecoder | undefined;
  #sawKeyframe = false;
  #lastFrame = 0;

  /**
   * @param onFrame owns each picture and has to close it. Its timestamp is the time in the stream, in microseconds.
   * @param onLost is called when decoding broke off: a keyframe is wanted.
   */
  constructor(onFrame: (frame: VideoFrame) => void, onLost: () => void = () => undefined) {
    this.#onFrame = onFrame;
    this.#onLost = onLost;
    this.#watch = setInterval(() => {
      if (this.#status.value === 'playing' && performance.now() - this.#lastFrame > stalledAfter) {
        this.#status.next('stalled');
      }
    }, stalledAfter / 4);
  }

  /** Whether this browser can decode a stream, by its initialisation segment. */
  static async supports(init: Uint8Array): Promise<boolean> {
    const config = configOf(init);
    if (!config || !('VideoDecoder' in globalThis)) return false;
    const { supported } = await VideoDecoder.isConfigSupported(config).catch(() => ({ supported: false }));
    return supported === true;
  }

  /** Whether pictures come, and if not, why. The latest value comes at once. */
  get status$(): Observable<PlayerStatus> {
    return this.#status.pipe(distinctUntilChanged());
  }

  /** Takes the next fragment. Media before the first `init` and before a keyframe is left out. */
  push(fragment: PlayableFragment): void {
    if (fragment.kind === 'init') {
      this.#stop();
      this.#config = configOf(fragment.data);
      if (!this.#config) this.#status.next('unsupported');
      return;
    }
    if (!this.#config) return;
    if (fragment.keyframe) this.#sawKeyframe = true;
    if (!this.#sawKeyframe) return;
    this.#decode(this.#config, fragment);
  }

  /** Lets go of the decoder. */
  close(): void {
    clearInterval(this.#watch);
    this.#stop();
    this.#config = undefined;
    this.#status.complete();
  }

  #decode(config: VideoDecoderConfig, { data, keyframe, pts }: PlayableFragment): void {
    try {
      this.#decoder ??= this.#open(config);
      if (this.#decoder.decodeQueueSize > mostDecoding) {
        this.#lose();
        return;
      }
      for (const [i, sample] of samplesOf(data).entries()) {
        const type = keyframe && i === 0 ? 'key' : 'delta';
        // Microseconds apart, so that those of one fragment keep their order.
        this.#decoder.decode(new EncodedVideoChunk({ type, timestamp: Math.round(pts * 1e6) + i, data: sample }));
      }
    } catch {
      this.#lose();
    }
  }

  #open(config: VideoDecoderConfig): VideoDecoder {
    const decoder = new VideoDecoder({
      output: (frame) => {
        if (this.#decoder !== decoder) {
          frame.close();
          return;
        }
        this.#lastFrame = performance.now();
        this.#status.next('playing');
        this.#onFrame(frame);
      },
      error: () => {
        if (this.#decoder === decoder) this.#lose();
      },
    });
    decoder.configure(config);
    return decoder;
  }

  /** Goes on at the next keyframe, with a decoder that has nothing of before. */
  #lose(): void {
    this.#stop();
    this.#onLost();
  }

  #stop(): void {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    this.#sawKeyframe = false;
    if (decoder && decoder.state !== 'closed') decoder.close();
  }
}

function configOf(init: Uint8Array): VideoDecoderConfig | undefined {
  const [codec, description] = [codecOf(init), avcConfiguration(init)];
  return codec && description
    ? { codec, description: description.slice(), optimizeForLatency: true, hardwareAcceleration: 'no-preference' }
    : undefined;
}
