import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frame, liveFrames, tightPlanes, type Plane } from '../../src/io/index.js';
import { Scaler } from '../../src/io/node-av/scaler.js';
import { blend } from '../../src/live/blend.js';
import { bt709, packed, testFrame } from '../support/frames.js';

function tight(planes: readonly Plane[]): number[][] {
  return planes.map(({ data, stride, width, height }) =>
    Array.from({ length: width * height }, (_, i) => data[Math.floor(i / width) * stride + (i % width)] ?? -1),
  );
}

describe('blending', () => {
  const before = liveFrames();
  const geometry = { width: 64, height: 48, format: 'yuv420p', color: bt709 };
  let scaler: Scaler;
  let original: Frame;
  beforeAll(() => {
    scaler = new Scaler('quick');
    original = testFrame(geometry, 1, 13);
  });
  afterAll(() => {
    scaler[Symbol.dispose]();
    original.dispose();
    expect(liveFrames()).toBe(before);
  });

  it('of a strength between takes the mean, weighted', async () => {
    const source = packed(original);
    using other = testFrame(geometry, 9);
    const result = packed(other);
    for (const strength of [0.25, 0.5, 1]) {
      const planes = await blend({ original, seen: original, result, strength, scaler });
      const got = tight(planes ?? []);
      source.forEach((plane, p) => {
        plane.forEach((sample, i) => {
          const wanted = sample + strength * ((result[p]?.[i] ?? 0) - sample);
          expect(Math.abs((got[p]?.[i] ?? -999) - wanted)).toBeLessThanOrEqual(0.5);
        });
      });
    }
  });

  it('of strength 0 is the original itself', async () => {
    expect(await blend({ original, seen: original, result: packed(original), strength: 0, scaler })).toBeUndefined();
  });

  it("keeps the original's detail where the network saw a smaller picture", async () => {
    const small = { ...geometry, width: 32, height: 24 };
    using seen = testFrame(small, 3);
    const lighter = packed(seen).map((plane, i) => (i === 0 ? plane.map((sample) => sample + 20) : plane));
    const unchanged = await blend({ original, seen, result: packed(seen), strength: 1, scaler });
    expect(tight(unchanged ?? [])).toEqual(packed(original).map((plane) => [...plane]));
    const planes = tight((await blend({ original, seen, result: lighter, strength: 0.5, scaler })) ?? []);
    packed(original)[0]?.forEach((sample, i) => {
      expect(Math.abs((planes[0]?.[i] ?? -999) - (sample + 10))).toBeLessThanOrEqual(1);
    });
  });

  it('stays within a byte', async () => {
    const properties = { ...original.properties, width: 16, height: 16 };
    const flat = (value: number) => [256, 64, 64].map((length) => new Uint8Array(length).fill(value));
    using white = new Frame(properties, tightPlanes(properties, flat(250)));
    const smaller = { ...properties, width: 8, height: 8 };
    using seen = new Frame(
      smaller,
      tightPlanes(
        smaller,
        [64, 16, 16].map((n) => new Uint8Array(n).fill(0)),
      ),
    );
    const result = [64, 16, 16].map((n) => new Uint8Array(n).fill(255));
    const planes = await blend({ original: white, seen, result, strength: 1, scaler });
    expect(new Set(tight(planes ?? [])[0])).toEqual(new Set([255]));
  });
});
