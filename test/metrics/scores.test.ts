import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DeblurError } from '../../src/errors.js';
import { liveFrames } from '../../src/io/frame.js';
import { openVideo } from '../../src/io/index.js';
import { pictureFromArray, pictureFromFrame, psnr, ssim2d, ssim3d, type Picture } from '../../src/metrics/index.js';
import { fixture } from '../support/fixtures.js';

interface Pair {
  gt: string;
  pred: string;
  shape_hwc: [number, number, number];
  values: Record<string, number>;
}

const config = JSON.parse(readFileSync(fixture('parity/metrics/config.json'), 'utf8')) as { pairs: Pair[] };

/** The picture's samples, copied out of the frame. */
async function load(name: string): Promise<Picture> {
  await using reader = await openVideo(fixture(`parity/metrics/${name}`), { format: 'gbrp' });
  for await (const frame of reader.frames()) {
    using held = frame;
    const picture = pictureFromFrame(held);
    return {
      ...picture,
      channels: picture.channels.map((channel) => ({ ...channel, data: new Uint8Array(channel.data) })),
    };
  }
  throw new Error(`${name} has no picture`);
}

/** Samples of a float32 .npy file: its header's length is at byte 8. */
function loadFloats(name: string): Float32Array {
  const bytes = readFileSync(fixture(`parity/metrics/${name}`));
  const start = 10 + bytes.readUInt16LE(8);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}

describe.each(config.pairs)('$gt against $pred', ({ gt, pred, values, shape_hwc: [height, width] }) => {
  it('has the published PSNR and SSIM', async () => {
    const [a, b] = [await load(gt), await load(pred)];
    expect([a.width, a.height]).toEqual([width, height]);
    expect(Math.abs(psnr(a, b) - values['nafnet_calculate_psnr']!)).toBeLessThan(1e-9);
    expect(Math.abs(psnr(b, a) - values['skimage_psnr_uint8']!)).toBeLessThan(1e-9);
    expect(Math.abs(ssim2d(a, b) - values['nafnet_calculate_ssim_2d']!)).toBeLessThan(1e-9);
    expect(Math.abs(ssim2d(a, b) - values['restormer_calculate_ssim_per_channel_valid']!)).toBeLessThan(1e-9);
    const published3d = values['nafnet_calculate_ssim_3d (default; = MATLAB ssim on RGB)']!;
    expect(Math.abs(ssim3d(a, b) - published3d)).toBeLessThan(1e-5);
    expect(liveFrames()).toBe(0);
  });
});

describe('pictures', () => {
  it('compares an unquantised float prediction, channels first, with 8 bits', async () => {
    const { gt, values, shape_hwc } = config.pairs[0]!;
    const [height, width] = shape_hwc;
    const floats = pictureFromArray(loadFloats('pair0_pred_float.npy'), { width, height, layout: 'chw' });
    expect(psnr(floats, await load(gt))).toBeCloseTo(values['mimo_psnr_unquantised_pred_vs_png_gt']!, 5);
  });

  it('gives deeper samples of the same intensities the same scores', async () => {
    const { gt, pred } = config.pairs[1]!;
    const deep = (picture: Picture): Picture => ({
      ...picture,
      range: 1020,
      channels: picture.channels.map((channel) => ({ ...channel, data: Uint16Array.from(channel.data, (v) => v * 4) })),
    });
    const [a, b] = [await load(gt), await load(pred)];
    expect(psnr(deep(a), deep(b))).toBeCloseTo(psnr(a, b), 9);
    expect(ssim2d(deep(a), deep(b))).toBeCloseTo(ssim2d(a, b), 9);
    expect(ssim3d(deep(a), deep(b))).toBeCloseTo(ssim3d(a, b), 9);
  });

  it('reads both layouts of an array alike', () => {
    const hwc = Uint8Array.from({ length: 12 * 13 * 3 }, (_, i) => (i * 37) % 256);
    const chw = Uint8Array.from(hwc, (_, i) => hwc[(i % 156) * 3 + Math.floor(i / 156)]!);
    const size = { width: 13, height: 12 };
    const other = pictureFromArray(new Uint8Array(hwc.length).fill(90), size);
    const a = pictureFromArray(hwc, size);
    const b = pictureFromArray(chw, { ...size, layout: 'chw' });
    expect(psnr(a, b)).toBe(Infinity);
    expect(ssim3d(a, b)).toBe(1);
    expect(ssim3d(b, other)).toBe(ssim3d(a, other));
  });

  it('knows that the order of channels matters to 3-D SSIM and not to 2-D', async () => {
    const { gt, pred } = config.pairs[1]!;
    const swapped = ({ channels: [r, g, b], ...rest }: Picture): Picture => ({ ...rest, channels: [g!, r!, b!] });
    const [a, b] = [await load(gt), await load(pred)];
    expect(ssim2d(swapped(a), swapped(b))).toBeCloseTo(ssim2d(a, b), 12);
    expect(Math.abs(ssim3d(swapped(a), swapped(b)) - ssim3d(a, b))).toBeGreaterThan(1e-6);
  });

  it('refuses pictures of different shape, and 2-D SSIM below its window', () => {
    const gray = (width: number, height: number) =>
      pictureFromArray(new Uint8Array(width * height), { width, height, channels: 1 });
    expect(() => psnr(gray(4, 4), gray(4, 5))).toThrow(DeblurError);
    expect(() => ssim2d(gray(10, 20), gray(10, 20))).toThrow(/at least 11x11 pixels/);
    expect(ssim3d(gray(1, 1), gray(1, 1))).toBe(1);
    expect(() => pictureFromArray(new Uint8Array(5), { width: 2, height: 1 })).toThrow(TypeError);
  });
});
