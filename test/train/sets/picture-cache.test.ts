import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePicture, PictureCache, pictureSize } from '../../../src/train/sets/picture-cache.js';
import { scratchFolder } from '../../support/io.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;

beforeAll(async () => {
  scratch = await scratchFolder();
});

afterAll(async () => {
  await scratch.remove();
});

const [width, height] = [6, 4];
const raw = { width, height, channels: 3 } as const;
const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);

describe('reading pictures', () => {
  it('gives 8-bit RGB of whatever a picture holds', async () => {
    const deep = Uint16Array.from(rgb, (value, i) => value * 256 + (i % 2) * 255);
    await sharp(rgb, { raw }).png().toFile(scratch.path('rgb.png'));
    await sharp(rgb, { raw }).webp({ lossless: true }).toFile(scratch.path('rgb.webp'));
    await sharp(rgb, { raw }).tiff({ compression: 'lzw' }).toFile(scratch.path('rgb.tif'));
    await sharp(rgb, { raw }).ensureAlpha(0.5).png().toFile(scratch.path('alpha.png'));
    await sharp(deep, { raw }).toColourspace('rgb16').png().toFile(scratch.path('deep.png'));
    expect((await sharp(scratch.path('deep.png')).metadata()).depth).toBe('ushort');
    for (const name of ['rgb.png', 'rgb.webp', 'rgb.tif', 'alpha.png', 'deep.png']) {
      const picture = await decodePicture(scratch.path(name));
      expect(picture).toMatchObject({ width, height });
      expect(Uint8Array.from(picture.data)).toEqual(rgb);
    }
    const gray = rgb.subarray(0, width * height);
    await sharp(gray, { raw: { width, height, channels: 1 } })
      .png()
      .toFile(scratch.path('gray.png'));
    expect(Array.from((await decodePicture(scratch.path('gray.png'))).data)).toEqual(
      [...gray].flatMap((v) => [v, v, v]),
    );
    await sharp(rgb, { raw }).jpeg().toFile(scratch.path('rgb.jpg'));
    expect((await decodePicture(scratch.path('rgb.jpg'))).data).toHaveLength(rgb.length);
    expect(await pictureSize(scratch.path('rgb.jpg'))).toEqual({ width, height });
  });

  it('names a file that is none, is cut off or is not there', async () => {
    const whole = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: '#123',
        noise: { type: 'gaussian', mean: 9, sigma: 9 },
      },
    })
      .png()
      .toBuffer();
    await writeFile(scratch.path('cut.png'), whole.subarray(0, whole.length / 2));
    await writeFile(scratch.path('text.png'), 'no picture');
    for (const name of ['cut.png', 'text.png', 'missing.png']) {
      const file = scratch.path(name);
      await expect(decodePicture(file)).rejects.toMatchObject({
        code: 'INPUT_UNREADABLE',
        message: expect.stringContaining(file) as string,
      });
    }
    await expect(pictureSize(scratch.path('text.png'))).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });
});

describe('the cache of pictures', () => {
  const bytes = width * height * 3;

  async function files(count: number): Promise<string[]> {
    const names = Array.from({ length: count }, (_, i) => scratch.path(`cached-${i}.png`));
    await Promise.all(names.map((name) => sharp(rgb, { raw }).png().toFile(name)));
    return names;
  }

  it('decodes a picture once, and at once for all who ask', async () => {
    const [file = ''] = await files(1);
    const cache = new PictureCache(bytes);
    const [one, other] = await Promise.all([cache.get(file), cache.get(file)]);
    expect(one).toBe(other);
    expect(await cache.get(file)).toBe(one);
  });

  it('stays within its budget and gives up what was not used for longest', async () => {
    const names = await files(4);
    const [a = '', b = '', c = '', d = ''] = names;
    const cache = new PictureCache(2 * bytes);
    const first = await cache.get(a);
    const second = await cache.get(b);
    await cache.get(a);
    await cache.get(c);
    expect(cache.bytes).toBe(2 * bytes);
    expect(await cache.get(a)).toBe(first);
    expect(await cache.get(b)).not.toBe(second);
    await Promise.all([...names, ...names].map((name) => cache.get(name)));
    await cache.get(d);
    expect(cache.bytes).toBe(2 * bytes);
  });

  it('reads a picture again that could not be read', async () => {
    const file = scratch.path('late.png');
    const cache = new PictureCache(bytes);
    await expect(cache.get(file)).rejects.toThrow(/late\.png/);
    await sharp(rgb, { raw }).png().toFile(file);
    expect(Uint8Array.from((await cache.get(file)).data)).toEqual(rgb);
    expect(cache.bytes).toBe(bytes);
  });
});
