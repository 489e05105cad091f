/** Between which of some ascending knots places lie, and how far; before the first and after the last the border goes on. */
export class Places {
  /** The knot before each place. */
  readonly before: Int32Array;
  /** The knot after it. */
  readonly after: Int32Array;
  /** How far it is from the one to the other, 0 to 1. */
  readonly part: Float32Array;

  /** @param knots,places ascending. */
  constructor(knots: ArrayLike<number>, places: ArrayLike<number>) {
    this.before = new Int32Array(places.length);
    this.after = new Int32Array(places.length);
    this.part = new Float32Array(places.length);
    const last = knots.length - 1;
    for (let i = 0, k = 0; i < places.length; i += 1) {
      const place = places[i]!;
      while (k < last && knots[k + 1]! <= place) k += 1;
      this.before[i] = k;
      this.after[i] = Math.min(k + 1, last);
      const gap = knots[Math.min(k + 1, last)]! - knots[k]!;
      this.part[i] = gap > 0 ? Math.min(1, Math.max(0, (place - knots[k]!) / gap)) : 0;
    }
  }
}
