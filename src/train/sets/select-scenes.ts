import { DeblurError } from '../../errors.js';
import { didYouMean } from '../../nearest.js';
import type { PairSet } from './pair-set.js';

/**
 * A set with some of its scenes.
 *
 * @param patterns Names of scenes, in which `*` stands for any letters.
 * @throws DeblurError `USAGE` for a pattern that no scene fits.
 */
export function selectScenes(set: PairSet, patterns: readonly string[]): PairSet {
  const tests = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map(escapeRegExp).join('.*')}$`, 's'));
  const names = set.scenes.map(({ name }) => name);
  tests.forEach((test, i) => {
    if (names.some((name) => test.test(name))) return;
    const pattern = patterns[i] ?? '';
    throw new DeblurError('USAGE', `${set.root} has no scene named ${pattern}.`, {
      hint:
        didYouMean(pattern, names) ?? `Its scenes: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}.`,
    });
  });
  return { ...set, scenes: set.scenes.filter(({ name }) => tests.some((test) => test.test(name))) };
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
