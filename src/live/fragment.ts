/** A frame of a fragment, to follow it from the camera to the eye. */
export interface FragmentFrame {
  /** The frame's number in its session, from 0; dropped frames have one too. */
  readonly number: number;
  /** When the frame reached this program, in milliseconds since the epoch. */
  readonly captured: number;
}

/**
 * A piece of a live stream in fragmented MP4 (ISO/IEC 14496-12): the header (`ftyp` and `moov`), or one frame
 * (`moof` and `mdat`). Its H.264 picture holds the original above the result.
 */
export interface LiveFragment {
  /** A new `init` in the middle of a stream means that the pictures' size or codec has changed. */
  readonly kind: 'init' | 'media';
  readonly data: Uint8Array;
  /** For `media`: the fragment begins a group of pictures, so that decoding can start with it. */
  readonly keyframe: boolean;
  /** Counts fragments of both kinds, without gaps. */
  readonly sequence: number;
  /** Presentation time in seconds since the session began; 0 for `init`. */
  readonly pts: number;
  /** Empty for `init`. */
  readonly frames: readonly FragmentFrame[];
}
