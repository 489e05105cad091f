import type { PairScene } from './pair-set.js';

/** A published way of laying out blurry and sharp frames. */
export interface Layout {
  /** Its name in settings and on the command line. */
  readonly name: string;
  /** How its files lie, for a person. */
  readonly shape: string;
  /** The parts that a folder of this layout has, for instance `train` and `test`; none when it is of another layout. */
  readonly splits: (root: string) => Promise<string[]>;
  /**
   * The scenes of a part.
   * @throws DeblurError `INPUT_UNREADABLE` that names the first file that does not fit.
   */
  readonly read: (root: string, split: string) => Promise<PairScene[]>;
}
