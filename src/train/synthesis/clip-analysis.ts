import type { FrameFilter } from '../../io/node-av/frame-filter.js';
import { openVideo } from '../../io/open.js';
import { halved, type Gray } from '../../metrics/gray.js';
import { opticalFlow } from '../../metrics/optical-flow.js';
import { laplacianVariance } from '../../metrics/sharpness.js';
import { CutDetector } from '../../pipeline/scene-cut.js';
import { lumaSteps } from './clip-filters.js';
import type { Crop } from './clip-filters.js';

/** Columns and rows of the cells in which motion is told. */
const cells = { columns: 24, rows: 16 } as const;

/** What is known of a frame of a clip. */
export interface ClipFrame {
  /** Variance of the Laplacian of its 8-bit luma, at 480 pixels of width. */
  readonly sharpness: number;
  /** Whether it starts a new shot or follows a gap. */
  readonly cut: boolean;
  /** Mean length of the motion from the frame before in each cell, as a part of the picture's width. */
  readonly motion: Float32Array;
}

/** A clip looked through once. */
export interface ClipAnalysis {
  /** Size as it is displayed, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly frames: readonly ClipFrame[];
}

/** Width in pixels at which sharpness is measured; motion is sought at half of it. */
const analysisWidth = 480;

/**
 * Looks a clip through: sharpness, cuts and motion of every frame.
 *
 * @throws DeblurError `INPUT_UNREADABLE`, `FORMAT_UNSUPPORTED`.
 */
export async function analyseClip(path: string): Promise<ClipAnalysis> {
  const filters = await import('../../io/node-av/frame-filter.js');
  await using reader = await openVideo(path);
  const { video } = reader;
  const [width, height] = video.rotation % 180 === 0 ? [video.width, video.height] : [video.height, video.width];
  const cuts = new CutDetector();
  const frames: ClipFrame[] = [];
  let filter: FrameFilter | undefined;
  let before: Gray | undefined;
  try {
    for await (const frame of reader.frames()) {
      using decoded = frame;
      filter ??= await filters.FrameFilter.open(decoded, lumaSteps(video, Math.min(analysisWidth, width)));
      const cut = cuts.next(decoded) !== undefined;
      const [reduced] = await filter.push(decoded);
      if (!reduced) throw new RangeError('a filter without memory kept a frame');
      using picture = reduced;
      const luma = lumaOfFrame(picture);
      const part = { left: 0, top: 0, width: luma.width, height: luma.height, stride: luma.width };
      const small = halved(luma);
      frames.push({
        sharpness: laplacianVariance(luma.data, part),
        cut,
        motion: before && !cut ? cellMotion(before, small) : new Float32Array(cells.columns * cells.rows),
      });
      before = small;
    }
  } finally {
    filter?.[Symbol.dispose]();
  }
  return { width, height, frames };
}

/** The first plane of a frame of 8 bits. */
export function lumaOfFrame(frame: {
  planes(): readonly { data: Uint8Array; stride: number; width: number; height: number }[];
}): Gray {
  const [plane] = frame.planes();
  if (!plane) throw new RangeError('a gray frame has a plane');
  const { width, height, stride } = plane;
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) data.set(plane.data.subarray(y * stride, y * stride + width), y * width);
  return { data, width, height };
}

function cellMotion(from: Gray, to: Gray): Float32Array {
  const { u, v, width, height } = opticalFlow(from, to);
  const sums = new Float32Array(cells.columns * cells.rows);
  const counts = new Uint32Array(sums.length);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor((y * cells.rows) / height) * cells.columns;
    for (let x = 0; x < width; x += 1) {
      const cell = row + Math.floor((x * cells.columns) / width);
      sums[cell]! += Math.hypot(u[y * width + x]!, v[y * width + x]!);
      counts[cell]! += 1;
    }
  }
  return sums.map((sum, i) => sum / Math.max(1, counts[i]!) / width);
}

/** Mean and greatest motion in a part of the picture. */
export function motionIn(
  { motion }: ClipFrame,
  { left, top, width, height }: Crop,
  whole: { readonly width: number; readonly height: number },
): { mean: number; greatest: number } {
  const columns = [left, left + width].map((x) => (x / whole.width) * cells.columns);
  const rows = [top, top + height].map((y) => (y / whole.height) * cells.rows);
  let [sum, count, greatest] = [0, 0, 0];
  for (let r = 0; r < cells.rows; r += 1) {
    if (r + 0.5 < rows[0]! || r + 0.5 > rows[1]!) continue;
    for (let c = 0; c < cells.columns; c += 1) {
      if (c + 0.5 < columns[0]! || c + 0.5 > columns[1]!) continue;
      const value = motion[r * cells.columns + c]!;
      sum += value;
      count += 1;
      greatest = Math.max(greatest, value);
    }
  }
  return { mean: sum / Math.max(1, count), greatest };
}
