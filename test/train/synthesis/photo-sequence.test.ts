import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { Random } from '../../../src/train/random.js';
import { cameraResponse } from '../../../src/train/synthesis/camera-response.js';
import type { SynthesisedFrame } from '../../../src/train/synthesis/film.js';
import { filmPhoto } from '../../../src/train/synthesis/photo-sequence.js';
import type { PhotoPlan, SequencePlan } from '../../../src/train/synthesis/plan.js';
import { scratchFolder } from '../../support/io.js';
import { laplacianVariance } from '../../../src/metrics/sharpness.js';
import { detailedPicture } from '../../support/photos.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
const [width, height] = [240, 120];

beforeAll(async () => {
  scratch = await scratchFolder();
  const bars = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    Math.floor(i / 3) % width < width / 2 ? 20 : 220,
  );
  const raw = { width, height, channels: 3 } as const;
  await sharp(bars, { raw }).toFile(scratch.path('edge.png'));
  await sharp(detailedPicture(4, width, height), { raw }).toFile(scratch.path('detail.png'));
});

afterAll(async () => {
  await scratch.remove();
});

const size = { width: 64, height: 40 };

/** A plan for a camera without noise that pans; `changes` make it another. */
function plan(
  photo: string,
  pan: readonly [number, number],
  changes: Partial<PhotoPlan> = {},
): SequencePlan & { photo: PhotoPlan } {
  const file = { path: scratch.path(photo), name: photo, kind: 'photo', licence: 'CC0-1.0', split: 'train' } as const;
  const source = { ...file, width, height };
  const still = { x: [], y: [], roll: [], zoom: [], yaw: [], pitch: [] };
  const drawn = { photoWidth: width, optics: 0.3, highlights: 1, readout: 0, path: { pan, ...still }, foregrounds: [] };
  return {
    ...{ name: 'train/000', split: 'train', source, still: false, blur: 8, exposure: 1, response: 'srgb', noise: 0 },
    ...{ sensor: { shot: 0, read: 0, gains: [1, 1, 1] }, leastMoments: 5, photo: { ...drawn, ...changes } },
  };
}

async function film(drawn: SequencePlan & { photo: PhotoPlan }, frames = 1): Promise<SynthesisedFrame[]> {
  const made: SynthesisedFrame[] = [];
  const { frames: all } = await filmPhoto(new Random(1), drawn, { size, frames, sharpness: 0 });
  for await (const frame of all) made.push(frame);
  return made;
}

function green(picture: Uint8Array, row: number): number[] {
  return Array.from({ length: size.width }, (_, x) => picture[3 * (row * size.width + x) + 1] ?? 0);
}

