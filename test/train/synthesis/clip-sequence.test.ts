import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveFrames } from '../../../src/io/frame.js';
import { openVideo } from '../../../src/io/open.js';
import { frameToRgb } from '../../../src/io/picture.js';
import { av } from '../../../src/io/node-av/binding.js';
import { Random } from '../../../src/train/random.js';
import { analyseClip } from '../../../src/train/synthesis/clip-analysis.js';
import { filmClip } from '../../../src/train/synthesis/clip-sequence.js';
import type { SynthesisedFrame } from '../../../src/train/synthesis/film.js';
import type { SequencePlan } from '../../../src/train/synthesis/plan.js';
import { failure, scratchFolder } from '../../support/io.js';
import { makeMedia, type Painter } from '../../support/media.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;

const size = { width: 96, height: 64 };
/** Detail that moves 2 pixels to the right with each frame; chroma is gray. */
const moving =
  (speed: number): Painter =>
  (frame, plane, x, y) => {
    if (plane > 0) return 0.5;
    const at = x - speed * frame;
    return 0.5 + 0.2 * Math.sin(at / 3) * Math.cos(y / 4) + 0.2 * Math.sin(at / 1.9 + y / 2.5);
  };

async function makeClip(name: string, frames: number, paint: Painter): Promise<void> {
  await makeMedia(scratch.path(name), {
    ...{ codec: 'ffv1', format: 'yuv420p', ...size, timeBase: { num: 1, den: 30 }, lastDuration: 1 },
    ...{ times: Array.from({ length: frames }, (_, i) => i), rate: new av.Rational(30, 1), paint },
  });
}

beforeAll(async () => {
  scratch = await scratchFolder();
  await makeClip('pan.mkv', 20, moving(2));
  await makeClip('still.mkv', 20, moving(0));
  const [shots, soft] = [moving(1), moving(1)];
  await makeClip('cut.mkv', 24, (frame, plane, x, y) =>
    frame < 11 ? shots(frame, plane, x, y) : 1 - shots(frame, plane, y, x) * (plane > 0 ? 1 : 0.4),
  );
  await makeClip('soft.mkv', 24, (frame, plane, x, y) =>
    frame < 12 && plane === 0 ? 0.5 + 0.3 * Math.sin(x / 30) : soft(frame, plane, x, y),
  );
});

afterAll(async () => {
  await scratch.remove();
});

function plan(clip: string, changes: Partial<SequencePlan> = {}): SequencePlan {
  const source = { path: scratch.path(clip), name: clip, kind: 'clip', licence: 'CC0-1.0', split: 'train' } as const;
  return {
    ...{ name: 'train/000', split: 'train', source: { ...source, ...size }, still: false, blur: 4, exposure: 0.8 },
    ...{ response: 'srgb', noise: 0, sensor: { shot: 0, read: 0, gains: [1, 1, 1] }, leastMoments: 5, ...changes },
  };
}

interface Decisions {
  readonly start: number;
  readonly stride: number;
  readonly parts: number;
}

async function film(drawn: SequencePlan, frames: number, view = size) {
  const { frames: all, decisions } = await filmClip(new Random(2), drawn, { size: view, frames, sharpness: 20 });
  const made: SynthesisedFrame[] = [];
  for await (const frame of all) made.push(frame);
  return { made, decisions: decisions as unknown as Decisions };
}

async function pictures(clip: string): Promise<Uint8Array[]> {
  await using reader = await openVideo(scratch.path(clip));
  const all: Uint8Array[] = [];
  for await (const frame of reader.frames()) {
    using owned = frame;
    all.push(await frameToRgb(owned));
  }
  return all;
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
}

describe('a clip looked through', () => {
  it('tells how sharp each frame is, where shots begin and how much moves', async () => {
    const { width, height, frames } = await analyseClip(scratch.path('cut.mkv'));
    expect([width, height, frames.length]).toEqual([96, 64, 24]);
    expect(frames.flatMap(({ cut }, i) => (cut ? [i] : []))).toEqual([11]);
    const motion = await analyseClip(scratch.path('pan.mkv'));
    const middle = motion.frames[9]!.motion.reduce((sum, value) => sum + value, 0) / (24 * 16);
    expect(middle * 96).toBeGreaterThan(1.5);
    expect(middle * 96).toBeLessThan(2.5);
    const still = await analyseClip(scratch.path('still.mkv'));
    expect(Math.max(...still.frames[9]!.motion)).toBeLessThan(0.001);
  });
});

describe('a sequence made from a clip', () => {
  it('is averaged over virtual frames, and its truths are the clip’s own frames', async () => {
    const { made, decisions } = await film(plan('pan.mkv'), 4);
    const own = await pictures('pan.mkv');
    expect(decisions.parts).toBeGreaterThan(1);
    for (const [n, { sharp, blur, length, moments }] of made.entries()) {
      const truth = own[decisions.start + n * decisions.stride]!;
      expect(meanDifference(sharp, truth)).toBeLessThan(2);
      expect(meanDifference(blur, truth)).toBeGreaterThan(8);
      expect(length).toBeGreaterThan(2.5);
      expect(length).toBeLessThan(5);
      expect(moments % 2).toBe(1);
    }
    expect(liveFrames()).toBe(0);
  });

  it('is centred on its truth', async () => {
    const { made, decisions } = await film(plan('pan.mkv'), 2);
    const own = await pictures('pan.mkv');
    const at = decisions.start + decisions.stride;
    const [before, truth, after] = [own[at - 1]!, own[at]!, own[at + 1]!].map((one) =>
      meanDifference(made[1]!.blur, one),
    );
    expect(truth).toBeLessThan(before!);
    expect(truth).toBeLessThan(after!);
    expect(before! / after!).toBeCloseTo(1, 1);
  });

  it('is as sharp as the clip where nothing moves', async () => {
    const { made } = await film(plan('still.mkv'), 3);
    for (const { sharp, blur, length } of made) {
      expect(length).toBeLessThan(0.05);
      expect(meanDifference(sharp, blur)).toBeLessThan(0.5);
    }
  });

  it('stays within a shot, and leaves soft frames out', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const options = { size, frames: 3, sharpness: 20 };
      const cut = await filmClip(new Random(seed), plan('cut.mkv', { blur: 1.5 }), options);
      const { start, stride } = cut.decisions as unknown as Decisions;
      expect(start + 2 * stride < 11 || start >= 11).toBe(true);
      const soft = await filmClip(new Random(seed), plan('soft.mkv', { blur: 1.5 }), options);
      expect((soft.decisions as unknown as Decisions).start).toBeGreaterThanOrEqual(12);
    }
  });

  it('says when no part of a clip will do', async () => {
    const { code, message } = await failure(film(plan('pan.mkv'), 40));
    expect(code).toBe('INPUT_UNREADABLE');
    expect(message).toMatch(/The clip pan\.mkv has no 40 frames of one shot/);
  });
});
