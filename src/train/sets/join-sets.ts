import path from 'node:path';
import type { PairSet } from './pair-set.js';

/** Several sets as one. One that is given twice counts twice: its frames are drawn twice as often. */
export function joinSets(sets: readonly [PairSet, ...PairSet[]]): PairSet {
  const [first, ...others] = sets;
  if (others.length === 0) return first;
  const root = sets.map((set) => path.resolve(set.root)).reduce(commonFolder);
  const scenes = sets.flatMap((set) =>
    set.scenes.map((scene) => ({ ...scene, name: path.join(path.relative(root, set.root), scene.name) })),
  );
  return { layout: first.layout, root, scenes };
}

/** The innermost folder that two are in. */
function commonFolder(a: string, b: string): string {
  const [own, other] = [a.split(path.sep), b.split(path.sep)];
  const unlike = own.findIndex((part, i) => part !== other[i]);
  return unlike < 0 ? a : own.slice(0, unlike).join(path.sep) || path.sep;
}
