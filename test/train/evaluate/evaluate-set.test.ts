import * as fs from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { liveFrames, type Frame } from '../../../src/io/frame.js';
import { createFrameSession } from '../../../src/runtime/onnx/frame-session.js';
import type { NetworkStage } from '../../../src/runtime/onnx/network-stage.js';
import { liveSessions } from '../../../src/runtime/onnx/session.js';
import { evaluateSet, type EvaluatedModel } from '../../../src/train/evaluate/evaluate-set.js';
import { TemporalFilter } from '../../../src/temporal/temporal-filter.js';
import { openPairSet } from '../../../src/train/sets/open-set.js';
import { selectScenes } from '../../../src/train/sets/select-scenes.js';
import type { PairSet } from '../../../src/train/sets/pair-set.js';
import { decodePicture, type DecodedPicture } from '../../../src/train/sets/picture-cache.js';
import { planesFrame } from '../../support/frames.js';
import { failure, scratchFolder } from '../../support/io.js';
import { writePairs } from '../../support/pair-set.js';
import { gain, identity, sharpen, temporalMean } from '../../support/stages.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let set: PairSet;
beforeAll(async () => {
  scratch = await scratchFolder();
  await writePairs(scratch.path('set'), { scenes: 2, frames: 3, width: 64, height: 48 });
  set = await openPairSet(scratch.path('set'), { split: 'test' });
});
afterAll(() => scratch.remove());
afterEach(() => {
  expect([liveFrames(), liveSessions()]).toEqual([0, 0]);
});

const model = (stage: NetworkStage, name = 'model'): EvaluatedModel => ({
  name,
  open: (geometry) => Promise.resolve(createFrameSession(stage, geometry, { threads: 1 })),
});

/** A picture as a frame of planes. */
function rgbFrame({ data, width, height }: DecodedPicture): Frame {
  const planes = [1, 2, 0].map((c) => Uint8Array.from({ length: width * height }, (_, i) => data[3 * i + c]!));
  return planesFrame(planes, { width, height, format: 'gbrp' });
}

/** The set with one file of its first scene replaced. */
async function damaged(name: string, change: (blur: string) => Promise<unknown>): Promise<PairSet> {
  await fs.cp(scratch.path('set'), scratch.path(name), { recursive: true });
  await change(scratch.path(`${name}/test_blur/000/00000001.png`));
  return openPairSet(scratch.path(name), { split: 'test' });
}

