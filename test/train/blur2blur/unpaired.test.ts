import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnpairedSampler } from '../../../src/train/blur2blur/unpaired-sampler.js';
import { openUnpairedSet } from '../../../src/train/blur2blur/unpaired-set.js';
import { Random } from '../../../src/train/random.js';
import { scratchFolder } from '../../support/io.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;

/** A picture whose red is its column, whose green is its row, and whose blue is its number. */
async function writeRuler(file: string, blue: number, [width, height]: readonly [number, number]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const at = Math.floor(i / 3);
    return [at % width, Math.floor(at / width), blue][i % 3] ?? 0;
  });
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
}

async function writeFiles(root: string, files: readonly string[]): Promise<string> {
  const folder = scratch.path(root);
  for (const [i, file] of files.entries()) await writeRuler(path.join(folder, file), i, [60, 40]);
  return folder;
}

beforeAll(async () => {
  scratch = await scratchFolder();
});

afterAll(async () => {
  await scratch.remove();
});

const within = (folder: string, files: readonly string[]) => files.map((file) => path.relative(folder, file));

describe('an unpaired set', () => {
  it('keeps scenes that both folders have apart, and uses all others', async () => {
    const scenes = [1, 2, 3, 4, 5].flatMap((scene) => [`s${scene}/0.png`, `s${scene}/1.png`]);
    const root = await writeFiles('common', [
      ...scenes.map((name) => `trainA/${name}`),
      ...scenes.map((name) => `trainB/${name}`),
      'trainA/alone_0001.png',
    ]);
    const { unknown, known } = await openUnpairedSet(root);
    expect(within(root, unknown)).toEqual(['alone_0001.png', ...scenes.slice(0, 6)].map((name) => `trainA/${name}`));
    expect(within(root, known)).toEqual(scenes.slice(6).map((name) => `trainB/${name}`));
  });

  it('tells scenes by the names of pictures', async () => {
    const names = ['GOPR1_000001.png', 'GOPR1_000002.png', 'GOPR2_000001.png'];
    const root = await writeFiles(
      'named',
      ['trainA', 'trainB'].flatMap((folder) => names.map((name) => `${folder}/${name}`)),
    );
    const { unknown, known } = await openUnpairedSet(root);
    expect(within(root, unknown)).toEqual(['trainA/GOPR1_000001.png', 'trainA/GOPR1_000002.png']);
    expect(within(root, known)).toEqual(['trainB/GOPR2_000001.png']);
  });

  it('refuses one scene for both, and folders that are missing or empty', async () => {
    const root = await writeFiles('single', ['trainA/s/0.png', 'trainB/s/0.png']);
    await expect(openUnpairedSet(root)).rejects.toThrow(/are the same scene, "s"/);
    await expect(openUnpairedSet(root, { known: 'trainC' })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await mkdir(path.join(root, 'trainD'));
    await expect(openUnpairedSet(root, { known: 'trainD' })).rejects.toThrow(/trainD has no pictures/);
  });
});

describe('an unpaired sampler', () => {
  const files = ['trainA/0.png', 'trainA/1.png', 'trainA/2.png', 'trainB/a.png', 'trainB/b.png'];
  const size = 16 * 16 * 3;
  const codes = (data: Float32Array, index: number) =>
    data.slice(index * size, (index + 1) * size).map((value) => Math.round(value * 255));

  it('shows each picture once before it comes again, the same ones at the same step', async () => {
    const set = await openUnpairedSet(await writeFiles('rounds', files));
    const open = () => new UnpairedSampler(set, new Random(3), { batch: 1, crop: 16 });
    const [one, other] = [open(), open()];
    const shown: number[] = [];
    for (let step = 0; step < 6; step += 1) shown.push((await one.batch(step)).unknown[2]! * 255);
    expect(shown.slice(0, 3).map(Math.round).sort()).toEqual([0, 1, 2]);
    expect(shown.slice(3).map(Math.round).sort()).toEqual([0, 1, 2]);
    expect(await other.batch(4)).toEqual(await one.batch(4));
    expect((await other.batch(0)).unknown).not.toEqual((await one.batch(3)).unknown);
  });

  it('cuts pictures a second time where a move leads, mirrored alike', async () => {
    const set = await openUnpairedSet(await writeFiles('moves', files));
    const sampler = new UnpairedSampler(set, new Random(5), { batch: 6, crop: 16, shift: 3 });
    const mirrored = new Set<boolean>();
    for (const step of [0, 1, 2, 3]) {
      const { unknown, moved } = await sampler.batch(step);
      if (!moved) throw new Error('there is no second cut');
      const { right, down } = moved;
      for (let i = 0; i < 6; i += 1) {
        const [still, other] = [codes(unknown, i), codes(moved.pictures, i)];
        mirrored.add(still[0]! > still[3]!);
        // What the moved cut shows at (5, 6), the still one shows at (5 + right, 6 + down).
        const [at, from] = [3 * (6 * 16 + 5), 3 * ((6 + down) * 16 + 5 + right)];
        expect([...other.slice(at, at + 3)]).toEqual([...still.slice(from, from + 3)]);
      }
    }
    expect(mirrored.size).toBe(2);
  });

  it('resizes pictures to the side asked for', async () => {
    const set = await openUnpairedSet(await writeFiles('resized', files));
    const sampler = new UnpairedSampler(set, new Random(5), { batch: 1, crop: 20, load: 20 });
    const { unknown } = await sampler.batch(0);
    // The whole height is seen, of 40 rows every second.
    const rows = [0, 19].map((y) => Math.round(unknown[y * 20 * 3 + 1]! * 255));
    expect(rows[0]).toBeLessThan(3);
    expect(rows[1]).toBeGreaterThan(36);
  });

  it('leaves out a picture that is damaged, and refuses one that is too small', async () => {
    const root = await writeFiles('damaged', files);
    await writeFile(path.join(root, 'trainA/1.png'), 'no picture');
    const set = await openUnpairedSet(root);
    const sampler = new UnpairedSampler(set, new Random(5), { batch: 3, crop: 16 });
    await sampler.batch(0);
    expect(sampler.unreadable).toBe(1);
    await expect(new UnpairedSampler(set, new Random(5), { batch: 1, crop: 64 }).batch(0)).rejects.toThrow(
      /smaller than the crop of 64/,
    );
  });
});
