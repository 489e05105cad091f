import { sampleAt, type Gray } from './gray.js';
import { opticalFlow, type Flow } from './optical-flow.js';

/** How a frame's pixels continue the frame before. */
export interface Continuation {
  /** From the frame to the one before. */
  readonly flow: Flow;
  /** 1 where a pixel was there before, too: not hidden, not outside the picture. */
  readonly visible: Uint8Array;
  /** Share of pixels that are visible. */
  readonly share: number;
}

/**
 * Finds where a frame's pixels were in the frame before. A pixel counts as visible where the flow back from there
 * leads to it again (Sundaram, Brox, Keutzer: "Dense Point Trajectories by GPU-accelerated Large Displacement Optical
 * Flow", ECCV 2010).
 */
export function continuation(before: Gray, frame: Gray): Continuation {
  const flow = opticalFlow(frame, before);
  const back = opticalFlow(before, frame);
  const { width, height } = frame;
  const visible = new Uint8Array(width * height);
  const backU = { data: back.u, width, height };
  const backV = { data: back.v, width, height };
  let count = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      const [u, v] = [flow.u[at]!, flow.v[at]!];
      const [px, py] = [x + u, y + v];
      if (px < 0 || py < 0 || px > width - 1 || py > height - 1) continue;
      const [bu, bv] = [sampleAt(backU, px, py), sampleAt(backV, px, py)];
      const gap = (u + bu) ** 2 + (v + bv) ** 2;
      if (gap > 0.01 * (u * u + v * v + bu * bu + bv * bv) + 0.5) continue;
      visible[at] = 1;
      count += 1;
    }
  }
  return { flow, visible, share: count / (width * height) };
}

/**
 * How much a video flickers: the mean absolute difference between a frame and the frame before it moved onto it, over
 * the pixels that are visible in both (the warping error of Lai et al., "Learning Blind Video Temporal Consistency",
 * ECCV 2018, with absolute in place of squared differences).
 *
 * @param before,frame interleaved 8-bit RGB of the continuation's size.
 * @returns in 8-bit codes, 0 to 255; NaN where no pixel is visible.
 */
export function warpingError(before: Uint8Array, frame: Uint8Array, { flow, visible }: Continuation): number {
  const { width, height } = flow;
  let [sum, count] = [0, 0];
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 1) {
      if (!visible[at]) continue;
      count += 3;
      const [px, py] = [x + flow.u[at]!, y + flow.v[at]!];
      const [x0, y0] = [Math.floor(px), Math.floor(py)];
      const [fx, fy] = [px - x0, py - y0];
      const here = 3 * (y0 * width + x0);
      const right = x0 + 1 < width ? 3 : 0;
      const below = y0 + 1 < height ? 3 * width : 0;
      for (let c = 0; c < 3; c += 1) {
        const [p, q] = [here + c, here + c + below];
        const top = before[p]! + fx * (before[p + right]! - before[p]!);
        const bottom = before[q]! + fx * (before[q + right]! - before[q]!);
        sum += Math.abs(frame[3 * at + c]! - (top + fy * (bottom - top)));
      }
    }
  }
  return sum / count;
}
