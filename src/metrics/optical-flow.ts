import { halved, type Gray } from './gray.js';

/** Where each pixel of a picture is in another one: `(x, y)` is found at `(x + u, y + v)`. */
export interface Flow {
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Side of the patches whose motion is sought, and the distance between them. */
const [side, stride] = [8, 4];
/** Pixels of the shorter side of the coarsest level, at the least. */
const coarsest = 12;
const iterations = 12;
/** A step shorter than this ends the search. */
const settled = 0.01;
/** A patch is not followed further than this from where the search began. */
const longest = side;
/** Added to the structure tensor's diagonal: a patch without structure stays where it began. */
const regularisation = 32;

/**
 * Dense optical flow from one picture to another by inverse search for overlapping patches, coarse to fine (after
 * Kroeger, Timofte, Dai, Van Gool: "Fast Optical Flow using Dense Inverse Search", ECCV 2016, without its variational
 * refinement). Patches are compared without their means, so light that changes does not disturb it.
 *
 * @param from luma from 0 to 255.
 * @param to of the same size.
 */
export function opticalFlow(from: Gray, to: Gray): Flow {
  const pyramid: [Gray, Gray][] = [[from, to]];
  for (;;) {
    const [a, b] = pyramid[pyramid.length - 1]!;
    if (Math.min(a.width, a.height) < 2 * coarsest) break;
    pyramid.push([halved(a), halved(b)]);
  }
  let flow: Flow | undefined;
  for (const [a, b] of pyramid.reverse()) {
    const start = flow ? doubled(flow, a.width, a.height) : zeroFlow(a.width, a.height);
    flow = refine(a, b, start);
  }
  return flow!;
}

/** The sample at a place between pixels; the border goes on outside. */
export function sampleAt({ data, width, height }: Gray, x: number, y: number): number {
  const cx = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
  const cy = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
  const x0 = Math.floor(cx);
  const y0 = Math.floor(cy);
  const right = x0 + 1 < width ? 1 : 0;
  const below = y0 + 1 < height ? width : 0;
  const [fx, fy] = [cx - x0, cy - y0];
  const at = y0 * width + x0;
  const top = data[at]! + fx * (data[at + right]! - data[at]!);
  const bottom = data[at + below]! + fx * (data[at + below + right]! - data[at + below]!);
  return top + fy * (bottom - top);
}

function zeroFlow(width: number, height: number): Flow {
  const size = width * height;
  return { u: new Float32Array(size), v: new Float32Array(size), width, height };
}

/** A flow of half the size, enlarged. */
function doubled(flow: Flow, width: number, height: number): Flow {
  const result = zeroFlow(width, height);
  const u = { data: flow.u, width: flow.width, height: flow.height };
  const v = { data: flow.v, width: flow.width, height: flow.height };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      result.u[y * width + x] = 2 * sampleAt(u, (x - 0.5) / 2, (y - 0.5) / 2);
      result.v[y * width + x] = 2 * sampleAt(v, (x - 0.5) / 2, (y - 0.5) / 2);
    }
  }
  return result;
}

/** Left or top edges of the patches along one axis; the last one ends with the picture. */
function places(size: number): number[] {
  const list: number[] = [];
  for (let at = 0; at + side < size; at += stride) list.push(at);
  list.push(Math.max(0, size - side));
  return list;
}

function refine(a: Gray, b: Gray, start: Flow): Flow {
  const { width, height } = a;
  const [columns, rows] = [places(width), places(height)];
  const [patchWidth, patchHeight] = [Math.min(side, width), Math.min(side, height)];
  const search = new PatchSearch(a, b, patchWidth, patchHeight);
  const us = new Float32Array(columns.length * rows.length);
  const vs = new Float32Array(columns.length * rows.length);
  rows.forEach((top, r) => {
    columns.forEach((left, c) => {
      const middle = (top + (patchHeight >> 1)) * width + left + (patchWidth >> 1);
      const index = r * columns.length + c;
      search.take(left, top);
      search.offer(start.u[middle]!, start.v[middle]!);
      search.offer(0, 0);
      if (c > 0) search.offer(us[index - 1]!, vs[index - 1]!);
      if (r > 0) search.offer(us[index - columns.length]!, vs[index - columns.length]!);
      search.descend();
      us[index] = search.u;
      vs[index] = search.v;
    });
  });
  return blend(a, b, { columns, rows, us, vs, patchWidth, patchHeight });
}

/** Seeks where one patch of a picture is in another. */
class PatchSearch {
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

interface PatchMotions {
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  readonly us: Float32Array;
  readonly vs: Float32Array;
  readonly patchWidth: number;
  readonly patchHeight: number;
}

/** Each pixel's motion: the mean of its patches', which count the more the better they explain it. */
function blend(a: Gray, b: Gray, { columns, rows, us, vs, patchWidth, patchHeight }: PatchMotions): Flow {
  const { width, height } = a;
  const flow = zeroFlow(width, height);
  const weights = new Float32Array(width * height);
  rows.forEach((top, r) => {
    columns.forEach((left, c) => {
      const u = us[r * columns.length + c]!;
      const v = vs[r * columns.length + c]!;
      for (let y = top; y < top + patchHeight; y += 1) {
        for (let x = left; x < left + patchWidth; x += 1) {
          const at = y * width + x;
          const weight = 1 / Math.max(1, Math.abs(sampleAt(b, x + u, y + v) - a.data[at]!));
          flow.u[at]! += weight * u;
          flow.v[at]! += weight * v;
          weights[at]! += weight;
        }
      }
    });
  });
  for (let i = 0; i < weights.length; i += 1) {
    flow.u[i]! /= weights[i]!;
    flow.v[i]! /= weights[i]!;
  }
  return flow;
}
