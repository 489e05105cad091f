/** Indices of a row mirrored about its first and last samples as often as the margins need. */
export function bounce(size: number, before: number, after: number): number[] {
  const period = Math.max(1, 2 * (size - 1));
  return Array.from({ length: before + size + after }, (_, i) => {
    const phase = (((i - before) % period) + period) % period;
    return Math.min(phase, period - phase) % size;
  });
}
