import type { FrameSize } from './virtual-camera.js';

/** A blurry frame and its sharp truth. */
export interface SynthesisedFrame {
  /** Interleaved RGB, 8 bits. */
  readonly blur: Uint8Array;
  readonly sharp: Uint8Array;
  /** Mean length over the picture of what a point passes during the exposure, in pixels. */
  readonly length: number;
  /** Moments that were averaged. */
  readonly moments: number;
}

/** Frames that are made one after another, and what was decided on the way. */
export interface Film {
  readonly frames: AsyncIterable<SynthesisedFrame>;
  /** Decisions that needed the pictures, for the manifest. */
  readonly decisions: Readonly<Record<string, unknown>>;
}

/** Longest step between two moments of an exposure, in pixels. */
const longestStep = 0.7;

/** Moments that an exposure is averaged over: odd, so that one of them is its middle. */
export function momentsFor(length: number, least: number): number {
  return Math.max(least, Math.ceil(length / longestStep)) | 1;
}

/** Options of `filmPhoto` and `filmClip`. */
export interface FilmOptions {
  readonly size: FrameSize;
  readonly frames: number;
  /** See the config. */
  readonly sharpness: number;
}
