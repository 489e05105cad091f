/** How close a player stays to what is live. Times are in seconds. */
export interface LiveEdgeOptions {
  /** Media that should lie ready ahead of the picture that is shown: more is steadier, less is sooner. Default 0.08. */
  targetDelay?: number;
  /** A delay above which the player jumps instead of hurrying. Default 0.6. */
  maximumDelay?: number;
  /** Media kept behind the picture that is shown, before it is taken out of the buffer. Default 4. */
  keepBehind?: number;
}

/** {@link LiveEdgeOptions} with every default filled in. */
export type LiveEdge = Required<LiveEdgeOptions>;

/** Fills in the defaults of {@link LiveEdgeOptions}. */
export function liveEdge(options: LiveEdgeOptions = {}): LiveEdge {
  return { targetDelay: 0.08, maximumDelay: 0.6, keepBehind: 4, ...options };
}

/** What a player does next to stay at the live edge. */
export interface EdgeStep {
  /** Media time to jump to, where hurrying would take too long. */
  jumpTo?: number;
  /** Rate to play at, 1 being real time. */
  rate: number;
}

/** Most that playback hurries: above this motion looks wrong. */
const hurry = 1.25;
/** Most that playback lingers, while a buffer fills up again. */
const linger = 0.95;

/**
 * Decides how to stay at the live edge.
 *
 * @param currentTime media time of the picture that is shown.
 * @param start,end the newest buffered range.
 */
export function edgeStep(currentTime: number, start: number, end: number, edge: LiveEdge): EdgeStep {
  const delay = end - currentTime;
  const outside = currentTime < start - 0.05 || delay < -0.05;
  if (outside || delay > edge.maximumDelay) return { jumpTo: Math.max(start, end - edge.targetDelay), rate: 1 };
  if (delay > edge.targetDelay * 1.5) return { rate: Math.min(hurry, 1 + (delay - edge.targetDelay)) };
  if (delay < edge.targetDelay * 0.4) return { rate: linger };
  return { rate: 1 };
}
