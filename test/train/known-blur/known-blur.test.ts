import { mkdtemp, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openVideo } from '../../../src/io/index.js';
import { frameToRgb } from '../../../src/io/picture.js';
import { liveSessions } from '../../../src/runtime/onnx/session.js';
import { blurPictures } from '../../../src/train/known-blur/blur-pictures.js';
import { exposeAlongFlow } from '../../../src/train/known-blur/flow-exposure.js';
import { kernelWizardBlur } from '../../../src/train/known-blur/kernel-wizard-blur.js';
import { readMotionFields, type MotionField } from '../../../src/train/known-blur/motion-fields.js';
import { noiseLevel } from '../../../src/train/known-blur/noise-level.js';
import { syntheticBlur } from '../../../src/train/known-blur/synthetic-blur.js';
import { Random } from '../../../src/train/random.js';
import type { DecodedPicture } from '../../../src/train/sets/picture-cache.js';
import { edgeSharpness } from '../../../src/train/split/edge-sharpness.js';
import { deblur } from '../../support/command.js';
import { fixture } from '../../support/fixtures.js';

/** A real sharp frame. */
let picture: DecodedPicture;
/** Motion of a real clip of another place. */
let fields: MotionField[];

beforeAll(async () => {
  await using reader = await openVideo(fixture('clips/mountain-sharp.mp4'));
  for await (const frame of reader.frames()) {
    using decoded = frame;
    const { width, height } = decoded.properties;
    picture = { data: await frameToRgb(decoded), width, height };
    break;
  }
  fields = await readMotionFields([fixture('clips/bikes-cut.mp4')]);
});

function sharpness({ data, width, height }: DecodedPicture): number {
  const luma = Float32Array.from({ length: width * height }, (_, i) => data[3 * i + 1]!);
  return edgeSharpness({ data: luma, width, height }).middle;
}

/** Mean difference from the sharp frame, in code values. */
function distance({ data }: DecodedPicture): number {
  return data.reduce((sum, value, i) => sum + Math.abs(value - picture.data[i]!), 0) / data.length;
}

/** Mean linear light of each channel. */
function light({ data }: DecodedPicture): number[] {
  return [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let i = channel; i < data.length; i += 3) sum += (data[i]! / 255) ** 2.2;
    return sum / (data.length / 3);
  });
}

describe('motion of clips', () => {
  it('is read in every shot, as parts of the width', () => {
    expect(fields.length).toBeGreaterThan(1);
    for (const { before, after, width, height, length } of fields) {
      expect([before.length, after.length]).toEqual([2 * width * height, 2 * width * height]);
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThan(0.5);
    }
  });

  it('is refused where nothing moves', async () => {
    const still = path.join(await mkdtemp(path.join(tmpdir(), 'deblur-still-')), 'still.y4m');
    const { writeFile } = await import('node:fs/promises');
    const frame = Buffer.concat([Buffer.from('FRAME\n'), Buffer.alloc(96 * 64, 90), Buffer.alloc(48 * 32 * 2, 128)]);
    const header = Buffer.from('YUV4MPEG2 W96 H64 F25:1 Ip A1:1 C420jpeg\n');
    await writeFile(still, Buffer.concat([header, ...Array<Buffer>(8).fill(frame)]));
    await expect(readMotionFields([still])).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
    await rm(path.dirname(still), { recursive: true });
  });
});

describe('an exposure along a flow', () => {
  /** Everything moves by the same. */
  function steady(dx: number, dy: number): MotionField {
    const pairs = (sign: number) => Float32Array.from({ length: 2 * 6 }, (_, i) => sign * (i % 2 === 0 ? dx : dy));
    return { width: 3, height: 2, before: pairs(-1), after: pairs(1), length: 2 * Math.hypot(dx, dy) };
  }

  it('spreads a point evenly over the length asked for, along the motion', () => {
    const [width, height] = [64, 48];
    // On gray, so that the kernel's negative lobes are not cut off.
    const data = new Float32Array(3 * width * height).fill(1);
    data.fill(2, 3 * (24 * width + 32), 3 * (24 * width + 32) + 3);
    const spread = exposeAlongFlow(
      { data, width, height },
      { field: steady(0.01, 0), length: 15, mirror: [false, false] },
    );
    const row = Array.from({ length: width }, (_, x) => spread[3 * (24 * width + x)]! - 1);
    expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 1);
    const [first, last] = [row.findIndex((value) => value > 0.02), row.findLastIndex((value) => value > 0.02)];
    expect(last - first + 1).toBeGreaterThanOrEqual(14);
    expect(last - first + 1).toBeLessThanOrEqual(17);
    expect((first + last) / 2).toBeCloseTo(32, 0);
    for (const value of row.slice(first + 2, last - 1)) expect(value).toBeCloseTo(1 / 15, 1);
  });

  it('moves to both sides when it is mirrored', () => {
    const [width, height] = [32, 32];
    const data = Float32Array.from({ length: 3 * width * height }, (_, i) => (i % 97) / 97);
    const field = steady(0.02, 0.01);
    const plain = exposeAlongFlow({ data, width, height }, { field, length: 6, mirror: [false, false] });
    const turned = exposeAlongFlow({ data, width, height }, { field, length: 6, mirror: [true, true] });
    plain.forEach((value, i) => expect(turned[i]).toBeCloseTo(value, 3));
  });
});

