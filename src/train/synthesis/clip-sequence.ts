import { DeblurError } from '../../errors.js';
import type { Frame } from '../../io/frame.js';
import { openVideo } from '../../io/open.js';
import { frameToRgb } from '../../io/picture.js';
import type { Random } from '../random.js';
import { cameraResponse, codeTable, linearTable } from './camera-response.js';
import { analyseClip, motionIn, type ClipAnalysis } from './clip-analysis.js';
import type { FrameFilter } from '../../io/node-av/frame-filter.js';
import { viewSteps, virtualFrames, type Crop } from './clip-filters.js';
import type { Film, FilmOptions, SynthesisedFrame } from './film.js';
import { soften } from './lens.js';
import type { SequencePlan } from './plan.js';
import { develop } from './sensor.js';

/** Which frames of a clip become a sequence, and how. */
interface Take {
  /** The clip's frame that is the truth of the first blurry one. */
  readonly start: number;
  /** Frames of the clip from one truth to the next. */
  readonly stride: number;
  /** Width in pixels that the clip is reduced to, and the part of it that is seen. */
  readonly width: number;
  readonly crop: Crop;
  /** Parts that an interval of the clip is divided into by virtual frames; 1 without. */
  readonly parts: number;
  /** Moments averaged; odd, `parts` of them to an interval of the clip. */
  readonly moments: number;
  /** Mean length of the blur of each frame in pixels. */
  readonly lengths: readonly number[];
}

/** Takes that are tried for the one whose blur comes nearest to the plan's. */
const tries = 40;
/** Most frames of the clip to a frame of the sequence. */
const longestStride = 4;
/** Longest step between two moments in pixels, where virtual frames can help. */
const longestStep = 0.8;
const mostParts = 12;
/** Blur shorter than this, in pixels, needs no virtual frames. */
const visible = 0.3;
/** Motion beyond this, in pixels from one frame of the clip to the next, can't be followed well enough for virtual frames. */
const fastest = 40;
/** A frame is soft when it is less sharp than this part of its clip's median. */
const softPart = 0.6;
/** Frames of the clip that the interpolation wants before and after those that are used. */
const margin = 2;

/** Averages a clip's own frames, and virtual ones between them. */
export async function filmClip(random: Random, plan: SequencePlan, options: FilmOptions): Promise<Film> {
  const analysis = await analysed(plan.source.path);
  const take = chooseTake(random, plan, analysis, options);
  const { start, stride, width, crop, parts, moments } = take;
  return {
    frames: average(random, plan, take, options),
    decisions: { start, stride, width, crop, parts, exposure: moments / (parts * stride) },
  };
}

/** Clips that this thread has looked through: several sequences are made of each. */
const analyses = new Map<string, Promise<ClipAnalysis>>();

async function analysed(path: string): Promise<ClipAnalysis> {
  const known = analyses.get(path);
  if (known) return known;
  const analysis = analyseClip(path);
  analyses.set(path, analysis);
  try {
    return await analysis;
  } catch (error) {
    analyses.delete(path);
    throw error;
  }
}

function chooseTake(
  random: Random,
  plan: SequencePlan,
  { width: clipWidth, height: clipHeight, frames: all }: ClipAnalysis,
  { size, frames, sharpness }: FilmOptions,
): Take {
  const median = all.map((frame) => frame.sharpness).sort((a, b) => a - b)[all.length >> 1] ?? 0;
  const least = Math.max(sharpness, softPart * median);
  const cover = Math.max(size.width / clipWidth, size.height / clipHeight);
  let best: { take: Take; cost: number } | undefined;
  for (let i = 0; i < tries; i += 1) {
    const scale = cover * random.between(1, Math.max(1, Math.min(1.6, 0.9 / cover)));
    const width = 2 * Math.ceil((clipWidth * scale) / 2);
    const height = Math.floor((clipHeight * width) / clipWidth + 1e-6);
    const crop: Crop = {
      left: random.below(width - size.width + 1),
      top: random.below(Math.max(1, height - size.height - 1)),
      ...size,
    };
    const start = margin + random.below(Math.max(1, all.length - frames - 2 * margin));
    const whole = { width, height };
    const pixels = (index: number) => {
      const { mean, greatest } = motionIn(all[index]!, crop, whole);
      return { mean: mean * width, greatest: greatest * width };
    };
    const take = takeAt(plan, { start, width, crop, frames, count: all.length }, pixels);
    if (!take) continue;
    const [first, last] = reach(take, frames);
    const usable =
      all.slice(first + 1, last + 1).every(({ cut }) => !cut) &&
      Array.from({ length: frames }, (_, n) => all[start + n * take.stride]!).every((f) => f.sharpness >= least);
    if (!usable) continue;
    const blur = take.lengths.reduce((sum, length) => sum + length, 0) / frames;
    const cost = Math.abs(Math.log((blur + 0.2) / (plan.blur + 0.2)));
    if (!best || cost < best.cost) best = { take, cost };
  }
  if (best) return best.take;
  throw new DeblurError(
    'INPUT_UNREADABLE',
    `The clip ${plan.source.name} has no ${frames} frames of one shot that are sharp (${Math.round(least)} or more) and not too fast to be followed.`,
  );
}

