import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checked } from '../../../src/checked.js';
import { openPairSet } from '../../../src/train/sets/open-set.js';
import { datasetConfig } from '../../../src/train/synthesis/config.js';
import { buildDataset, type BuildOptions } from '../../../src/train/synthesis/dataset.js';
import { deblur } from '../../support/command.js';
import { failure, scratchFolder } from '../../support/io.js';
import { writePhoto } from '../../support/photos.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;

const settings = {
  seed: 3,
  width: 64,
  height: 48,
  frames: 3,
  photoWidth: { min: 120, max: 200 },
  blur: { min: 2, max: 6 },
  compression: { probability: 0.5 },
  sequences: { photos: { train: 3, test: 1 } },
  sources: [
    { files: 'held*', kind: 'photo', licence: 'CC-BY-4.0', split: 'test' },
    { files: '*.png', kind: 'photo', licence: 'CC0-1.0' },
  ],
};

const config = (changes: object = {}) => checked(datasetConfig, { ...settings, ...changes }, 'The config is not right');

const build = (name: string, options: Partial<BuildOptions> = {}, changes: object = {}) =>
  buildDataset(config(changes), { out: scratch.path(name), sources: scratch.path('photos'), ...options });

/** Digest of every picture below a folder. */
async function digests(name: string): Promise<Record<string, string>> {
  const files = await fs.readdir(scratch.path(name), { recursive: true });
  const pictures = files.filter((file) => file.endsWith('.png') && file !== 'contact-sheet.png').sort();
  const digest = (file: string) =>
    createHash('sha256')
      .update(readFileSync(path.join(scratch.path(name), file)))
      .digest('hex');
  return Object.fromEntries(pictures.map((file) => [file, digest(file)]));
}

beforeAll(async () => {
  scratch = await scratchFolder();
  await fs.mkdir(scratch.path('photos'));
  for (const [i, name] of ['a', 'b', 'held-c'].entries()) {
    await writePhoto(scratch.path(`photos/${name}.png`), i, 260, 180);
  }
});

afterAll(async () => {
  await scratch.remove();
});

