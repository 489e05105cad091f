/** A plane's samples, rows without padding. */
export type Samples = Uint8Array | Uint16Array;

/** Places between two pixels that are told apart. */
const phases = 64;
/** Samples before and after the two that a place lies between. */
const [before, after] = [1, 2] as const;
const taps = before + 1 + after;

/** What the four samples around a place count, for each phase: Keys, "Cubic convolution interpolation", 1981, with a = -1/2. */
const kernel = Float32Array.from({ length: (phases + 1) * taps }, (_, i) => {
  const distance = Math.abs((i % taps) - before - Math.floor(i / taps) / phases);
  if (distance >= 2) return 0;
  if (distance >= 1) return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
  return (1.5 * distance - 2.5) * distance * distance + 1;
});

/** Moves a plane, cell by cell, by cubic interpolation: linear interpolation softens a picture each time that it is moved. */
export class PlaneMover {
  /** The plane as far as it was moved; values go a little beyond the plane's range at edges. */
  readonly moved: Float32Array;
  readonly #width: number;
  readonly #height: number;
  readonly #cellWidth: number;
  readonly #cellHeight: number;
  /** A cell's rows and those around it, moved across. */
  readonly #rows: Float32Array;
  /** Columns of the samples that a cell's row is made of. */
  readonly #columns: Int32Array;

  /** @param cellWidth,cellHeight of the cells, in samples; those at the right and at the bottom may be cut off. */
  constructor(width: number, height: number, cellWidth: number, cellHeight: number) {
    this.moved = new Float32Array(width * height);
    [this.#width, this.#height, this.#cellWidth, this.#cellHeight] = [width, height, cellWidth, cellHeight];
    this.#rows = new Float32Array((cellHeight + taps - 1) * cellWidth);
    this.#columns = new Int32Array(cellWidth + taps - 1);
  }

  /** Writes the cell in column `c` and row `r` as it is found `dx` samples to the right and `dy` down in `source`; the border goes on outside. */
  move(source: Samples, c: number, r: number, dx: number, dy: number): void {
    const [left, top] = [c * this.#cellWidth, r * this.#cellHeight];
    const width = Math.min(this.#cellWidth, this.#width - left);
    const height = Math.min(this.#cellHeight, this.#height - top);
    const [wholeX, wholeY] = [Math.floor(dx), Math.floor(dy)];
    const across = Math.round((dx - wholeX) * phases) * taps;
    const down = Math.round((dy - wholeY) * phases) * taps;
    const [a, b, e, f] = [kernel[across]!, kernel[across + 1]!, kernel[across + 2]!, kernel[across + 3]!];
    const [g, h, i, j] = [kernel[down]!, kernel[down + 1]!, kernel[down + 2]!, kernel[down + 3]!];
    const [first, rows, columns] = [left + wholeX - before, this.#rows, this.#columns];
    const inside = first >= 0 && first + width + taps - 1 <= this.#width;
    if (!inside) for (let k = 0; k < width + taps - 1; k += 1) columns[k] = within(first + k, this.#width);
    for (let k = 0, at = 0; k < height + taps - 1; k += 1) {
      const line = within(top + wholeY - before + k, this.#height) * this.#width;
      if (inside) {
        let from = line + first;
        let [p, q, s] = [source[from]!, source[from + 1]!, source[from + 2]!];
        from += taps - 1;
        for (let x = 0; x < width; x += 1, at += 1, from += 1) {
          const t = source[from]!;
          rows[at] = a * p + b * q + e * s + f * t;
          p = q;
          q = s;
          s = t;
        }
      } else {
        for (let x = 0; x < width; x += 1, at += 1) {
          rows[at] =
            a * source[line + columns[x]!]! +
            b * source[line + columns[x + 1]!]! +
            e * source[line + columns[x + 2]!]! +
            f * source[line + columns[x + 3]!]!;
        }
      }
    }
    const { moved } = this;
    for (let y = 0, at = 0; y < height; y += 1) {
      let to = (top + y) * this.#width + left;
      for (let x = 0; x < width; x += 1, at += 1, to += 1) {
        moved[to] = g * rows[at]! + h * rows[at + width]! + i * rows[at + 2 * width]! + j * rows[at + 3 * width]!;
      }
    }
  }
}

function within(place: number, size: number): number {
  return place < 0 ? 0 : place >= size ? size - 1 : place;
}
