import type { Random } from '../../src/train/random.js';

/** What {@link uphill} looks at. */
export interface SlopeOptions {
  readonly inputs: readonly [Float32Array, Float32Array];
  /** The input that is moved. */
  readonly which: number;
  /** By that input. */
  readonly gradient: Float32Array;
  /** How far it is moved to either side. */
  readonly step: number;
  readonly random: Random;
}

/**
 * A function's slope along a random direction uphill, where it is far above what rounding leaves of a difference: by finite
 * differences, and as its gradient tells it.
 */
export function uphill(
  value: (first: Float32Array, second: Float32Array) => number,
  { inputs, which, gradient, step, random }: SlopeOptions,
): { readonly slope: number; readonly expected: number } {
  const direction = gradient.map((each) => Math.sign(each) * random.unit());
  const moved = (by: number) => {
    const at = (i: number) => (i === which ? inputs[i]!.map((each, k) => each + by * direction[k]!) : inputs[i]!);
    return value(at(0), at(1));
  };
  return {
    slope: (moved(step) - moved(-step)) / (2 * step),
    expected: gradient.reduce((sum, each, k) => sum + each * direction[k]!, 0),
  };
}
