import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/train/random.js';
import { checkSet } from '../../../src/train/sets/check-set.js';
import { PairSampler, type PairBatch, type SamplerOptions } from '../../../src/train/sets/pair-sampler.js';
import type { FramePair, PairScene, PairSet } from '../../../src/train/sets/pair-set.js';
import { writePicture } from '../../../src/io/index.js';
import { scratchFolder } from '../../support/io.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
const [width, height] = [24, 20];

/** A picture that tells of each pixel where it is, and which frame it belongs to. */
async function picture(name: string, frame: number, size = { width, height }): Promise<string> {
  const data = new Uint8Array(size.width * size.height * 3);
  for (let i = 0; i < size.width * size.height; i += 1) {
    data.set([i % size.width, Math.floor(i / size.width), frame], i * 3);
  }
  const file = scratch.path(name);
  await writePicture(file, data, size.width, size.height);
  return file;
}

async function pairs(name: string, frames: readonly number[]): Promise<FramePair[]> {
  return Promise.all(
    frames.map(async (frame) => ({
      blur: await picture(`${name}-${frame}-blur.png`, frame),
      sharp: await picture(`${name}-${frame}-sharp.png`, frame + 100),
      length: frame,
    })),
  );
}

let video: PairScene;

beforeAll(async () => {
  scratch = await scratchFolder();
  video = { name: 'video', pairs: await pairs('video', [0, 1, 2, 3, 4, 5]) };
});

afterAll(async () => {
  await scratch.remove();
});

function setOf(...scenes: PairScene[]): PairSet {
  return { layout: 'test', root: 'the set', scenes };
}

function sampler(scenes: readonly PairScene[], options: Partial<SamplerOptions> = {}, seed = 1): PairSampler {
  const plain = { batch: 3, crop: 8, flip: false, reverse: false } as const;
  return new PairSampler(setOf(...scenes), new Random(seed), { ...plain, ...options });
}

/** The codes of a sample's pixels. */
function codes(data: Float32Array | undefined, index: number, crop = 8): number[][] {
  const size = crop * crop * 3;
  const sample = Array.from(data?.subarray(index * size, (index + 1) * size) ?? [], (value) => Math.round(value * 255));
  return Array.from({ length: crop * crop }, (_, i) => sample.slice(3 * i, 3 * i + 3));
}

/** Which frame each picture of a sample shows. */
function framesOf(batch: PairBatch, index: number): { blur: number[]; sharp: number[] } {
  const frame = (data: Float32Array) => codes(data, index)[0]?.[2] ?? NaN;
  return { blur: batch.blur.map(frame), sharp: batch.sharp.map((data) => frame(data) - 100) };
}

async function allFrames(from: PairSampler, steps = 40) {
  const batches = await Promise.all(Array.from({ length: steps }, (_, step) => from.batch(step)));
  return batches.flatMap((batch) => [0, 1, 2].map((index) => framesOf(batch, index)));
}

