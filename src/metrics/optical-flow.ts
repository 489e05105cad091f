import { sampleAt, type Gray } from './gray.js';
import { patchPlaces, PatchSearch, pyramidOf } from './patch-search.js';

/** Where each pixel of a picture is in another one: `(x, y)` is found at `(x + u, y + v)`. */
export interface Flow {
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Side of the patches whose motion is sought, and the distance between them. */
const [side, stride] = [8, 4];

/**
 * Dense optical flow from one picture to another by inverse search for overlapping patches, coarse to fine (after
 * Kroeger, Timofte, Dai, Van Gool: "Fast Optical Flow using Dense Inverse Search", ECCV 2016, without its variational
 * refinement). Patches are compared without their means, so light that changes does not disturb it.
 *
 * @param from luma from 0 to 255.
 * @param to of the same size.
 */
export function opticalFlow(from: Gray, to: Gray): Flow {
  const [own, others] = [pyramidOf(from), pyramidOf(to)];
  let flow: Flow | undefined;
  for (let level = own.length - 1; level >= 0; level -= 1) {
    const [a, b] = [own[level]!, others[level]!];
    const start = flow ? doubled(flow, a.width, a.height) : zeroFlow(a.width, a.height);
    flow = refine(a, b, start);
  }
  return flow!;
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

function refine(a: Gray, b: Gray, start: Flow): Flow {
  const { width, height } = a;
  const [columns, rows] = [patchPlaces(width, side, stride), patchPlaces(height, side, stride)];
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