/** The take from a start at which the blur is as long as planned, or nearly; none where the clip is too short or too fast. */
function takeAt(
  plan: SequencePlan,
  view: Pick<Take, 'start' | 'width' | 'crop'> & { readonly frames: number; readonly count: number },
  pixels: (index: number) => { mean: number; greatest: number },
): Take | undefined {
  const { start, width, crop, frames, count } = view;
  const ends = (stride: number) => start + (frames - 1) * stride + Math.ceil(stride / 2) + margin >= count;
  if (ends(1)) return undefined;
  const motionOf = (stride: number) =>
    Array.from({ length: frames }, (_, n) => {
      // The intervals before and after a truth.
      const around = [start + n * stride, start + n * stride + 1].filter((index) => index < count).map(pixels);
      return {
        mean: mean(around.map((motion) => motion.mean)),
        greatest: Math.max(...around.map(({ greatest }) => greatest)),
      };
    });
  const speed = mean(motionOf(1).map(({ mean }) => mean));
  const wanted = plan.blur / Math.max(speed * plan.exposure, 1e-3);
  let stride = plan.still ? 1 : Math.min(longestStride, Math.max(1, Math.round(wanted)));
  while (stride > 1 && ends(stride)) stride -= 1;
  const motion = motionOf(stride);
  const greatest = Math.max(...motion.map((each) => each.greatest));
  if (greatest > fastest) return undefined;
  const typical = mean(motion.map((each) => each.mean));
  const exposure = Math.min(1, Math.max(0.05, plan.blur / Math.max(typical * stride, 1e-3)));
  const intervalsOpen = exposure * stride;
  const fewest = typical * intervalsOpen > visible ? Math.ceil(plan.leastMoments / intervalsOpen) : 1;
  const parts = Math.min(mostParts, Math.max(1, Math.ceil(greatest / longestStep), fewest));
  // Neighbouring exposures never share a moment: no more of them than intervals hold.
  const moments = Math.max(1, 2 * Math.floor((intervalsOpen * parts - 1) / 2) + 1);
  const intervals = moments / parts;
  if (start - Math.ceil(intervals / 2) - margin < 0) return undefined;
  return {
    start,
    stride,
    width,
    crop,
    parts,
    moments,
    lengths: motion.map((each) => each.mean * (moments > 1 ? intervals : 0)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** First and last frame of the clip that a take needs. */
function reach({ start, stride, parts, moments }: Take, frames: number): [number, number] {
  const half = Math.ceil(moments / (2 * parts)) + margin;
  return [Math.max(0, start - half), start + (frames - 1) * stride + half];
}

async function* average(
  random: Random,
  plan: SequencePlan,
  take: Take,
  { size, frames }: FilmOptions,
): AsyncGenerator<SynthesisedFrame> {
  const { start, stride, parts, moments, lengths } = take;
  const response = cameraResponse(plan.response);
  const [linear, codes] = [linearTable(response), codeTable(response)];
  const [first, last] = reach(take, frames);
  const sum = new Float32Array(size.width * size.height * 3);
  const truth = new Float32Array(sum.length);
  const half = moments >> 1;
  let n = 0;
  for await (const frame of viewed(plan.source.path, take, [first, last])) {
    using moment = frame;
    // Where the moment is, counted in parts of an interval from the truth of the frame under way.
    const at = Number(moment.properties.pts) - (start - first + n * stride) * parts;
    if (at < -half) continue;
    const light = toLight(await frameToRgb(moment), linear);
    if (at === -half) sum.fill(0);
    for (let i = 0; i < sum.length; i += 1) sum[i]! += light[i]!;
    if (at === 0) truth.set(light);
    if (at < half) continue;
    soften(sum, size, plan.defocus ?? 0);
    yield {
      blur: develop(sum, 1 / moments, plan.sensor, codes, random),
      sharp: develop(truth, 1, plan.sensor, codes),
      length: lengths[n] ?? 0,
      moments,
    };
    n += 1;
    if (n === frames) return;
  }
  throw new DeblurError('INPUT_UNREADABLE', `The clip ${plan.source.name} ended early.`);
}

function toLight(rgb: Uint8Array, linear: Float32Array): Float32Array {
  const light = new Float32Array(rgb.length);
  for (let i = 0; i < rgb.length; i += 1) light[i] = linear[rgb[i]!]!;
  return light;
}

/** The clip's frames from `first` to `last` and the virtual ones between them, `parts` to a unit of their time. */
async function* viewed(
  path: string,
  { width, crop, parts }: Take,
  [first, last]: readonly [number, number],
): AsyncGenerator<Frame> {
  const filters = await import('../../io/node-av/frame-filter.js');
  await using reader = await openVideo(path);
  const steps = viewSteps(reader.video, width, crop);
  if (parts > 1) steps.push(virtualFrames(parts));
  let filter: FrameFilter | undefined;
  try {
    for await (const frame of reader.frames()) {
      using decoded = frame;
      if (decoded.index < first) continue;
      if (decoded.index > last) break;
      filter ??= await filters.FrameFilter.open(decoded, steps);
      yield* handedOut(await filter.push(decoded));
    }
    if (filter) yield* handedOut(await filter.end());
  } finally {
    filter?.[Symbol.dispose]();
  }
}

/** Frames one after another; those that nobody took are disposed. */
function* handedOut(frames: readonly Frame[]): Generator<Frame> {
  try {
    yield* frames;
  } finally {
    for (const frame of frames) frame.dispose();
  }
}
