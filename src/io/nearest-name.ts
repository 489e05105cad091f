import { distance } from 'fastest-levenshtein';

/** Up to three names close to a mistyped one, the closest first. */
export function nearestNames(name: string, known: Iterable<string>): string[] {
  const wanted = name.toLowerCase();
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  return [...known]
    .map((each) => {
      const lower = each.toLowerCase();
      const contained = wanted.length >= 3 && (lower.includes(wanted) || wanted.includes(lower));
      return { each, far: contained ? 1 : distance(wanted, lower) };
    })
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far || a.each.localeCompare(b.each))
    .slice(0, 3)
    .map(({ each }) => each);
}

/** "Did you mean a, b or c?", or undefined when nothing is near. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const near = nearestNames(name, known);
  if (near.length === 0) return undefined;
  const last = near.pop()!;
  return near.length === 0 ? `Did you mean ${last}?` : `Did you mean ${near.join(', ')} or ${last}?`;
}
