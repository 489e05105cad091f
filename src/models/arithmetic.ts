import type { Ops } from './ops.js';

/** One number as a tensor that goes with those of a rank. */
export function scalar<T>(ops: Ops<T>, value: number, rank: number): T {
  return ops.constant(Array<number>(rank).fill(1), Float32Array.of(value));
}

/** Every element times one number. */
export function times<T>(ops: Ops<T>, x: T, factor: number): T {
  return ops.mul(x, scalar(ops, factor, ops.shape(x).length));
}

/** A difference, with broadcasting. */
export function minus<T>(ops: Ops<T>, a: T, b: T): T {
  return ops.add(a, times(ops, b, -1));
}

/** How much of what lies at a distance a sample has by linear interpolation: `1 - |distance|`, or nothing. */
export function nearness<T>(ops: Ops<T>, distance: T): T {
  const away = ops.add(ops.relu(distance), ops.relu(times(ops, distance, -1)));
  return ops.relu(ops.addScalar(times(ops, away, -1), 1));
}
