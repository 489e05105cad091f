import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveFrames } from '../../src/io/index.js';
import { findBox } from '../../src/live/fragment-muxer.js';
import { half, stack, StackedEncoder } from '../../src/live/stacked-encoder.js';
import { bt709, packed, testFrame } from '../support/frames.js';
import { scratchFolder } from '../support/io.js';
import { readPackets } from '../support/media.js';

const geometry = { width: 96, height: 54, format: 'yuv420p', color: bt709 };
const options = { ...geometry, rate: 25, crf: 23, keyframeInterval: 1 };

function decodeTime(fragment: Buffer): number {
  const at = findBox(fragment, ['moof', 'traf', 'tfdt']);
  return at === undefined ? Number.NaN : Number(fragment.readBigUInt64BE(at + 4)) / 90_000;
}

describe('the stacked encoder', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  const before = liveFrames();
  beforeEach(async () => {
    folder = await scratchFolder();
  });
  afterEach(async () => {
    await folder.remove();
    expect(liveFrames()).toBe(before);
  });

  async function encode(encoder: StackedEncoder, index: number, seconds: number, key = false) {
    using frame = testFrame(geometry, index);
    using stacked = stack(frame, undefined);
    return await encoder.encode(stacked, seconds, key);
  }

  it('puts the original above the result, sample by sample', () => {
    using frame = testFrame(geometry, 1, 7);
    using other = testFrame(geometry, 2);
    using stacked = stack(frame, other.planes());
    expect([stacked.width, stacked.height]).toEqual([96, 108]);
    for (const [which, of] of [frame, other].entries()) {
      const rows = half(stacked, which === 0 ? 0 : 1).map(({ data, stride, width, height }) => {
        const out = new Uint8Array(width * height);
        for (let y = 0; y < height; y += 1) out.set(data.subarray(y * stride, y * stride + width), y * width);
        return out;
      });
      expect(rows).toEqual(packed(of));
    }
  });

  it('gives one fragment per frame at once, in the time of the session', async () => {
    await using encoder = await StackedEncoder.open(options);
    const parts: Uint8Array[] = [encoder.header];
    for (let i = 0; i < 30; i += 1) {
      const { data } = await encode(encoder, i, 100 + i / 25);
      expect(data.toString('latin1', 4, 8)).toBe('moof');
      expect(decodeTime(data)).toBeCloseTo(100 + i / 25, 4);
      parts.push(data);
    }
    const file = folder.path('live.mp4');
    await writeFile(file, Buffer.concat(parts));
    const packets = [...(await readPackets(file)).values()][0] ?? [];
    expect(packets.length).toBe(30);
    expect(encoder.codec).toMatch(/^avc1\.42[0-9a-f]{4}$/);
  });

  it('begins a group at least once a second, when asked, and after a pause that a player takes for a break', async () => {
    await using encoder = await StackedEncoder.open(options);
    // The pause comes while the group is young.
    const times = Array.from({ length: 80 }, (_, i) => i / 25 + (i >= 48 ? 0.5 : 0));
    const keys: number[] = [];
    for (const [i, seconds] of times.entries()) {
      const { keyframe } = await encode(encoder, i, seconds, i === 40);
      if (keyframe) keys.push(i);
    }
    expect(keys).toContain(0);
    expect(keys).toContain(40);
    expect(keys).toContain(48);
    keys.slice(1).forEach((key, i) => {
      expect((times[key] ?? 0) - (times[keys[i] ?? 0] ?? 0)).toBeLessThanOrEqual(1.001);
    });
    expect(keys.length).toBeLessThan(8);
  });
});
