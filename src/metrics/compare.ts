import { DeblurError } from '../errors.js';
import type { Frame } from '../io/frame.js';
import { openVideo } from '../io/index.js';
import { workingFormat } from '../io/pixel-format.js';
import type { Engine, ReaderOptions, VideoReader, VideoStreamInfo } from '../io/video.js';
import { pictureFromFrame } from './picture.js';
import { psnr } from './psnr.js';
import { ssim, type SsimKind } from './ssim.js';

/** How near a picture is to its reference. */
export interface Score {
  /** PSNR in dB over R, G and B; Infinity for an identical picture (`null` in JSON). */
  readonly psnr: number;
  /** SSIM over R, G and B, at most 1. */
  readonly ssim: number;
}

/** Scores of one frame. */
export interface FrameComparison {
  /** Position in presentation order from 0. */
  readonly index: number;
  /** Presentation time in the reference, in seconds. */
  readonly seconds: number;
  readonly result: Score;
  /** The third video's score, where there is one. */
  readonly before?: Score;
}

/** Scores over a whole video. */
export interface MeanScore extends Score {
  /** Frames identical to the reference. They count in the mean SSIM; the mean PSNR is over the others. */
  readonly identical: number;
}

/** What {@link compareVideos} found. */
export interface Comparison {
  readonly reference: string;
  readonly result: string;
  readonly before?: string;
  readonly width: number;
  readonly height: number;
  /** Bits per sample the pictures were compared at: the deepest source's. */
  readonly depth: number;
  readonly ssimKind: SsimKind;
  readonly frames: readonly FrameComparison[];
  readonly mean: {
    readonly result: MeanScore;
    readonly before?: MeanScore;
    /** Mean of the result less mean of the third video. */
    readonly gain?: Score;
  };
  /** What a reader of the numbers should know: differing counts, timestamps, colour tags, damage. */
  readonly notes: readonly string[];
}

/** Options of {@link compareVideos}. */
export interface CompareOptions {
  /** Which SSIM. Default `3d`. */
  ssim?: SsimKind;
  /** A third video, usually the blurry source, whose scores show what the result gained. Default none. */
  before?: string;
  /** Who decodes. Default `node-av`. */
  engine?: Engine;
  /** Called after each compared frame. */
  onFrame?: (frame: FrameComparison) => void;
  /** Ends the comparison with a `CANCELLED` error. */
  signal?: AbortSignal;
}

/** Seconds two timestamps may differ by and still be the same moment: containers round to milliseconds. */
const SAME_MOMENT = 0.002;

/**
 * Compares videos (or still pictures) with a reference, frame by frame in presentation order, as RGB
 * at the deepest source's bit depth. Where the frame counts differ the common part is compared and a
 * note says so.
 * @throws DeblurError `FORMAT_UNSUPPORTED` when sizes differ; whatever `openVideo` throws.
 */
