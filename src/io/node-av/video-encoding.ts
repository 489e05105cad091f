import type { Engine } from '../video.js';
import type { av, constants as c } from './binding.js';

/** Encodes pictures, wherever that happens. */
export interface VideoEncoding {
  readonly engine: Engine;
  /** The encoder's name. */
  readonly encoder: string;
  /** What the pictures must be. */
  readonly picture: {
    readonly format: c.AVPixelFormat;
    readonly formatName: string;
    readonly width: number;
    readonly height: number;
    readonly matrix: c.AVColorSpace;
    readonly range: c.AVColorRange;
  };
  /** Time base of the pictures and of the packets. */
  readonly timeBase: av.Rational;
  /** Frames per second, `0/…` where unknown. */
  readonly averageRate: av.Rational;
  /**
   * The stream's parameters with the codec's header, valid until `free`: at once where the encoder is in this process,
   * with the first picture or the end where it is another.
   */
  parameters(): Promise<av.CodecParameters>;
  /** Takes a picture, which stays the caller's; null ends the video. Resolves when it is accepted. */
  send(picture: av.Frame | null): Promise<void>;
  /** The next packet, which is the caller's; undefined after the last. */
  receive(): Promise<av.Packet | undefined>;
  /** Stops at once; `send` and `receive` end soon. */
  stop(): void;
  free(): Promise<void>;
}
