import { describe, expect, it } from 'vitest';
import { joinSets } from '../../../src/train/sets/join-sets.js';
import type { PairSet } from '../../../src/train/sets/pair-set.js';

function setAt(root: string, ...names: string[]): PairSet {
  const scenes = names.map((name) => ({ name, pairs: [{ blur: `${root}/b/${name}`, sharp: `${root}/s/${name}` }] }));
  return { layout: 'test', root, scenes };
}

describe('sets joined', () => {
  it('are one, whose scenes tell which they are from', () => {
    const joined = joinSets([setAt('/data/a', '000', '001'), setAt('/data/inner/b', '000')]);
    expect(joined.root).toBe('/data');
    expect(joined.scenes.map(({ name }) => name)).toEqual(['a/000', 'a/001', 'inner/b/000']);
    expect(joined.scenes[2]?.pairs).toEqual([{ blur: '/data/inner/b/b/000', sharp: '/data/inner/b/s/000' }]);
  });

  it('count as often as they are given', () => {
    const set = setAt('/data/a', '000');
    const joined = joinSets([set, set, setAt('/other', '000')]);
    expect(joined.root).toBe('/');
    expect(joined.scenes.map(({ name }) => name)).toEqual(['data/a/000', 'data/a/000', 'other/000']);
  });

  it('are the set itself where there is one', () => {
    const set = setAt('/data/a', '000');
    expect(joinSets([set])).toBe(set);
  });
});
