/** How long to wait before each attempt to connect again. Times are in milliseconds. */
export interface BackOff {
  /** Wait before the first attempt. Default 250. */
  first?: number;
  /** No wait is longer. Default 8000. */
  longest?: number;
  /** Each wait is this many times the one before. Default 2. */
  factor?: number;
}

/**
 * The wait before an attempt, in milliseconds: it grows with every attempt, and is spread by a fifth either way, so that
 * viewers who were cut off together do not come back together.
 *
 * @param attempt from 1.
 * @param random a number in [0, 1).
 */
export function backOffDelay(attempt: number, options: BackOff = {}, random = Math.random()): number {
  const { first = 250, longest = 8000, factor = 2 } = options;
  const wait = Math.min(longest, first * factor ** (attempt - 1));
  return wait * (0.8 + 0.4 * random);
}
