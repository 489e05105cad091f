import type { PictureSize } from './state.js';

/** Options of {@link LiveSession.open}. */
export interface LiveOptions {
  /**
   * An address (`rtsp:`, `rtsps:`, `rtmp:`, `rtmps:`, `srt:`, `udp:`, `rtp:`, `tcp:`, `http:`, `https:`), a capture device
   * (`/dev/video0`, `v4l2:/dev/video0`, `avfoundation:0`, `dshow:video=Camera`), a file, or `browser` for frames that
   * are pushed with {@link LiveSession.beginCamera} and {@link LiveSession.push}.
   */
  source: string;
  /** Who asks for the source. A viewer may only name network addresses. Default `owner`. */
  origin?: 'owner' | 'viewer';
  /** Let a viewer's address lead to loopback, link-local and private networks. Default false. */
  allowPrivate?: boolean;
  /** Play a file again from its beginning when it ends. Default false. */
  loop?: boolean;
  /** A model's name, the path of an `.onnx` or `.safetensors` file, or `none`. Default `light-live`. */
  model?: string;
  /** A model that is run before the other: its translator. Default none. */
  translator?: string;
  /** How much of the result to show, 0 to 1. Default 1. */
  strength?: number;
  /** Turn the controller off. Default false. */
  fixed?: boolean;
  /** Pictures are made smaller to fit in here, never larger. Default 1280×720. */
  size?: PictureSize;
  /** ONNX Runtime's execution provider, or `auto`. Default `auto`. */
  provider?: string;
  /** Threads for the network. Default: one per processor. */
  threads?: number;
  /** Constant rate factor of the encoder, 0 to 51, lower is better. Default 23. */
  crf?: number;
  /** Seconds from one keyframe to the next at most. Default 1. */
  keyframeInterval?: number;
  /** Record from the start to this file. Default none. */
  record?: string;
}

/** A change that a viewer or the owner asks for; what is missing stays. */
export interface LiveControl {
  readonly model?: string;
  /** null takes the translator out. */
  readonly translator?: string | null;
  readonly strength?: number;
  readonly paused?: boolean;
}

/** How a browser's camera is sent. */
export type CameraFormat =
  | {
      /** The bytes of one WebM or fragmented MP4 stream, as MediaRecorder makes it. */
      readonly kind: 'container';
      /** `video/webm` or `video/mp4`, with or without codecs. */
      readonly mime: string;
    }
  | {
      /** One encoded picture per chunk, as WebCodecs' VideoEncoder makes them. */
      readonly kind: 'chunks';
      /** WebCodecs' name: `avc1.…`, `vp8`, `vp09.…`, `av01.…` or `hvc1.…`. */
      readonly codec: string;
      /** The decoder's configuration record (avcC and the like); without it, H.264 is in Annex B format. */
      readonly description?: Uint8Array;
    };

/** A piece of a browser's camera stream. */
export interface CameraChunk {
  readonly data: Uint8Array;
  /** For `chunks`: presentation time in seconds on the sender's clock. */
  readonly timestamp?: number;
  /** For `chunks`: decoding can begin here. */
  readonly keyframe?: boolean;
}

/** A snapshot: two PNG files of the same frame. */
export interface Snapshot {
  readonly original: Uint8Array;
  readonly result: Uint8Array;
}