describe('a data set made from photos', () => {
  it('has the layout of REDS, a manifest and a contact sheet, and opens as a set of pairs', async () => {
    const report = await build('first');
    expect(report).toMatchObject({ made: 4, kept: 0, left: 0, unusable: [], skipped: [] });
    expect(Object.keys(await digests('first'))).toEqual(
      ['test', 'train'].flatMap((split) =>
        ['blur', 'sharp'].flatMap((kind) =>
          (split === 'test' ? ['000'] : ['000', '001', '002']).flatMap((number) =>
            [0, 1, 2].map((n) => `${split}_${kind}/${number}/0000000${n}.png`),
          ),
        ),
      ),
    );
    const { width, height, channels, depth } = await sharp(
      scratch.path('first/train_blur/001/00000002.png'),
    ).metadata();
    expect({ width, height, channels, depth }).toEqual({ width: 64, height: 48, channels: 3, depth: 'uchar' });
    expect((await sharp(scratch.path('first/contact-sheet.png')).metadata()).width).toBe(1440);

    const set = await openPairSet(scratch.path('first'), { split: 'train' });
    expect(set.layout).toBe('reds');
    expect(set.scenes.map(({ pairs }) => pairs.length)).toEqual([3, 3, 3]);

    const manifest = JSON.parse(readFileSync(scratch.path('first/manifest.json'), 'utf8')) as {
      sequences: { name: string; lengths: number[] }[];
    };
    expect(manifest).toMatchObject({ seed: 3, width: 64, height: 48, frames: 3 });
    const [first] = manifest.sequences;
    expect(first).toMatchObject({
      name: 'test/000',
      split: 'test',
      source: 'held-c.png',
      licence: 'CC-BY-4.0',
      seed: 3,
    });
    expect(first).toMatchObject({ parameters: { exposure: expect.any(Number) as number, path: {}, sensor: {} } });
    for (const { lengths } of manifest.sequences) {
      expect(lengths).toHaveLength(3);
      for (const length of lengths) expect(length).toBeGreaterThanOrEqual(0);
    }
    expect(set.scenes[0]?.pairs[0]?.length).toBe(
      manifest.sequences.find(({ name }) => name === 'train/000')?.lengths[0],
    );
  });

  it('is the same from the same seed with another number of workers, and another from another seed', async () => {
    await build('second', { workers: 1 });
    const [first, second] = [await digests('first'), await digests('second')];
    expect(second).toEqual(first);
    await build('third', {}, { seed: 4 });
    const third = await digests('third');
    expect(Object.values(third).filter((digest) => Object.values(first).includes(digest))).toEqual([]);
  });

  it('keeps what is complete and makes what is missing', async () => {
    const before = await digests('first');
    await fs.rm(scratch.path('first/train_sharp/001'), { recursive: true });
    const times = async () => (await fs.stat(scratch.path('first/train_blur/000/00000000.png'))).mtimeMs;
    const made = await times();
    expect(await build('first')).toMatchObject({ made: 1, kept: 3 });
    expect(await times()).toBe(made);
    expect(await digests('first')).toEqual(before);
  });

  it('makes no more than the limit, and the rest another time', async () => {
    expect(await build('limited', { limit: 1 })).toMatchObject({ made: 1, left: 3 });
    expect(await build('limited')).toMatchObject({ made: 3, kept: 1, left: 0 });
    expect(await digests('limited')).toEqual(await digests('first'));
  });

  it('does not mix sequences of different settings', async () => {
    const { code, message } = await failure(build('first', {}, { blur: { min: 1, max: 2 } }));
    expect(code).toBe('OUTPUT_EXISTS');
    expect(message).toMatch(/was made with other settings/);
  });

  it('splits by source, also what moves before the scene', async () => {
    await writePhoto(scratch.path('photos/held-d.png'), 9, 260, 180);
    const { manifest } = await build(
      'split',
      {},
      { foreground: 1, frames: 1, sequences: { photos: { train: 4, test: 4 } } },
    );
    await fs.rm(scratch.path('photos/held-d.png'));
    for (const { split, source, foregrounds } of manifest.sequences) {
      const used = [source, ...(foregrounds as { source: string }[]).map((each) => each.source)];
      expect(used.length).toBeGreaterThan(1);
      for (const name of used) expect(String(name).startsWith('held')).toBe(split === 'test');
    }
  });

  it('takes licences from a table', async () => {
    writeFileSync(scratch.path('photos/licences.tsv'), 'licence\tfile\nCC-BY-2.0\ta.png\n');
    const { manifest } = await build('licensed', {}, { licences: 'licences.tsv', frames: 1 });
    const licences = new Map(manifest.sequences.map(({ source, licence }) => [source, licence]));
    expect(licences.get('a.png')).toBe('CC-BY-2.0');
    expect(licences.get('b.png')).toBe('CC0-1.0');
  });

  it('leaves out photos that are damaged or too small, and says so', async () => {
    const whole = readFileSync(scratch.path('photos/a.png'));
    await fs.mkdir(scratch.path('bad'));
    await fs.copyFile(scratch.path('photos/a.png'), scratch.path('bad/a.png'));
    writeFileSync(scratch.path('bad/cut.png'), whole.subarray(0, whole.length / 2));
    writeFileSync(scratch.path('bad/text.png'), 'no picture');
    await writePhoto(scratch.path('bad/tiny.png'), 1, 40, 40);
    const alone = { sequences: { photos: { train: 2, test: 0 } }, frames: 1 };
    const { unusable, made } = await build('partly', { sources: scratch.path('bad') }, alone);
    expect(made).toBe(2);
    expect(unusable).toHaveLength(3);
    expect(unusable.join('\n')).toMatch(/cut\.png: it can't be read .*\ntext\.png: .*\ntiny\.png: 40x40 is too small/);
    await fs.rm(scratch.path('bad/a.png'));
    expect(await failure(build('nothing', { sources: scratch.path('bad') }, alone))).toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('None of the 3 sources') as string,
    });
  });

  it('says that a folder is empty, and that a split has no source', async () => {
    await fs.mkdir(scratch.path('empty'));
    expect(await failure(build('never', { sources: scratch.path('empty') }))).toMatchObject({
      code: 'INPUT_NOT_FOUND',
      hint: expect.stringContaining('--sources') as string,
    });
    const clips = { sequences: { photos: { train: 1, test: 0 }, clips: { train: 2 } } };
    expect((await failure(build('never', {}, clips))).message).toBe('There is no clip for the 2 sequences of train.');
    expect(await scratch.files()).not.toContain('never');
  });

  it('says when the folder can’t be written', async () => {
    writeFileSync(scratch.path('file'), '');
    expect((await failure(build('file'))).code).toBe('OUTPUT_UNWRITABLE');
    await fs.mkdir(scratch.path('blocked'));
    writeFileSync(scratch.path('blocked/train_blur'), '');
    expect((await failure(build('blocked'))).code).toBe('OUTPUT_UNWRITABLE');
  });

  it('ends at once when it is cancelled, and leaves only complete sequences', async () => {
    const stop = new AbortController();
    const long = { sequences: { photos: { train: 60, test: 0 } }, compression: { probability: 0 } };
    const onSequence = () => {
      stop.abort();
    };
    const { code, message } = await failure(build('stopped', { signal: stop.signal, onSequence }, long));
    expect(code).toBe('CANCELLED');
    expect(message).toMatch(/^Stopped\. \d+ of 60 sequences are complete/);
    const left = await fs.readdir(scratch.path('stopped'), { recursive: true });
    expect(left.filter((name) => name.includes('.part'))).toEqual([]);
    expect(left.filter((name) => name.endsWith('.png')).length % 3).toBe(0);
    expect(left).toContain('manifest.json');
  });
});

describe('deblur dataset build', () => {
  const write = (name: string, changes: object) => {
    writeFileSync(scratch.path(name), JSON.stringify({ ...settings, ...changes }));
    return scratch.path(name);
  };

  it('names an unknown setting and the nearest one', async () => {
    const file = write('wrong.json', { blurr: {}, compression: { crv: 3 } });
    const { code, stderr } = await deblur(['dataset', 'build', file, scratch.path('cli')]);
    expect(code).toBe(2);
    expect(stderr).toContain('there is no setting "compression.crv", did you mean "crf"');
    expect(stderr).toContain('there is no setting "blurr", did you mean "blur"');
  });

  it('writes where the config says, from where --sources says, and sums up', async () => {
    const file = write('right.json', { out: 'cli', frames: 1 });
    const flags = ['--sources', scratch.path('photos'), '--workers', '1', '--limit', '2'];
    const { code, stdout, stderr } = await deblur(['dataset', 'build', file, ...flags]);
    expect(stderr).toContain('2 of 2 sequences');
    expect(stdout).toContain(`${scratch.path('cli')}: 2 sequences made, 2 left for another time.`);
    expect(code).toBe(0);
  });

  it('asks for a folder', async () => {
    const { code, stderr } = await deblur(['dataset', 'build', write('nowhere.json', {})]);
    expect(code).toBe(2);
    expect(stderr).toContain('does not say which folder to write');
  });
});