describe('a photo filmed by a virtual camera', () => {
  it('is averaged in linear light', async () => {
    const [frame] = await film(plan('edge.png', [12, 0]));
    // The edge passes each column of its path after another part of the exposure; the mean of all is exact.
    const srgb = cameraResponse('srgb');
    const [dark, bright] = [srgb.toLinear(20 / 255), srgb.toLinear(220 / 255)];
    const mean = (row: number[]) => row.reduce((sum, code) => sum + srgb.toLinear(code / 255), 0) / row.length;
    const [blur, truth] = [green(frame!.blur, 20), green(frame!.sharp, 20)];
    expect(mean(blur)).toBeCloseTo(mean(truth), 3);
    // Halfway through the path the light is half of both, which is a code of its own. The path's middle is where the
    // truth's own light, softened by the optics, is half of both: between two pixels.
    const light = (code: number) => srgb.toLinear(code / 255);
    const middle = truth.findIndex(
      (code, x) => light(code) < (dark + bright) / 2 && light(truth[x + 1] ?? 0) >= (dark + bright) / 2,
    );
    expect(middle).toBeGreaterThan(8);
    const between = (row: number[], part: number) => (1 - part) * light(row[middle]!) + part * light(row[middle + 1]!);
    const part = ((dark + bright) / 2 - between(truth, 0)) / (between(truth, 1) - between(truth, 0));
    const half = 255 * srgb.fromLinear(between(blur, part));
    expect(half).toBeGreaterThan(255 * srgb.fromLinear((dark + bright) / 2) - 4);
    expect(half).toBeLessThan(255 * srgb.fromLinear((dark + bright) / 2) + 4);
    expect(frame!.length).toBeCloseTo(12, 5);
    // As a mean of code values it would be 120.
    expect(half).toBeGreaterThan(150);
  });

  it.each([
    ['sideways', [9, 0]],
    ['aslant', [5, -6]],
  ] as const)('has its truth in the middle of the exposure (%s)', async (_, pan) => {
    for (const frame of await film(plan('detail.png', pan), 3)) {
      const part = (picture: Uint8Array, dx: number, dy: number) => {
        const values: number[] = [];
        for (let y = 8; y < size.height - 8; y += 1) {
          for (let x = 8; x < size.width - 8; x += 1) {
            values.push(picture[3 * ((y + dy) * size.width + x + dx) + 1] ?? 0);
          }
        }
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const length = Math.hypot(...values.map((value) => value - mean));
        return values.map((value) => (value - mean) / length);
      };
      const blur = part(frame.blur, 0, 0);
      const correlation = (dx: number, dy: number) =>
        part(frame.sharp, dx, dy).reduce((sum, value, i) => sum + value * blur[i]!, 0);
      for (let dy = -3; dy <= 3; dy += 1) {
        for (let dx = -3; dx <= 3; dx += 1) {
          if (dx !== 0 || dy !== 0) expect(correlation(dx, dy)).toBeLessThan(correlation(0, 0));
        }
      }
    }
  });

  it('moves between frames by what the blur shows', async () => {
    const [before, after] = await film(plan('detail.png', [4, 0]), 2);
    const row = (frame: SynthesisedFrame) => green(frame.sharp, 11);
    expect(row(after!).slice(0, -4)).toEqual(row(before!).slice(4));
  });

  it('is as sharp between the pixels of the photo as on them', async () => {
    const frames = await film(plan('detail.png', [0.25, 0.25], { optics: 0.5 }), 3);
    const sharpness = frames.map(({ sharp: picture }) => {
      const luma = Uint8Array.from({ length: size.width * size.height }, (_, i) => picture[3 * i + 1] ?? 0);
      return laplacianVariance(luma, { left: 0, top: 0, ...size, stride: size.width });
    });
    expect(Math.max(...sharpness) / Math.min(...sharpness)).toBeLessThan(1.1);
  });

  it('slants what is upright with a rolling shutter, and leaves the middle row alone', async () => {
    const [rolled] = await film(plan('edge.png', [12, 0], { readout: 0.5 }));
    const edge = (row: number) => green(rolled!.sharp, row).findIndex((code) => code >= 120);
    expect(edge(0) - edge(size.height - 1)).toBe(6);
  });

  it('blurs nothing when nothing moves', async () => {
    const [frame] = await film(plan('detail.png', [0, 0]));
    expect(frame!.blur).toEqual(frame!.sharp);
    expect(frame!.length).toBe(0);
  });

  it('keeps the streak of a light that the photo shows as white brighter than a mean of whites', async () => {
    await sharp({ create: { width, height, channels: 3, background: '#000' } })
      .composite([{ input: { create: { width: 6, height: 120, channels: 3, background: '#fff' } }, left: 117, top: 0 }])
      .png()
      .toFile(scratch.path('light.png'));
    const brightest = async (highlights: number) => {
      const [frame] = await film(plan('light.png', [20, 0], { highlights }));
      return Math.max(...green(frame!.blur, 20));
    };
    expect(await brightest(3)).toBeGreaterThan((await brightest(1)) + 40);
  });

  it('moves what is before the scene on its own', async () => {
    const foreground = { ...plan('detail.png', [0, 0]).source };
    const [before, after] = await film(plan('edge.png', [0, 0], { foregrounds: [foreground] }), 2);
    const changed = before!.sharp.filter((value, i) => value !== after!.sharp[i]).length;
    expect(changed).toBeGreaterThan(100);
    expect(before!.length).toBeGreaterThan(0);
  });
});