export async function compareVideos(
  reference: string,
  result: string,
  options: CompareOptions = {},
): Promise<Comparison> {
  const { ssim: ssimKind = '3d', before, engine, signal, onFrame } = options;
  const paths = before === undefined ? [reference, result] : [reference, result, before];
  const readerOptions: ReaderOptions = { engine, signal };
  const videos = [];
  for (const path of paths) videos.push(await describeVideo(path, readerOptions));
  requireSameSize(paths, videos);

  const depth = Math.max(...videos.map((video) => workingFormat(video.format).depth));
  const format = depth === 8 ? 'gbrp' : `gbrp${depth}le`;
  const readers: VideoReader[] = [];
  try {
    for (const path of paths) readers.push(await openVideo(path, { ...readerOptions, format }));
    const matched = new MatchedFrames(readers);
    const frames: FrameComparison[] = [];
    for await (const [truth, ...others] of matched.groups()) {
      const frame = scoreFrame(truth!, others, ssimKind);
      frames.push(frame);
      onFrame?.(frame);
    }
    const empty = matched.counts.indexOf(0);
    if (empty >= 0) throw new DeblurError('INPUT_UNREADABLE', `${paths[empty]} has no frame to compare.`);
    return {
      reference,
      result,
      ...(before !== undefined && { before }),
      width: videos[0]!.width,
      height: videos[0]!.height,
      depth,
      ssimKind,
      frames,
      mean: meansOf(frames),
      notes: [
        ...countNotes(paths, matched.counts),
        ...matched.timeNotes(paths),
        ...tagNotes(paths, videos),
        ...readers.flatMap((reader, i) => reader.damage.notes.map((note) => `${paths[i]}: ${note}`)),
      ],
    };
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

async function describeVideo(path: string, options: ReaderOptions): Promise<VideoStreamInfo> {
  await using reader = await openVideo(path, options);
  return reader.video;
}

function requireSameSize(paths: readonly string[], videos: readonly VideoStreamInfo[]): void {
  const size = (video: VideoStreamInfo | undefined) => `${video?.width}x${video?.height}`;
  const other = videos.findIndex((video) => size(video) !== size(videos[0]));
  if (other < 0) return;
  throw new DeblurError(
    'FORMAT_UNSUPPORTED',
    `${paths[0]} is ${size(videos[0])} and ${paths[other]} is ${size(videos[other])}: only pictures of one size can be compared.`,
  );
}

function scoreFrame(truth: Frame, others: readonly Frame[], kind: SsimKind): FrameComparison {
  const reference = pictureFromFrame(truth);
  const [result, before] = others.map((frame): Score => {
    const picture = pictureFromFrame(frame);
    return { psnr: psnr(reference, picture), ssim: ssim(reference, picture, kind) };
  });
  return { index: truth.index, seconds: truth.seconds, result: result!, ...(before && { before }) };
}

/** Frames of several readers, side by side in presentation order. */
class MatchedFrames {
  /** Frames each reader delivered; final once `groups` has ended. */
  readonly counts: number[];
  readonly #readers: readonly VideoReader[];
  readonly #starts: number[] = [];
  /** Per reader, the first frame that is not at the reference's moment. */
  readonly #shifts = new Map<number, { index: number; seconds: number; expected: number }>();

  constructor(readers: readonly VideoReader[]) {
    this.#readers = readers;
    this.counts = readers.map(() => 0);
  }

  /** Yields one frame of each reader until the shortest ends, then counts the rest. Frames are disposed afterwards. */
  async *groups(): AsyncGenerator<readonly Frame[], void, undefined> {
    const streams = this.#readers.map((reader) => reader.frames());
    for (;;) {
      const frames = await this.#next(streams);
      try {
        if (frames.some((frame) => !frame)) break;
        this.#compareMoments(frames as Frame[]);
        yield frames as Frame[];
      } finally {
        for (const frame of frames) frame?.dispose();
      }
    }
    for (const [i, stream] of streams.entries()) {
      for await (const frame of stream) {
        frame.dispose();
        this.counts[i]! += 1;
      }
    }
  }

  /** The next frame of each stream, decoded at the same time. */
  async #next(streams: readonly AsyncGenerator<Frame, void, undefined>[]): Promise<(Frame | undefined)[]> {
    const settled = await Promise.allSettled(streams.map((stream) => stream.next()));
    const frames = settled.map((s) => (s.status === 'fulfilled' ? (s.value.value ?? undefined) : undefined));
    const failure = settled.find((s) => s.status === 'rejected');
    if (failure) {
      for (const frame of frames) frame?.dispose();
      throw failure.reason;
    }
    frames.forEach((frame, i) => (this.counts[i]! += frame ? 1 : 0));
    return frames;
  }

  #compareMoments(frames: readonly Frame[]): void {
    frames.forEach((frame, i) => {
      this.#starts[i] ??= frame.seconds;
      const seconds = frame.seconds - this.#starts[i];
      const expected = frames[0]!.seconds - this.#starts[0]!;
      if (Math.abs(seconds - expected) > SAME_MOMENT && !this.#shifts.has(i)) {
        this.#shifts.set(i, { index: frame.index, seconds, expected });
      }
    });
  }

  timeNotes(paths: readonly string[]): string[] {
    return [...this.#shifts].map(
      ([i, { index, seconds, expected }]) =>
        `${paths[i]} has other timestamps than ${paths[0]} from frame ${index} on (${seconds.toFixed(3)} s against ${expected.toFixed(3)} s); frames are matched by their order.`,
    );
  }
}

function countNotes(paths: readonly string[], counts: readonly number[]): string[] {
  const common = Math.min(...counts);
  if (counts.every((count) => count === common)) return [];
  const list = paths.map((path, i) => `${path} has ${counts[i]}`).join(', ');
  return [`Frame counts differ (${list}); the first ${common} are compared.`];
}

function tagNotes(paths: readonly string[], videos: readonly VideoStreamInfo[]): string[] {
  const [first, ...others] = videos;
  return others.flatMap((video, i) => {
    const differing = (['range', 'matrix', 'primaries', 'transfer'] as const).filter(
      (tag) => video.color[tag] !== first!.color[tag],
    );
    const colour = differing.map((tag) => `${tag} ${video.color[tag]} against ${first!.color[tag]}`).join(', ');
    const notes = colour
      ? [`${paths[i + 1]} has other colour tags than ${paths[0]} (${colour}); each is converted to RGB by its own.`]
      : [];
    if (video.rotation === first!.rotation) return notes;
    return [
      ...notes,
      `${paths[i + 1]} is shown rotated by ${video.rotation}° and ${paths[0]} by ${first!.rotation}°; pictures are compared as they are stored.`,
    ];
  });
}

/** The mean; NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean over frames. */
export function meanScore(scores: readonly Score[]): MeanScore {
  const differing = scores.map((score) => score.psnr).filter(Number.isFinite);
  return {
    psnr: differing.length > 0 ? mean(differing) : Infinity,
    ssim: mean(scores.map((score) => score.ssim)),
    identical: scores.length - differing.length,
  };
}

function meansOf(frames: readonly FrameComparison[]): Comparison['mean'] {
  const result = meanScore(frames.map((frame) => frame.result));
  const scores = frames.flatMap((frame) => frame.before ?? []);
  if (scores.length === 0) return { result };
  const before = meanScore(scores);
  return { result, before, gain: { psnr: result.psnr - before.psnr, ssim: result.ssim - before.ssim } };
}
