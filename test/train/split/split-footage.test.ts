import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVideo } from '../../../src/io/index.js';
import { frameToRgb } from '../../../src/io/picture.js';
import { openUnpairedSet } from '../../../src/train/blur2blur/unpaired-set.js';
import { splitFootage } from '../../../src/train/split/split-footage.js';
import { deblur } from '../../support/command.js';
import { fixture } from '../../support/fixtures.js';

const [soft, crisp, cut] = ['mountain-blurry', 'mountain-sharp', 'bikes-cut'].map((name) =>
  fixture(`clips/${name}.mp4`),
);
let folder: string;
let out: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'deblur-split-'));
  out = path.join(folder, 'own');
});

afterEach(() => rm(folder, { recursive: true }));

interface Manifest {
  readonly scenes: {
    readonly name: string;
    readonly folder: string;
    readonly source: string;
    readonly frames: { readonly file: string; readonly index: number; readonly sharpness: number }[];
  }[];
}

/** Writes a frame of a clip as a photo that was held upright. */
async function photoOf(clip: string, file: string): Promise<void> {
  await using reader = await openVideo(clip);
  for await (const frame of reader.frames()) {
    using picture = frame;
    const { width, height } = picture.properties;
    await sharp(await frameToRgb(picture), { raw: { width, height, channels: 3 } })
      .rotate(270)
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 })
      .toFile(file);
    return;
  }
}

describe('splitting footage', () => {
  it('takes blurry frames to trainA and sharp ones of other scenes to trainB', async () => {
    const photo = path.join(folder, 'IMG 1.jpg');
    await photoOf(crisp!, photo);
    const report = await splitFootage([soft!, crisp!, photo], { out, least: 4, gap: 2 });
    expect(report.unusable).toEqual([]);
    expect(report.frames.blurry).toBeGreaterThanOrEqual(4);
    expect(report.frames.sharp).toBeGreaterThanOrEqual(5);

    const { scenes } = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8')) as Manifest;
    const places = new Map(scenes.map(({ name, folder: own }) => [name, own]));
    expect(Object.fromEntries(places)).toEqual({
      'mountain-blurry': 'trainA',
      'mountain-sharp': 'trainB',
      'IMG-1': 'trainB',
    });
    for (const { name, folder: own, frames } of scenes) {
      expect(await readdir(path.join(out, own, name))).toEqual(frames.map(({ file }) => file));
    }
    const upright = await sharp(path.join(out, 'trainB/IMG-1/00000000.png')).metadata();
    expect(upright).toMatchObject({ width: 320, height: 192 });
    const sheet = await sharp(path.join(out, 'contact-sheet.png')).metadata();
    expect(sheet.width).toBe(1440);

    // It is what the training of translators reads.
    const set = await openUnpairedSet(out);
    expect(set.unknown).toHaveLength(report.frames.blurry);
    expect(set.known).toHaveLength(report.frames.sharp);
  });

  it('writes the very frames that the manifest names', async () => {
    await splitFootage([soft!, crisp!], { out, least: 2 });
    const { scenes } = JSON.parse(await readFile(path.join(out, 'manifest.json'), 'utf8')) as Manifest;
    const [scene] = scenes.filter(({ folder: own }) => own === 'trainB');
    const taken = scene!.frames[scene!.frames.length - 1]!;
    await using reader = await openVideo(crisp!);
    for await (const frame of reader.frames()) {
      using picture = frame;
      if (picture.index !== taken.index) continue;
      const written = await sharp(path.join(out, 'trainB', scene!.name, taken.file))
        .raw()
        .toBuffer();
      const shown = await frameToRgb(picture);
      const differences = shown.map((value, i) => Math.abs(value - written[i]!));
      expect(differences.reduce((a, b) => a + b, 0) / shown.length).toBeLessThan(1);
    }
  });

  it('refuses footage that is all sharp, with advice', async () => {
    await expect(splitFootage([crisp!], { out, least: 4 })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('too few blurry frames') as string,
      hint: expect.stringContaining('Add clips with the blur') as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('goes on without files that are none, and says so', async () => {
    const broken = path.join(folder, 'broken.mp4');
    await writeFile(broken, 'no video');
    const report = await splitFootage([soft!, crisp!, broken], { out, least: 2 });
    expect(report.unusable).toHaveLength(1);
    expect(report.unusable[0]).toContain('broken.mp4');
  });

  it('leaves a folder alone that holds something, and nothing behind when it is cancelled', async () => {
    await mkdir(out);
    await writeFile(path.join(out, 'mine.txt'), '');
    await expect(splitFootage([soft!, crisp!], { out })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    const other = path.join(folder, 'other');
    const stop = new AbortController();
    const cancelled = splitFootage([soft!, crisp!, cut!], {
      out: other,
      least: 2,
      signal: stop.signal,
      onProgress: ({ doing }) => {
        if (doing === 'writing') stop.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(folder)).toEqual(['own']);
  });

  it('is a command', async () => {
    const { code, stdout } = await deblur(['dataset', 'split', soft!, crisp!, out, '--least', '2', '--gap', '2']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/trainA: \d+ blurry frames of 1 scenes\./);
    const usage = await deblur(['dataset', 'split', soft!]);
    expect(usage).toMatchObject({ code: 2 });
  });
});
