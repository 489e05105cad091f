import { distance } from 'fastest-levenshtein';

/** Up to three candidates close to a mistyped word, the closest first: few letters away, or one within the other. */
function nearestNames(word: string, candidates: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  const limit = Math.max(2, Math.ceil(wanted.length / 3));
  return [...new Set(candidates)]
    .map((each) => {
      const lower = each.toLowerCase();
      const contained =
        Math.min(wanted.length, lower.length) >= 3 && (lower.includes(wanted) || wanted.includes(lower));
      return { each, far: contained ? 1 : distance(wanted, lower) };
    })
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far || a.each.localeCompare(b.each))
    .slice(0, 3)
    .map(({ each }) => each);
}

/** The candidate closest in spelling, or undefined when none is close enough to be a typing error. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  return nearestNames(word, candidates)[0];
}

/** "Did you mean a, b or c?", or undefined when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const near = nearestNames(word, candidates);
  const last = near.pop();
  if (last === undefined) return undefined;
  return near.length === 0 ? `Did you mean ${last}?` : `Did you mean ${near.join(', ')} or ${last}?`;
}
