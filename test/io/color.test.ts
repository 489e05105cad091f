import * as fs from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { frameToRgb, liveFrames, openVideo, writePicture } from '../../src/io/index.js';
import { av, constants as c } from '../../src/io/node-av/binding.js';
import { failure, scratchFolder } from '../support/io.js';
import { inspect, makeMedia } from '../support/media.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => {
  scratch = await scratchFolder();
});
afterAll(async () => {
  await scratch.remove();
  expect(liveFrames()).toBe(0);
});

/** A video of one colour, by its samples in code values. */
async function plain(
  name: string,
  y: number,
  u: number,
  v: number,
  height: number,
  matrix: c.AVColorSpace,
  range: c.AVColorRange,
) {
  const path = scratch.path(name);
  await makeMedia(path, {
    codec: 'libx264',
    format: 'yuv420p',
    width: 32,
    height,
    timeBase: { num: 1, den: 1000 },
    times: [0],
    lastDuration: 33,
    options: { qp: '0', preset: 'ultrafast' },
    paint: (_, plane) => [y, u, v][plane]! / 255,
    prepare: (encoder) => {
      encoder.colorSpace = matrix;
      encoder.colorRange = range;
    },
  });
  return path;
}

/** RGB of a YUV colour by ITU-T H.273 §8.3, with the luma weights of red and blue. */
function expected(y: number, u: number, v: number, [kr, kb]: readonly [number, number], full: boolean): number[] {
  const luma = full ? y / 255 : (y - 16) / 219;
  const cb = (u - 128) / (full ? 255 : 224);
  const cr = (v - 128) / (full ? 255 : 224);
  const r = luma + 2 * (1 - kr) * cr;
  const b = luma + 2 * (1 - kb) * cb;
  const g = (luma - kr * r - kb * b) / (1 - kr - kb);
  return [r, g, b].map((value) => Math.min(255, Math.max(0, value * 255)));
}

const bt709 = [0.2126, 0.0722] as const;
const bt601 = [0.299, 0.114] as const;

test.each([
  ['BT.709 as tagged', 48, c.AVCOL_SPC_BT709, c.AVCOL_RANGE_MPEG, bt709, false],
  ['SMPTE 170M as tagged', 720, c.AVCOL_SPC_SMPTE170M, c.AVCOL_RANGE_MPEG, bt601, false],
  ['full range', 48, c.AVCOL_SPC_BT709, c.AVCOL_RANGE_JPEG, bt709, true],
  ['untagged and small: SMPTE 170M', 48, c.AVCOL_SPC_UNSPECIFIED, c.AVCOL_RANGE_UNSPECIFIED, bt601, false],
  ['untagged and large: BT.709', 720, c.AVCOL_SPC_UNSPECIFIED, c.AVCOL_RANGE_UNSPECIFIED, bt709, false],
])('YUV becomes RGB by %s', async (name, height, matrix, range, weights, full) => {
  const [y, u, v] = [110, 100, 160];
  const path = await plain(`${name.replace(/\W/g, '')}.mkv`, y, u, v, height, matrix, range);
  const want = expected(y, u, v, weights, full);
  for (const format of [undefined, 'gbrp']) {
    await using reader = await openVideo(path, format === undefined ? {} : { format });
    for await (const frame of reader.frames()) {
      using owned = frame;
      const rgb = await frameToRgb(owned);
      expect(rgb).toHaveLength(32 * height * 3);
      for (const at of [0, 3 * 32 * (height - 1) + 93]) {
        for (const [i, value] of want.entries()) expect(Math.abs(rgb[at + i]! - value)).toBeLessThanOrEqual(1);
      }
    }
  }
});

test('a picture is written as PNG and read back the same', async () => {
  const [width, height] = [19, 7];
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) & 255);
  const path = scratch.path('picture.png');
  await writePicture(path, rgb, width, height);
  await writePicture(path, rgb, width, height);
  expect((await fs.readFile(path)).subarray(1, 4).toString()).toBe('PNG');
  await using reader = await openVideo(path);
  let frames = 0;
  for await (const frame of reader.frames()) {
    using owned = frame;
    frames += 1;
    expect(await frameToRgb(owned)).toEqual(rgb);
  }
  expect(frames).toBe(1);
  expect(await inspect(path, (input) => av.avGetCodecName(input.streams[0]!.codecpar.codecId))).toBe('png');
  expect(await failure(writePicture(path, rgb, width, 8))).toMatchObject({ code: 'USAGE' });
  expect(await failure(writePicture(scratch.path('no/a.png'), rgb, width, height))).toMatchObject({
    code: 'OUTPUT_UNWRITABLE',
  });
});
