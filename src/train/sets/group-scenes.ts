import type { FramePair, PairScene } from './pair-set.js';

/** Puts pairs into scenes by a name, in the order in which they are given. */
export function groupScenes(
  pairs: readonly FramePair[],
  nameOf: (pair: FramePair) => string,
  { stills = false }: Pick<PairScene, 'stills'> = {},
): PairScene[] {
  const scenes = new Map<string, FramePair[]>();
  for (const pair of pairs) {
    const name = nameOf(pair);
    const scene = scenes.get(name) ?? [];
    scene.push(pair);
    scenes.set(name, scene);
  }
  return [...scenes].map(([name, members]) => ({ name, pairs: members, stills }));
}
