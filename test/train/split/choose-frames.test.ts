import { beforeAll, describe, expect, it } from 'vitest';
import { openVideo } from '../../../src/io/index.js';
import type { Gray } from '../../../src/metrics/gray.js';
import { Random } from '../../../src/train/random.js';
import { chooseFrames, frameKind, type Scene } from '../../../src/train/split/choose-frames.js';
import { edgeSharpness } from '../../../src/train/split/edge-sharpness.js';
import type { ScoredFrame } from '../../../src/train/split/score-frames.js';
import { lumaOfFrame } from '../../../src/train/synthesis/clip-analysis.js';
import { fixture } from '../../support/fixtures.js';

let luma: Gray;

beforeAll(async () => {
  await using reader = await openVideo(fixture('clips/mountain-sharp.mp4'));
  for await (const frame of reader.frames()) {
    using picture = frame;
    luma = lumaOfFrame(picture);
    break;
  }
});

/** The picture changed sample by sample. */
function changed(change: (value: number) => number): Gray {
  return { ...luma, data: luma.data.map(change) };
}

/** The picture averaged over some places along a direction. */
function smeared(length: number, dx: number, dy: number): Gray {
  const { width, height, data } = luma;
  const at = (x: number, y: number) =>
    data[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]!;
  const smear = (_: number, i: number) => {
    let sum = 0;
    for (let k = 0; k < length; k += 1) {
      const t = k - (length - 1) / 2;
      sum += at((i % width) + Math.round(t * dx), Math.floor(i / width) + Math.round(t * dy));
    }
    return sum / length;
  };
  return { ...luma, data: data.map(smear) };
}

describe('the sharpness of edges', () => {
  it('does not depend on exposure or contrast', () => {
    const { middle } = edgeSharpness(luma);
    expect(edgeSharpness(changed((value) => 0.6 * value + 20)).middle).toBeCloseTo(middle, 1);
    expect(edgeSharpness(changed((value) => 0.5 * value)).middle).toBeGreaterThan(0.8 * middle);
  });

  it.each([
    [1, 0],
    [0, 1],
    [1, 1],
    [1, -1],
  ])('falls with motion along (%i, %i)', (dx, dy) => {
    const lengths = [1, 3, 5, 9].map((length) => edgeSharpness(smeared(length, dx, dy)).middle);
    expect(lengths[1]).toBeLessThan(0.8 * lengths[0]!);
    expect(lengths[2]).toBeLessThan(0.6 * lengths[0]!);
    expect(lengths[3]).toBeLessThan(0.5 * lengths[0]!);
  });

  it('does not take noise for detail', () => {
    const random = new Random(1);
    const blurred = smeared(7, 1, 0);
    const noisy = { ...blurred, data: blurred.data.map((value) => value + 4 * random.normal()) };
    const { middle, noise } = edgeSharpness(noisy);
    expect(noise).toBeGreaterThan(2);
    expect(middle).toBeLessThan(0.6 * edgeSharpness(luma).middle);
  });
});

function frame(index: number, middle: number, options: Partial<ScoredFrame> = {}): ScoredFrame {
  const edges = { middle, lower: 0.8 * middle, judged: 0.9, noise: 1 };
  return { index, cut: false, edges, motion: 3, exposed: true, ...options };
}

function scene(name: string, sharpness: readonly number[]): Scene {
  return { name, source: name, frames: sharpness.map((middle, i) => frame(10 * i, middle)) };
}

const mixed = [...Array<number>(10).fill(0.5), ...Array<number>(10).fill(0.2)];

describe('choosing frames', () => {
  it('takes each scene for one kind only, six in ten for blurry frames', () => {
    const scenes = Array.from({ length: 10 }, (_, i) => scene(`s${i}`, mixed));
    const choice = chooseFrames(scenes, { least: 1 });
    expect(choice.scenes.filter(({ kind }) => kind === 'blurry')).toHaveLength(6);
    expect(choice.found).toEqual({ blurry: 100, sharp: 100 });
    for (const { kind, frames } of choice.scenes) {
      for (const { edges } of frames) expect(edges.middle).toBe(kind === 'blurry' ? 0.2 : 0.5);
    }
  });

  it('lets scenes with one kind of frames be what they are', () => {
    const scenes = [scene('a', Array(10).fill(0.5)), scene('b', Array(10).fill(0.2)), scene('c', mixed)];
    const kinds = chooseFrames(scenes, { least: 1 }).scenes.map(({ kind }) => kind);
    expect(kinds).toEqual(['sharp', 'blurry', 'blurry']);
  });

  it('advises more scenes where the only one has both', () => {
    expect(() => chooseFrames([scene('a', mixed)], { least: 4 })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('add more scenes') as string }),
    );
  });

  it('takes frames apart from each other, the most and least sharp first', () => {
    const frames = Array.from({ length: 30 }, (_, i) => frame(i, i < 15 ? 0.2 + i / 1000 : 0.5));
    const scenes = [{ name: 'a', source: 'a', frames }, scene('b', Array(10).fill(0.5))];
    const [first] = chooseFrames(scenes, { least: 1, gap: 4, perScene: 3 }).scenes;
    expect(first?.frames.map(({ index }) => index)).toEqual([0, 4, 8]);
  });

  it('does not call soft what has no motion to explain it, nor judge what shows nothing', () => {
    expect(frameKind(frame(0, 0.2, { motion: 0.1 }), 0.2, 0.5)).toBeUndefined();
    expect(frameKind(frame(0, 0.2, { motion: 4 }), 0.2, 0.5)).toBe('blurry');
    expect(frameKind(frame(0, 0.2, { motion: 0.1 }), 0.5, 0.5)).toBe('blurry');
    expect(frameKind(frame(0, 0.5, { exposed: false }), 0.5, 0.5)).toBeUndefined();
    const partly = frame(0, 0.5, { edges: { middle: 0.5, lower: 0.1, judged: 0.9, noise: 1 } });
    expect(frameKind(partly, 0.5, 0.5)).toBeUndefined();
  });
});
