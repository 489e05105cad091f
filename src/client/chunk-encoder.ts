/// <reference lib="dom" />
import { DeblurError } from '../errors.js';
import { cameraFrames } from './camera-frames.js';
import type { LiveClient } from './live-client.js';

/** A camera's way to the server, while one connection lives. */
export interface Uplink {
  readonly client: LiveClient;
  readonly track: MediaStreamTrack;
  /** Bits a second. */
  readonly bitrate: number;
  readonly signal: AbortSignal;
  /** Called when the server has agreed, with the codec's name. */
  readonly onBegin: (codec: string) => void;
}

/** Codecs in the order they are tried: H.264 first, because hardware encodes it. */
const codecs = ['avc1.42001f', 'avc1.42e01f', 'avc1.420028', 'vp8', 'vp09.00.10.08'];
/** Milliseconds from one keyframe to the next at most. */
const keyframeEvery = 2000;
/** Frames in the encoder above which a new one is left out. */
const mostEncoding = 2;
/** Bytes that wait for the network above which frames are left out until a keyframe. */
const mostWaiting = 512 * 1024;

/** The first encoder configuration that this browser can do at this size; undefined where it has no WebCodecs. */
export async function chunkEncoderConfig(picture: {
  width: number;
  height: number;
  bitrate: number;
}): Promise<VideoEncoderConfig | undefined> {
  if (!('VideoEncoder' in globalThis)) return undefined;
  for (const codec of codecs) {
    const config: VideoEncoderConfig = {
      codec,
      // H.264 halves both for its chroma.
      width: Math.max(2, picture.width & ~1),
      height: Math.max(2, picture.height & ~1),
      bitrate: picture.bitrate,
      latencyMode: 'realtime',
      ...(codec.startsWith('avc1') ? { avc: { format: 'annexb' as const } } : {}),
    };
    // Some browsers throw at a codec that they do not know.
    const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
    if (supported) return config;
  }
  return undefined;
}

/** Encodes a camera with WebCodecs and sends each picture at once. */
export class ChunkEncoder {
  readonly #uplink: Uplink;
  #sequence = 0;
  #keyframeDue = true;
  #lastKeyframe = 0;
  #failure: Error | undefined;

  constructor(uplink: Uplink) {
    this.#uplink = uplink;
  }

  /** Makes the next picture a keyframe. */
  requestKeyframe(): void {
    this.#keyframeDue = true;
  }

  /**
   * Runs until the track ends or the signal fires. A camera that turns (a phone) begins anew at its new size.
   * @throws DeblurError `CODEC_UNAVAILABLE` when this browser can encode nothing; what the server refuses.
   */
  async run(): Promise<void> {
    const { track, signal } = this.#uplink;
    let encoder: VideoEncoder | undefined;
    let size = '';
    try {
      for await (const frame of cameraFrames(track, signal)) {
        try {
          const now = `${frame.displayWidth}x${frame.displayHeight}`;
          if (now !== size) {
            encoder?.close();
            encoder = await this.#begin(frame.displayWidth, frame.displayHeight);
            size = now;
          }
          if (encoder) this.#encode(encoder, frame);
        } finally {
          frame.close();
        }
        if (this.#failure) throw this.#failure;
      }
    } finally {
      if (encoder && encoder.state !== 'closed') encoder.close();
    }
  }

  async #begin(width: number, height: number): Promise<VideoEncoder> {
    const { client, track, bitrate, onBegin } = this.#uplink;
    const config = await chunkEncoderConfig({ width, height, bitrate });
    if (!config) throw new DeblurError('CODEC_UNAVAILABLE', 'This browser has no encoder for a camera.');
    const { frameRate } = track.getSettings();
    await client.beginCamera({
      format: 'webcodecs',
      codec: config.codec,
      width: config.width,
      height: config.height,
      ...(frameRate ? { fps: frameRate } : {}),
    });
    onBegin(config.codec);
    const encoder = new VideoEncoder({
      output: (chunk) => this.#send(chunk),
      error: (error) => (this.#failure = error),
    });
    encoder.configure({ ...config, ...(frameRate ? { framerate: frameRate } : {}) });
    this.#keyframeDue = true;
    return encoder;
  }

  #encode(encoder: VideoEncoder, frame: VideoFrame): void {
    if (encoder.encodeQueueSize > mostEncoding || this.#uplink.client.bufferedAmount > mostWaiting) return;
    const now = performance.now();
    const keyFrame = this.#keyframeDue || now - this.#lastKeyframe >= keyframeEvery;
    if (keyFrame) {
      this.#keyframeDue = false;
      this.#lastKeyframe = now;
    }
    encoder.encode(frame, { keyFrame });
  }

  #send(chunk: EncodedVideoChunk): void {
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    this.#uplink.client.sendChunk({
      data,
      keyframe: chunk.type === 'key',
      pts: chunk.timestamp / 1e6,
      sequence: this.#sequence,
    });
    this.#sequence = (this.#sequence + 1) >>> 0;
  }
}
