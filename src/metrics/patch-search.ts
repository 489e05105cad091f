import { halved, sampleAt, type Gray } from './gray.js';

/** Pixels of the shorter side of the coarsest level, at the least. */
const coarsest = 12;
/** Steps by the gradients, at the most. */
const iterations = 12;
/** A step shorter than this ends the search. */
const settled = 0.01;
/** A patch is not followed further than this from where the search began. */
const longest = 8;
/** Added to the structure tensor's diagonal: a patch without structure stays where it began. */
const regularisation = 32;

/** A picture and its halves, the finest first. */
export function pyramidOf(picture: Gray): Gray[] {
  const levels = [picture];
  for (let last = picture; Math.min(last.width, last.height) >= 2 * coarsest; levels.push(last)) last = halved(last);
  return levels;
}

/** Left or top edges of the patches along one axis; the last one ends with the picture. */
export function patchPlaces(size: number, side: number, stride: number): number[] {
  const list: number[] = [];
  for (let at = 0; at + side < size; at += stride) list.push(at);
  list.push(Math.max(0, size - side));
  return list;
}

/** Seeks where one patch of a picture is in another. */
export class PatchSearch {
  /** The best motion so far. */
  u = 0;
  v = 0;
  readonly #a: Gray;
  readonly #b: Gray;
  readonly #width: number;
  readonly #height: number;
  /** The patch without its mean, and its derivatives. */
  readonly #patch: Float32Array;
  readonly #dx: Float32Array;
  readonly #dy: Float32Array;
  /** What lies at the motion tried last, without its mean, less the patch. */
  readonly #residual: Float32Array;
  #left = 0;
  #top = 0;
  #cost = Infinity;
  /** The inverse of the structure tensor. */
  #xx = 0;
  #xy = 0;
  #yy = 0;

  constructor(a: Gray, b: Gray, width: number, height: number) {
    this.#a = a;
    this.#b = b;
    this.#width = width;
    this.#height = height;
    this.#patch = new Float32Array(width * height);
    this.#dx = new Float32Array(width * height);
    this.#dy = new Float32Array(width * height);
    this.#residual = new Float32Array(width * height);
  }

  /** Begins with another patch. */
  take(left: number, top: number): void {
    const { data, width, height } = this.#a;
    [this.#left, this.#top, this.#cost] = [left, top, Infinity];
    let [sum, xx, xy, yy] = [0, regularisation, 0, regularisation];
    for (let y = 0, i = 0; y < this.#height; y += 1) {
      for (let x = 0; x < this.#width; x += 1, i += 1) {
        const [px, py] = [left + x, top + y];
        const at = py * width + px;
        const before = px > 0 ? data[at - 1]! : data[at]!;
        const after = px + 1 < width ? data[at + 1]! : data[at]!;
        const above = py > 0 ? data[at - width]! : data[at]!;
        const below = py + 1 < height ? data[at + width]! : data[at]!;
        const dx = (after - before) / 2;
        const dy = (below - above) / 2;
        this.#patch[i] = data[at]!;
        this.#dx[i] = dx;
        this.#dy[i] = dy;
        sum += data[at]!;
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
      }
    }
    const mean = sum / this.#patch.length;
    for (let i = 0; i < this.#patch.length; i += 1) this.#patch[i]! -= mean;
    const determinant = xx * yy - xy * xy;
    [this.#xx, this.#xy, this.#yy] = [yy / determinant, -xy / determinant, xx / determinant];
  }

  /** Takes over a motion that is better than the best so far. */
  offer(u: number, v: number): void {
    const cost = this.#compare(u, v);
    if (cost >= this.#cost) return;
    [this.u, this.v, this.#cost] = [u, v, cost];
  }

  /** Goes from the best motion to the nearest minimum. */
  descend(): void {
    const [startU, startV] = [this.u, this.v];
    let [u, v] = [startU, startV];
    let cost = this.#compare(u, v);
    for (let k = 0; k < iterations; k += 1) {
      let [x, y] = [0, 0];
      for (let i = 0; i < this.#residual.length; i += 1) {
        x += this.#dx[i]! * this.#residual[i]!;
        y += this.#dy[i]! * this.#residual[i]!;
      }
      const stepX = this.#xx * x + this.#xy * y;
      const stepY = this.#xy * x + this.#yy * y;
      u -= stepX;
      v -= stepY;
      if (Math.abs(u - startU) > longest || Math.abs(v - startV) > longest) return;
      const next = this.#compare(u, v);
      if (next >= cost) return;
      cost = next;
      [this.u, this.v, this.#cost] = [u, v, cost];
      if (stepX * stepX + stepY * stepY < settled * settled) return;
    }
  }

  /** Sum of squared differences, means left out. */
  #compare(u: number, v: number): number {
    const residual = this.#residual;
    const { data, width, height } = this.#b;
    const [x0, y0] = [this.#left + u, this.#top + v];
    const [column, row] = [Math.floor(x0), Math.floor(y0)];
    let sum = 0;
    if (column >= 0 && row >= 0 && column + this.#width < width && row + this.#height < height) {
      // All samples lie inside and share their place between pixels.
      const [fx, fy] = [x0 - column, y0 - row];
      const [w00, w01, w10, w11] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
      for (let y = 0, i = 0; y < this.#height; y += 1) {
        let at = (row + y) * width + column;
        for (let x = 0; x < this.#width; x += 1, i += 1, at += 1) {
          const value = w00 * data[at]! + w01 * data[at + 1]! + w10 * data[at + width]! + w11 * data[at + width + 1]!;
          residual[i] = value;
          sum += value;
        }
      }
    } else {
      for (let y = 0, i = 0; y < this.#height; y += 1) {
        for (let x = 0; x < this.#width; x += 1, i += 1) {
          const value = sampleAt(this.#b, x0 + x, y0 + y);
          residual[i] = value;
          sum += value;
        }
      }
    }
    const mean = sum / residual.length;
    let cost = 0;
    for (let i = 0; i < residual.length; i += 1) {
      const difference = residual[i]! - mean - this.#patch[i]!;
      residual[i] = difference;
      cost += difference * difference;
    }
    return cost;
  }
}
