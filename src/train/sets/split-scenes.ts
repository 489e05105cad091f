import { DeblurError } from '../../errors.js';
import { Random } from '../random.js';
import type { PairSet } from './pair-set.js';

/** Options of {@link splitScenes}. */
export interface SplitOptions {
  /** Part of the scenes that is held back, at least one of them. */
  readonly fraction: number;
  /** Default 1. */
  readonly seed?: number;
}

/**
 * Splits a set by scenes, never by frames: neighbouring frames are so alike that a test on some of them would be one on
 * what was learned. The draw depends on the seed and the scenes' names, so that it stays when a set grows by some.
 *
 * @throws DeblurError `INPUT_UNREADABLE` when there is nothing to keep beside what is held back.
 */
export function splitScenes(set: PairSet, { fraction, seed = 1 }: SplitOptions): { kept: PairSet; heldBack: PairSet } {
  const random = new Random(seed);
  const drawn = set.scenes
    .map((scene) => ({ name: scene.name, at: random.fork('scene', scene.name).unit() }))
    .sort((a, b) => a.at - b.at);
  const count = Math.max(1, Math.round(fraction * drawn.length));
  if (count >= drawn.length) {
    throw new DeblurError('INPUT_UNREADABLE', `${set.root} has too few scenes to hold some back: ${drawn.length}.`, {
      hint: 'Test on another set.',
    });
  }
  const names = new Set(drawn.slice(0, count).map(({ name }) => name));
  return {
    kept: { ...set, scenes: set.scenes.filter(({ name }) => !names.has(name)) },
    heldBack: { ...set, scenes: set.scenes.filter(({ name }) => names.has(name)) },
  };
}
