/** A blurry frame and its sharp truth. */
export interface FramePair {
  /** Path of the blurry picture. */
  readonly blur: string;
  /** Path of the sharp picture, of the same size. */
  readonly sharp: string;
  /** Mean length of the blur in pixels, where the set's manifest tells it. */
  readonly length?: number;
}

/** Frames of one take, in order of time. Sets are split by scenes, never by frames. */
export interface PairScene {
  /** Its name in the set, unique there. */
  readonly name: string;
  readonly pairs: readonly FramePair[];
}

/** Blurry frames with their sharp truths, as found in a folder. Pictures are read when they are needed. */
export interface PairSet {
  /** Name of the published layout, for instance `reds`. */
  readonly layout: string;
  /** The folder. */
  readonly root: string;
  readonly scenes: readonly PairScene[];
}
