import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Frame, liveFrames, tightPlanes } from '../../src/io/frame.js';
import { createVideo, openVideo, type Plane } from '../../src/io/index.js';
import { compareVideos, plotComparison } from '../../src/metrics/index.js';
import { fixture } from '../support/fixtures.js';

const sharp = fixture('clips/dogs-sharp.mp4');
const blurry = fixture('clips/dogs-blurry.mp4');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'deblur-compare-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  expect(liveFrames()).toBe(0);
});

function tight({ data, stride, width, height }: Plane): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) out.set(data.subarray(y * stride, y * stride + width), y * width);
  return out;
}

/** Writes the first `count` frames of a video again without loss, at moments of its own. */
async function rewrite(source: string, name: string, count: number, moment: (pts: bigint) => bigint): Promise<string> {
  const target = path.join(folder, name);
  await using reader = await openVideo(source);
  await using writer = await createVideo(target, { source: reader, codec: 'ffv1' });
  for await (const frame of reader.frames()) {
    using read = frame;
    if (read.index === count) break;
    const properties = { ...read.properties, pts: moment(read.properties.pts) };
    await writer.write(new Frame(properties, tightPlanes(properties, read.planes().map(tight))));
  }
  await writer.finish();
  return target;
}

describe('compareVideos', () => {
  it('measures every frame, and what the result gained over a third video', async () => {
    const seen: number[] = [];
    const comparison = await compareVideos(sharp, sharp, { before: blurry, onFrame: ({ index }) => seen.push(index) });
    expect(seen).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(comparison).toMatchObject({ width: 256, height: 256, depth: 8, ssimKind: '3d', notes: [] });
    expect(comparison.mean.result).toEqual({ psnr: Infinity, ssim: 1, identical: 16 });
    expect(comparison.mean.before?.psnr).toBeCloseTo(25.2, 0);
    expect(comparison.mean.gain?.ssim).toBeCloseTo(1 - comparison.mean.before!.ssim, 12);
    expect(comparison.frames[3]!.seconds).toBeCloseTo(3 / 24, 9);
  });

  it('takes the mean over the frames it lists', async () => {
    const { frames, mean } = await compareVideos(sharp, blurry, { ssim: '2d' });
    const average = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean.result.psnr).toBeCloseTo(average(frames.map((f) => f.result.psnr)), 12);
    expect(mean.result.ssim).toBeCloseTo(average(frames.map((f) => f.result.ssim)), 12);
    expect(mean.result.identical).toBe(0);
    const other = await compareVideos(sharp, blurry);
    expect(other.mean.result.ssim).toBeGreaterThan(mean.result.ssim);
    expect(other.mean.result.psnr).toBe(mean.result.psnr);
  });

  it('compares the common part of videos of different length, and says so', async () => {
    const short = await rewrite(blurry, 'short.mkv', 5, (pts) => pts);
    const comparison = await compareVideos(sharp, short);
    expect(comparison.frames).toHaveLength(5);
    expect(comparison.notes.join('\n')).toContain(`${sharp} has 16, ${short} has 5`);
    const whole = await compareVideos(sharp, blurry);
    expect(comparison.frames.map((f) => f.result)).toEqual(whole.frames.slice(0, 5).map((f) => f.result));
  });

  it('matches frames by order where timestamps differ, and says from which frame on', async () => {
    const late = await rewrite(blurry, 'late.mkv', 6, (pts) => (pts < 1500n ? pts : pts + 512n));
    const { notes, frames } = await compareVideos(sharp, late);
    expect(frames).toHaveLength(6);
    expect(notes.join('\n')).toMatch(/other timestamps than .* from frame 3 on \(0\.167 s against 0\.125 s\)/);
  });

  it('keeps ten bits', async () => {
    const deep = fixture('clips/dogs-10bit-hevc.mp4');
    const comparison = await compareVideos(deep, deep);
    expect(comparison).toMatchObject({ depth: 10, mean: { result: { identical: 8 } } });
  });

  it('compares still pictures', async () => {
    const picture = (name: string) => fixture(`parity/metrics/${name}.png`);
    const { frames, depth } = await compareVideos(picture('pair2_gt'), picture('pair2_pred'), { ssim: '2d' });
    expect(depth).toBe(8);
    expect(frames.map((f) => f.result)).toEqual([
      { psnr: expect.closeTo(24.241618149894016, 9) as number, ssim: expect.closeTo(0.9030962245518822, 9) as number },
    ]);
  });

  it('refuses videos of different size and missing files', async () => {
    const mountain = fixture('clips/mountain-sharp.mp4');
    await expect(compareVideos(sharp, mountain)).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      message: `${sharp} is 256x256 and ${mountain} is 320x192: only pictures of one size can be compared.`,
    });
    await expect(compareVideos(sharp, path.join(folder, 'nothing.mp4'))).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
    });
  });

  it('ends when its signal fires', async () => {
    const controller = new AbortController();
    const work = compareVideos(sharp, blurry, {
      signal: controller.signal,
      onFrame: ({ index }) => {
        if (index === 2) controller.abort();
      },
    });
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('plotComparison', () => {
  it('draws a curve per video and metric, with names made safe', async () => {
    const comparison = await compareVideos(sharp, blurry, { before: blurry });
    const svg = plotComparison({ ...comparison, result: 'a<b>&"c".mp4' });
    expect(svg.match(/class="curve"/g)).toHaveLength(4);
    expect(svg.match(/<circle/g)).toHaveLength(4 * 16);
    expect(svg).toContain('a&lt;b&gt;&amp;&quot;c&quot;.mp4');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('leaves gaps at identical frames and drops a panel without values', async () => {
    const comparison = await compareVideos(sharp, blurry);
    const frames = comparison.frames.map((frame) =>
      frame.index === 7 ? { ...frame, result: { psnr: Infinity, ssim: 1 } } : frame,
    );
    const [psnrCurve] = /d="[^"]*"(?=\/>\n<g fill)/.exec(plotComparison({ ...comparison, frames }))!;
    expect(psnrCurve.match(/M/g)).toHaveLength(2);
    expect(psnrCurve.match(/L/g)).toHaveLength(13);

    const same = plotComparison(await compareVideos(sharp, sharp));
    expect(same).not.toContain('PSNR (dB)');
    expect(same).toContain('SSIM (3-D Gaussian)');
    expect(same).not.toMatch(/NaN|Infinity|undefined/);
  });
});
