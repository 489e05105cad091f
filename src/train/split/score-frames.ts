import sharp from 'sharp';
import { DeblurError, throwIfAborted } from '../../errors.js';
import type { FrameFilter } from '../../io/node-av/frame-filter.js';
import { openVideo } from '../../io/open.js';
import { halved, type Gray } from '../../metrics/gray.js';
import { opticalFlow } from '../../metrics/optical-flow.js';
import { CutDetector } from '../../pipeline/scene-cut.js';
import { lumaOfFrame } from '../synthesis/clip-analysis.js';
import { lumaSteps } from '../synthesis/clip-filters.js';
import { edgeSharpness, type EdgeSharpness } from './edge-sharpness.js';

/** What is known of a frame. All is measured on its luma with a shorter side of {@link analysisSide} pixels at the most. */
export interface ScoredFrame {
  /** Its place in the clip; 0 for a photo. */
  readonly index: number;
  /** Whether it does not continue the frame scored before it. */
  readonly cut: boolean;
  readonly edges: EdgeSharpness;
  /** Mean length of the motion to its neighbours, in pixels per frame; undefined for a photo. */
  readonly motion: number | undefined;
  /** Whether it is neither nearly black, nearly white nor mostly clipped. */
  readonly exposed: boolean;
}

/** Options of {@link scoreClip}. */
export interface ScoreOptions {
  /** Score every n-th frame. Default 1. */
  readonly step?: number;
  readonly signal?: AbortSignal;
}

/** Pixels of the shorter side on which frames are judged: the size that Blur2Blur trains on. */
export const analysisSide = 512;
/** Motion is sought on pictures whose shorter side is smaller than this. */
const flowSide = 200;
/** Mean code values outside of which a frame shows nothing. */
const [darkest, brightest] = [12, 243];
/** Code values that count as clipped, and the part of a frame that may be. */
const [black, white, mostClipped] = [3, 252, 0.6];
/** Smallest side of pictures that can be judged. */
const leastSide = 64;

/**
 * Scores a clip's frames.
 *
 * @throws DeblurError `INPUT_UNREADABLE`, `FORMAT_UNSUPPORTED`, `CANCELLED`.
 */
export async function scoreClip(path: string, { step = 1, signal }: ScoreOptions = {}): Promise<ScoredFrame[]> {
  const filters = await import('../../io/node-av/frame-filter.js');
  await using reader = await openVideo(path, { ...(signal && { signal }) });
  const { video } = reader;
  const [width, height] = video.rotation % 180 === 0 ? [video.width, video.height] : [video.height, video.width];
  checkSize(path, width, height);
  const steps = lumaSteps(video, Math.round(width * Math.min(1, analysisSide / Math.min(width, height))));
  const cuts = new CutDetector();
  const frames: (Omit<ScoredFrame, 'motion'> & { readonly before: number | undefined })[] = [];
  let filter: FrameFilter | undefined;
  let last: { readonly small: Gray; readonly scale: number } | undefined;
  let cut = false;
  try {
    for await (const frame of reader.frames()) {
      using decoded = frame;
      throwIfAborted(signal);
      cut = cuts.next(decoded) !== undefined || cut;
      if (decoded.index % step !== 0) continue;
      filter ??= await filters.FrameFilter.open(decoded, steps);
      const [reduced] = await filter.push(decoded);
      if (!reduced) throw new RangeError('a filter without memory kept a frame');
      using picture = reduced;
      const luma = lumaOfFrame(picture);
      const next = forFlow(luma);
      const before = last && !cut ? (meanMotion(last.small, next.small) * next.scale) / step : undefined;
      frames.push({ index: decoded.index, cut, edges: edgeSharpness(luma), exposed: isExposed(luma), before });
      last = next;
      cut = false;
    }
  } finally {
    filter?.[Symbol.dispose]();
  }
  return frames.map(({ before, ...frame }, i) => {
    const around = [before, frames[i + 1]?.before].filter((motion) => motion !== undefined);
    return { ...frame, motion: around.length > 0 ? around.reduce((a, b) => a + b) / around.length : undefined };
  });
}

/**
 * Scores a photo.
 *
 * @throws DeblurError `INPUT_UNREADABLE`.
 */
export async function scorePhoto(path: string): Promise<ScoredFrame> {
  let luma: Gray;
  try {
    const { data, info } = await sharp(path, { failOn: 'error' })
      .rotate()
      .resize({ width: analysisSide, height: analysisSide, fit: 'outside', withoutEnlargement: true })
      .toColourspace('b-w')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    luma = { data: Float32Array.from(data), width: info.width, height: info.height };
  } catch (cause) {
    const reason = (cause as Error).message.trim().split('\n')[0];
    throw new DeblurError('INPUT_UNREADABLE', `The photo ${path} can't be read: ${reason}.`, { cause });
  }
  checkSize(path, luma.width, luma.height);
  return { index: 0, cut: false, edges: edgeSharpness(luma), motion: undefined, exposed: isExposed(luma) };
}

function checkSize(path: string, width: number, height: number): void {
  if (Math.min(width, height) >= leastSide) return;
  throw new DeblurError(
    'FORMAT_UNSUPPORTED',
    `${path} is ${width}x${height}: pictures under ${leastSide} pixels can't be judged.`,
  );
}

function isExposed({ data }: Gray): boolean {
  let [sum, clipped] = [0, 0];
  for (const value of data) {
    sum += value;
    if (value <= black || value >= white) clipped += 1;
  }
  const mean = sum / data.length;
  return mean >= darkest && mean <= brightest && clipped <= mostClipped * data.length;
}

function forFlow(luma: Gray): { small: Gray; scale: number } {
  let [small, scale] = [luma, 1];
  while (Math.min(small.width, small.height) >= flowSide) [small, scale] = [halved(small), 2 * scale];
  return { small, scale };
}

function meanMotion(from: Gray, to: Gray): number {
  const { u, v } = opticalFlow(from, to);
  let sum = 0;
  for (let i = 0; i < u.length; i += 1) sum += Math.hypot(u[i]!, v[i]!);
  return sum / u.length;
}