describe('an evaluation', () => {
  it('scores input and result of every frame, and gives their means', async () => {
    const seen: number[] = [];
    const { evaluation } = await evaluateSet(set, {
      models: [model(sharpen, 'sharpen'), model(identity, 'identity')],
      onFrame: ({ done, total }) => seen.push(done / total),
    });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6].map((done) => done / 6));
    expect(evaluation.subjects).toEqual(['input', 'sharpen', 'identity']);
    expect(evaluation.frames.map(({ scene, index }) => `${scene}:${index}`)).toEqual(
      ['test/000', 'test/001'].flatMap((scene) => [0, 1, 2].map((index) => `${scene}:${index}`)),
    );
    const [input, sharpened, same] = evaluation.mean.subjects;
    expect(same).toMatchObject({
      psnr: input?.psnr,
      ssim: input?.ssim,
      gain: { psnr: 0, ssim: 0 },
      worst: { gain: 0 },
    });
    expect(sharpened?.gain?.psnr).toBeCloseTo((sharpened?.psnr ?? 0) - (input?.psnr ?? 0), 9);
    const own = evaluation.frames.map(({ scores }) => scores[1]?.psnr ?? NaN);
    expect(sharpened?.psnr).toBeCloseTo(own.reduce((a, b) => a + b) / 6, 9);
    const gains = evaluation.frames.map(({ scores }) => (scores[1]?.psnr ?? NaN) - (scores[0]?.psnr ?? NaN));
    expect(sharpened?.worst?.gain).toBeCloseTo(Math.min(...gains), 9);
    expect(evaluation.scenes.map(({ name, frames }) => [name, frames])).toEqual([
      ['test/000', 3],
      ['test/001', 3],
    ]);
    expect(evaluation.providers).toEqual(['cpu', 'cpu']);
    expect(evaluation.notes).toEqual([]);
  });

  it('takes time from the second frame of a size on', async () => {
    const { evaluation } = await evaluateSet(set, { models: [model(identity)], temporal: false });
    const times = evaluation.frames.map(({ scores }) => scores[1]?.milliseconds);
    expect(times[0]).toBeUndefined();
    for (const time of times.slice(1)) expect(time).toBeGreaterThan(0);
    expect(evaluation.mean.subjects[0]?.milliseconds).toBeUndefined();
  });

  it('measures flicker against the truth’s own', async () => {
    const { evaluation } = await evaluateSet(set, { models: [model(gain(1.1))] });
    const [first, second] = evaluation.frames;
    expect(first?.truthWarping).toBeUndefined();
    // The pattern only moves: what remains is the error of the flow and of 8 bits.
    expect(second?.truthWarping).toBeLessThan(2);
    expect(second?.scores[1]?.warping).toBeGreaterThan(second?.scores[0]?.warping ?? NaN);
    const { evaluation: still } = await evaluateSet(set, { temporal: false });
    expect(still.mean.truthWarping).toBeUndefined();
  });

  it('steadies results as a run does, where it is asked to', async () => {
    const steady = { ...model(sharpen, 'steady'), temporalFilter: 1 };
    const { evaluation } = await evaluateSet(set, { models: [model(sharpen, 'plain'), steady] });
    for (const { scores } of evaluation.frames) expect(scores[2]?.psnr).not.toBe(scores[1]?.psnr);
    expect(evaluation.frames).toHaveLength(6);
    // The same by hand.
    const [scene] = set.scenes;
    const filter = new TemporalFilter({ width: 64, height: 48, format: 'gbrp' }, { strength: 1, lookAhead: true });
    const done: (readonly Uint8Array[])[] = [];
    for (const { blur } of scene!.pairs) {
      using frame = rgbFrame(await decodePicture(blur));
      const session = createFrameSession(sharpen, { ...frame.properties }, { threads: 1 });
      const [result] = await session.run([[frame]]);
      await session.close();
      done.push(...filter.push(frame, result!.planes));
    }
    done.push(...filter.end());
    for (const [i, { sharp: truth }] of scene!.pairs.entries()) {
      const { data } = await decodePicture(truth);
      const error = data.reduce(
        (sum, value, k) => sum + (value - done[i]![[2, 0, 1][k % 3]!]![Math.floor(k / 3)]!) ** 2,
        0,
      );
      expect(evaluation.frames[i]?.scores[2]?.psnr).toBeCloseTo(10 * Math.log10((255 ** 2 * data.length) / error), 6);
    }
    // A frame alone has no other to take a part of.
    const { evaluation: alone } = await evaluateSet(set, { models: [model(sharpen), steady], limit: 1 });
    for (const { scores } of alone.frames) expect(scores[2]?.psnr).toBe(scores[1]?.psnr);
    const stills = { ...set, scenes: set.scenes.map((scene) => ({ ...scene, stills: true })) };
    const { evaluation: apart } = await evaluateSet(stills, { models: [model(sharpen), steady] });
    for (const { scores } of apart.frames) expect(scores[2]?.psnr).toBe(scores[1]?.psnr);
  });

  it('steadies by what suits the model, unless it is told otherwise', async () => {
    const own = { ...model({ ...sharpen, temporalFilter: 1 }, 'own') };
    const { evaluation } = await evaluateSet(set, {
      models: [own, { ...own, name: 'off', temporalFilter: 0 }, model(sharpen, 'plain')],
    });
    for (const { scores } of evaluation.frames) {
      expect(scores[2]?.psnr).toBe(scores[3]?.psnr);
      expect(scores[1]?.psnr).not.toBe(scores[3]?.psnr);
    }
  });

  it('does not measure flicker between frames that do not continue each other', async () => {
    const [a, b] = set.scenes;
    if (!a || !b) throw new RangeError('two scenes');
    const mixed = { ...set, scenes: [{ name: 'mixed', pairs: [a.pairs[0]!, b.pairs[0]!] }] };
    const { evaluation } = await evaluateSet(mixed);
    expect(evaluation.frames[1]?.truthWarping).toBeUndefined();
    expect(evaluation.notes).toEqual([expect.stringMatching(/^1 frames do not continue/)]);
  });

  it('gives a network the frames around, and the border frame again at the ends', async () => {
    const { evaluation } = await evaluateSet(set, { models: [model(temporalMean)], temporal: false, limit: 2 });
    // The mean of three moved frames is blurrier than each of them; at the border two of the three are equal.
    expect(evaluation.frames).toHaveLength(4);
    const loss = ({ scores }: (typeof evaluation.frames)[number]) => (scores[0]?.psnr ?? 0) - (scores[1]?.psnr ?? 0);
    const [border, inner] = evaluation.frames.map(loss);
    expect(border).toBeGreaterThan(0.1);
    expect(inner).toBeGreaterThan(border ?? Infinity);
  });

  it('takes stills for no video', async () => {
    const stills = { ...set, scenes: set.scenes.map((scene) => ({ ...scene, stills: true })) };
    const { evaluation } = await evaluateSet(stills, { models: [model(temporalMean)] });
    for (const { scores, truthWarping } of evaluation.frames) {
      expect(scores[1]?.psnr).toBeCloseTo(scores[0]?.psnr ?? NaN, 1);
      expect(truthWarping).toBeUndefined();
    }
  });

  it('scores the input alone without a model', async () => {
    const { evaluation } = await evaluateSet(set);
    expect(evaluation.subjects).toEqual(['input']);
    expect(evaluation.mean.subjects[0]?.psnr).toBeGreaterThan(15);
  });

  it('keeps crops of the worst and the best frames, spread over the scenes', async () => {
    const { showcase } = await evaluateSet(set, { models: [model(sharpen)], crops: 2 });
    for (const crops of [showcase.worst, showcase.best]) {
      expect(crops.map(({ scene }) => scene).sort()).toEqual(['test/000', 'test/001']);
      for (const { pictures } of crops) {
        expect(pictures).toHaveLength(3);
        expect(await sharp(pictures[0]).metadata()).toMatchObject({ format: 'png', width: 64, height: 48 });
      }
    }
    expect(showcase.worst[0]?.value).toBeLessThanOrEqual(showcase.best[0]?.value ?? NaN);
  });

  it('counts broken results', async () => {
    const { evaluation } = await evaluateSet(set, { models: [model(gain(0))], limit: 1 });
    expect(evaluation.notes[0]).toMatch(/^model: 2 results are broken/);
  });

  it('leaves out a frame that can not be read, names it, and goes on', async () => {
    const broken = await damaged('broken', (blur) => fs.truncate(blur, 40));
    const { evaluation } = await evaluateSet(broken, { models: [model(temporalMean)] });
    expect(evaluation.frames.map(({ scene, index }) => `${scene}:${index}`)).not.toContain('test/000:1');
    expect(evaluation.frames).toHaveLength(5);
    expect(evaluation.notes).toEqual([expect.stringMatching(/^left out: The picture .*test_blur\/000\/00000001\.png/)]);
  });

  it('leaves out a pair of two sizes', async () => {
    const other = await damaged('sizes', (blur) =>
      sharp({ create: { width: 64, height: 40, channels: 3, background: 'red' } })
        .png()
        .toFile(blur),
    );
    const { evaluation } = await evaluateSet(other, { models: [model(temporalMean)] });
    expect(evaluation.frames).toHaveLength(5);
    expect(evaluation.notes[0]).toMatch(/00000001\.png is 64x40 where .*00000001\.png is 64x48\.$/);
  });

  it('takes scenes of different sizes', async () => {
    await writePairs(scratch.path('other'), { scenes: 1, frames: 2, width: 33, height: 21 });
    const { scenes } = await openPairSet(scratch.path('other'), { split: 'test' });
    const both = { ...set, scenes: [...set.scenes, ...scenes.map((scene) => ({ ...scene, name: 'small' }))] };
    const { evaluation } = await evaluateSet(both, { models: [model(identity)] });
    expect(evaluation.scenes.at(-1)).toMatchObject({ name: 'small', frames: 2, subjects: [{}, { gain: { psnr: 0 } }] });
  });

  it('gives up when too much can not be read', async () => {
    const broken = await damaged('ruined', async (blur) => {
      for (const name of await fs.readdir(scratch.path('ruined/test_sharp/001'))) {
        await fs.writeFile(scratch.path(`ruined/test_sharp/001/${name}`), 'no picture');
      }
      await fs.rm(blur);
      await fs.writeFile(blur, '');
    });
    const refused = await failure(evaluateSet(broken, { models: [model(identity)] }));
    expect(refused).toMatchObject({ code: 'INPUT_UNREADABLE' });
    expect(refused.message).toMatch(/^2 pictures can't be used, first .*test_blur\/000\/00000001\.png/);
  });

  it('refuses an empty set, and stops when it is told to', async () => {
    expect(await failure(evaluateSet({ ...set, scenes: [] }))).toMatchObject({ code: 'INPUT_UNREADABLE' });
    const stop = new AbortController();
    const work = evaluateSet(set, {
      models: [model(identity)],
      signal: stop.signal,
      onFrame: () => {
        stop.abort();
      },
    });
    expect(await failure(work)).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a choice of scenes', () => {
  it('knows names and stars, and names the nearest of a wrong one', () => {
    const names = (patterns: string[]) => selectScenes(set, patterns).scenes.map(({ name }) => name);
    expect(names(['test/001'])).toEqual(['test/001']);
    expect(names(['test/*'])).toEqual(['test/000', 'test/001']);
    expect(() => names(['test.000'])).toThrow(/no scene named test\.000/);
    expect(() => names(['test/00*', 'test/00'])).toThrow(/no scene named test\/00\./);
  });
});