describe('a sampler of pairs', () => {
  it('gives a part of its samples the truths for blurry frames, however sharp crops may be', async () => {
    const frames = await allFrames(sampler([video], { past: 1, future: 1, sharp: 0.3, sharpest: 10 }), 60);
    const ofTruths = frames.filter(({ blur }) => blur.every((code) => code >= 100));
    const ofBlurry = frames.filter(({ blur }) => blur.every((code) => code < 100));
    expect(ofTruths.length + ofBlurry.length).toBe(frames.length);
    expect(ofTruths.length / frames.length).toBeGreaterThan(0.2);
    expect(ofTruths.length / frames.length).toBeLessThan(0.4);
    for (const { blur, sharp } of ofTruths) expect((blur[1] ?? NaN) - 100).toBe(sharp[0]);
  });

  it('cuts the same place out of all pictures of a sample', async () => {
    const batch = await sampler([video], { past: 1, future: 1 }).batch(0);
    expect(batch.blur).toHaveLength(3);
    expect(batch.sharp).toHaveLength(1);
    for (const index of [0, 1, 2]) {
      const places = [...batch.blur, ...batch.sharp].map((data) => codes(data, index).map(([x, y]) => [x, y]));
      const [[left = 0, top = 0] = []] = places[0] ?? [];
      const expected = Array.from({ length: 64 }, (_, i) => [left + (i % 8), top + Math.floor(i / 8)]);
      for (const place of places) expect(place).toEqual(expected);
    }
  });

  it('gives the frames of a window in order, and never across the ends of a scene', async () => {
    const seen = await allFrames(sampler([video], { past: 2, future: 1 }));
    for (const { blur, sharp } of seen) {
      const middle = blur[2] ?? NaN;
      expect(blur).toEqual([middle - 2, middle - 1, middle, middle + 1]);
      expect(sharp).toEqual([middle]);
    }
    expect(new Set(seen.map(({ sharp }) => sharp[0]))).toEqual(new Set([2, 3, 4]));
  });

  it('repeats the nearest frame at the ends of a scene that is too short, or where it is told to', async () => {
    const short = { name: 'short', pairs: video.pairs.slice(0, 2) };
    const windows = (await allFrames(sampler([short], { past: 1, future: 1 }))).map(({ blur }) => blur.join());
    expect(new Set(windows)).toEqual(new Set(['0,0,1', '0,1,1']));
    const seen = await allFrames(sampler([video], { past: 1, future: 1, edges: 'repeat' }));
    expect(new Set(seen.map(({ sharp }) => sharp[0]))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  it('gives clips of consecutive frames', async () => {
    const seen = await allFrames(sampler([video], { past: 1, clip: 3 }));
    for (const { blur, sharp } of seen) {
      expect(blur).toEqual([0, 1, 2, 3].map((k) => (blur[0] ?? NaN) + k));
      expect(sharp).toEqual(blur.slice(1));
    }
  });

  it('reverses time, with as many frames before and after as the window asks for', async () => {
    const seen = await allFrames(sampler([video], { past: 2, future: 1, reverse: true }));
    const directions = seen.map(({ blur, sharp }) => {
      expect(sharp[0]).toBe(blur[2]);
      return (blur[1] ?? NaN) - (blur[0] ?? NaN);
    });
    expect(new Set(directions)).toEqual(new Set([1, -1]));
  });

  it('takes a still for its own neighbour', async () => {
    const stills = { ...video, stills: true };
    for (const { blur, sharp } of await allFrames(sampler([stills], { past: 1, future: 2, reverse: true }))) {
      expect(new Set(blur)).toEqual(new Set(sharp));
    }
    expect(() => sampler([stills], { clip: 2 })).toThrow(/No scene of the set has the 2 frames/);
  });

  it('mirrors and turns all pictures of a sample alike', async () => {
    const turns = async (flip: true | 'horizontal') => {
      const from = sampler([video], { flip });
      const found = new Set<string>();
      for (let step = 0; step < 30; step += 1) {
        const batch = await from.batch(step);
        const steps = [...batch.blur, ...batch.sharp].map((data) => {
          const [first = [], right = []] = codes(data, 0);
          const below = codes(data, 0)[8] ?? [];
          const difference = (a: number[], i: number) => (a[i] ?? NaN) - (first[i] ?? NaN);
          return [difference(right, 0), difference(right, 1), difference(below, 0), difference(below, 1)].join();
        });
        expect(new Set(steps).size).toBe(1);
        found.add(steps[0] ?? '');
      }
      return found;
    };
    expect(await turns(true)).toEqual(
      new Set(['1,0,0,1', '-1,0,0,1', '1,0,0,-1', '-1,0,0,-1', '0,1,1,0', '0,-1,1,0', '0,1,-1,0', '0,-1,-1,0']),
    );
    expect(await turns('horizontal')).toEqual(new Set(['1,0,0,1', '-1,0,0,1']));
  });

  it('changes the colours of all pictures of a sample alike, within [0, 1]', async () => {
    const still = {
      name: 'one',
      pairs: (video.pairs[3] ? [video.pairs[3]] : []).map(({ blur }) => ({ blur, sharp: blur })),
    };
    const plain = await sampler([still]).batch(0);
    const changed = await sampler([still], { colour: 0.4, swap: true }).batch(0);
    expect(changed.sharp[0]).toEqual(changed.blur[0]);
    expect(changed.sharp[0]).not.toEqual(plain.sharp[0]);
    const values = Array.from(changed.sharp[0] ?? []);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
  });

  it('depends on the seed and the step alone', async () => {
    const options = { past: 1, flip: true, reverse: true, colour: 0.1 };
    const [one, other] = [sampler([video], options), sampler([video], options)];
    await one.batch(0);
    expect(await one.batch(7)).toEqual(await other.batch(7));
    expect(await one.batch(8)).not.toEqual(await other.batch(7));
    expect(await sampler([video], options, 2).batch(7)).not.toEqual(await other.batch(7));
  });

  it('takes other crops where it is told to', async () => {
    const batch = await sampler([video]).batch(0, { batch: 3, crop: 12 });
    expect([batch.batch, batch.crop]).toEqual([3, 12]);
    expect(batch.sharp[0]).toHaveLength(3 * 12 * 12 * 3);
  });

  it('leaves out long blur for as long as it is told to', async () => {
    const from = sampler([video]);
    const seen = async (longest: number) => {
      const frames = new Set<number>();
      for (let step = 0; step < 40; step += 1)
        frames.add(framesOf(await from.batch(step, { longest }), 0).sharp[0] ?? NaN);
      return [...frames].sort();
    };
    expect(await seen(2)).toEqual([0, 1, 2]);
    expect(await seen(-1)).toEqual([0]);
    expect(await seen(Infinity)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('draws again what is too near to its truth, and takes the last place where all are', async () => {
    const gray = async (name: string, code: number) => {
      const file = scratch.path(name);
      await writePicture(file, new Uint8Array(width * height * 3).fill(code), width, height);
      return file;
    };
    const sharp = await gray('sharp.png', 100);
    const still = { name: 'still', pairs: [{ blur: sharp, sharp }] };
    // 10 codes are 28.1 dB.
    const blurry = { name: 'blurry', pairs: [{ blur: await gray('blurry.png', 110), sharp }] };
    const seen = async (scenes: PairScene[], sharpest: number) => {
      const from = sampler(scenes, { sharpest });
      const batches = await Promise.all(Array.from({ length: 10 }, (_, step) => from.batch(step)));
      return new Set(batches.flatMap(({ blur }) => [0, 1, 2].map((index) => codes(blur[0], index)[0]?.[1])));
    };
    expect(await seen([still, blurry], 60)).toEqual(new Set([100, 110]));
    expect(await seen([still, blurry], 29)).toEqual(new Set([110]));
    expect(await seen([blurry], 28)).toEqual(new Set([110]));
  });

  it('reads a picture once, and then takes it from the cache', async () => {
    const file = await picture('once.png', 0);
    const still = { name: 'once', pairs: Array<FramePair>(3).fill({ blur: file, sharp: file }) };
    const from = sampler([still], { past: 1, future: 1 });
    const first = await from.batch(0);
    await rm(file);
    expect(await from.batch(0)).toEqual(first);
    expect(from.unreadable).toBe(0);
  });
});

describe('pictures that are not as they should be', () => {
  it('are left out and counted, up to a limit that names them', async () => {
    const damaged = await pairs('damaged', [0, 1, 2, 3]);
    await writeFile(damaged[1]?.blur ?? '', 'no picture');
    const from = sampler([{ name: 'damaged', pairs: damaged }]);
    for (let step = 0; step < 20; step += 1) {
      const batch = await from.batch(step);
      for (const index of [0, 1, 2]) expect(framesOf(batch, index).sharp[0]).not.toBe(1);
    }
    expect(from.unreadable).toBe(1);
  });

  it('end the run when there are too many', async () => {
    const bad = await pairs(
      'bad',
      Array.from({ length: 30 }, (_, i) => i),
    );
    await Promise.all(bad.slice(0, 20).map(({ blur }) => rm(blur)));
    const from = sampler([{ name: 'bad', pairs: bad }]);
    const all = async () => {
      for (let step = 0; step < 200; step += 1) await from.batch(step);
    };
    await expect(all()).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: /^11 pictures can't be read, first .*bad-\d+-blur\.png, /,
    });
  });

  it('end the run when there are no others', async () => {
    const bad = await pairs('none', [0, 1]);
    await Promise.all(bad.map(({ sharp }) => writeFile(sharp, 'no picture')));
    await expect(sampler([{ name: 'none', pairs: bad }]).batch(0)).rejects.toThrow(/2 pictures can't be read/);
  });

  it('are named when two of a sample differ in size', async () => {
    const [pair] = await pairs('sizes', [0]);
    if (!pair) throw new Error('no pair');
    const sharp = await picture('other-size.png', 0, { width: width + 1, height });
    const scene = { name: 'sizes', pairs: [{ ...pair, sharp }] };
    const message = /other-size\.png is 25x20 where .*sizes-0-blur\.png is 24x20/;
    await expect(sampler([scene]).batch(0)).rejects.toThrow(message);
    await expect(checkSet(setOf(scene))).rejects.toThrow(/sizes-0-blur\.png is 24x20 where .*other-size\.png is 25x20/);
  });

  it('are named when they are smaller than the crop', async () => {
    const message = /video-0-blur\.png is 24x20, smaller than the crop of 21/;
    await expect(sampler([{ ...video, pairs: video.pairs.slice(0, 1) }], { crop: 21 }).batch(0)).rejects.toThrow(
      message,
    );
    await expect(checkSet(setOf(video), { crop: 21 })).rejects.toThrow(message);
    await expect(checkSet(setOf(video), { crop: 20 })).resolves.toBeUndefined();
    expect(path.isAbsolute(video.pairs[0]?.blur ?? '')).toBe(true);
  });

  it('end the run when a scene is too short for a clip', () => {
    expect(() => sampler([video], { clip: 7 })).toThrow(/No scene of the set has the 7 frames/);
  });
});