describe('synthetic blur', () => {
  it.each([
    ['along the motion of clips', 0],
    ['by hand', 1],
  ])('%s blurs, the more the longer, and keeps light and colour', async (_, hand) => {
    const options = { fields, hand, highlights: 0 };
    await using short = syntheticBlur({ ...options, length: { min: 2, max: 3 } });
    await using long = syntheticBlur({ ...options, length: { min: 14, max: 16 } });
    const [a, b] = [await short.blur(picture, new Random(5)), await long.blur(picture, new Random(5))];
    expect(sharpness(a)).toBeLessThan(sharpness(picture));
    expect(sharpness(b)).toBeLessThan(0.7 * sharpness(picture));
    expect(distance(b)).toBeGreaterThan(1.3 * distance(a));
    expect([b.width, b.height]).toEqual([picture.width, picture.height]);
    light(b).forEach((mean, channel) => expect(mean / light(picture)[channel]!).toBeCloseTo(1, 1));
    expect(await long.blur(picture, new Random(5))).toEqual(b);
    expect((await long.blur(picture, new Random(6))).data).not.toEqual(b.data);
  });

  it('leaves as much noise as the camera makes', async () => {
    const random = new Random(1);
    const noisy = {
      ...picture,
      data: picture.data.map((value) => Math.min(255, Math.max(0, Math.round(0.6 * value + 40 + 5 * random.normal())))),
    };
    await using blur = syntheticBlur({ fields, highlights: 0, length: { min: 8, max: 9 } });
    const [before, after] = [noiseLevel(noisy), noiseLevel(await blur.blur(noisy, new Random(2)))];
    const deviation = ({ common, own }: typeof before) => Math.sqrt(common + own);
    expect(deviation(before)).toBeGreaterThan(4);
    expect(deviation(after) / deviation(before)).toBeGreaterThan(0.85);
    expect(deviation(after) / deviation(before)).toBeLessThan(1.15);
    expect(before.own).toBeGreaterThan(before.common);
  });
});

describe('KernelWizard’s blur', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'deblur-wizard-'));
    const { data, width, height } = picture;
    const save = (name: string, samples: Uint8Array) =>
      sharp(samples, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(path.join(folder, name));
    await using blur = syntheticBlur({ fields });
    await save('sharp.png', data);
    await save('blur.png', (await blur.blur(picture, new Random(1))).data);
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(() => {
    expect(liveSessions()).toBe(0);
  });

  it.each(['kernelwizard', 'kernelwizard-vae'])('takes %s and gives pictures of any size', async (weights) => {
    const pairs = [{ blur: path.join(folder, 'blur.png'), sharp: path.join(folder, 'sharp.png') }];
    await using blur = await kernelWizardBlur({ weights: fixture(`parity/${weights}/weights.pth`), pairs });
    const result = await blur.blur(picture, new Random(3));
    expect([result.width, result.height]).toEqual([picture.width, picture.height]);
    expect(result.data).not.toEqual(picture.data);
    expect(await blur.blur(picture, new Random(3))).toEqual(result);
  });

  it('needs pairs and weights that are there', async () => {
    const weights = fixture('parity/kernelwizard/weights.pth');
    await expect(kernelWizardBlur({ weights, pairs: [] })).rejects.toMatchObject({ code: 'USAGE' });
    const pairs = [{ blur: 'a.png', sharp: 'b.png' }];
    await expect(kernelWizardBlur({ weights: 'none.pth', pairs })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });
});

describe('blurring a folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'deblur-folder-'));
    const { data, width, height } = picture;
    await mkdir(path.join(folder, 'trainB/scene'), { recursive: true });
    for (const name of ['scene/1.png', 'scene/2.png'])
      await sharp(data, { raw: { width, height, channels: 3 } }).toFile(path.join(folder, 'trainB', name));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('keeps folders and names, differs between pictures and goes on where it stopped', async () => {
    const [from, to] = [path.join(folder, 'trainB'), path.join(folder, 'trainC')];
    await using blur = syntheticBlur({ fields, length: { min: 3, max: 6 } });
    const stop = new AbortController();
    const onPicture = () => stop.abort();
    await expect(blurPictures(blur, { from, to, variants: 2, signal: stop.signal, onPicture })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await blurPictures(blur, { from, to, variants: 2 })).toEqual({ made: 3, kept: 1 });
    expect(await readdir(path.join(to, 'scene'))).toEqual(['1.0.png', '1.1.png', '2.0.png', '2.1.png']);
    const samples = await Promise.all(
      ['1.0', '1.1', '2.0'].map((name) =>
        sharp(path.join(to, 'scene', `${name}.png`))
          .raw()
          .toBuffer(),
      ),
    );
    expect(samples[0]!.equals(samples[1]!)).toBe(false);
    expect(samples[0]!.equals(samples[2]!)).toBe(false);
    await expect(blurPictures(blur, { from: path.join(folder, 'none'), to })).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
    });
  });

  it('is a command', async () => {
    const [from, to] = [path.join(folder, 'trainB'), path.join(folder, 'trainC')];
    const clip = fixture('clips/bikes-cut.mp4');
    const { code, stdout } = await deblur(['dataset', 'blur', from, to, '--clips', clip, '--short-side', '96']);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 pictures blurred') as string,
    });
    expect(await sharp(path.join(to, 'scene/1.png')).metadata()).toMatchObject({ width: 160, height: 96 });
    const usage = await deblur(['dataset', 'blur', from, to, '--pairs', from]);
    expect(usage).toMatchObject({ code: 2, stderr: expect.stringContaining('go together') as string });
  });
});
