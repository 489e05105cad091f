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
  /** Whether the pairs are single pictures of one place rather than frames that follow one another. Default false. */
  readonly stills?: boolean;
}

/** Blurry frames with their sharp truths, as found in a folder. Pictures are read when they are needed. */
export interface PairSet {
  /** Name of the published layout, for instance `reds`. */
  readonly layout: string;
  /** The folder. */
  readonly root: string;
  readonly scenes: readonly PairScene[];
}

/**
 * The pair some frames after another one (before it, where `step` is negative). Beyond a scene's ends it is the
 * nearest pair of the scene, and a still is its own neighbour.
 *
 * @throws RangeError for a scene without pairs.
 */
export function neighbour({ pairs, stills = false }: PairScene, index: number, step: number): FramePair {
  const wanted = stills ? index : index + step;
  const pair = pairs[Math.min(Math.max(wanted, 0), pairs.length - 1)];
  if (!pair) throw new RangeError('a scene has no pairs');
  return pair;
}

/** A truth as its own blurry frame: what a fast shutter would have taken. */
export function sharpPair(pair: FramePair): FramePair {
  return { ...pair, blur: pair.sharp };
}
