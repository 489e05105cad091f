import type { Ops } from './ops.js';

/** Every element moved into [0, 1]. */
export function clamped<T>(ops: Ops<T>, x: T): T {
  const short = ops.relu(ops.addScalar(ops.scale(x, -1), 1));
  return ops.relu(ops.addScalar(ops.scale(short, -1), 1));
}

/** How much of what lies at a distance a sample has by linear interpolation: `1 - |distance|`, or nothing. */
export function nearness<T>(ops: Ops<T>, distance: T): T {
  const away = ops.add(ops.relu(distance), ops.relu(ops.scale(distance, -1)));
  return ops.relu(ops.addScalar(ops.scale(away, -1), 1));
}

/** One column of a matrix: `[A, B]` to `[A, 1]`. */
export function column<T>(ops: Ops<T>, x: T, index: number): T {
  return ops.slice(x, { axis: 1, start: index, end: index + 1 });
}
