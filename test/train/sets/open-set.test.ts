import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layoutNames, openPairSet } from '../../../src/train/sets/open-set.js';
import type { PairSet } from '../../../src/train/sets/pair-set.js';
import { splitScenes } from '../../../src/train/sets/split-scenes.js';
import { scratchFolder } from '../../support/io.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;

beforeAll(async () => {
  scratch = await scratchFolder();
});

afterAll(async () => {
  await scratch.remove();
});

/** A folder with files. Pictures are not opened when a set is, so their names are enough. */
async function folderOf(name: string, files: readonly string[], texts: Record<string, string> = {}): Promise<string> {
  const all = [...files.map((file) => [file, ''] as const), ...Object.entries(texts)];
  for (const [file, text] of all) {
    const whole = path.join(scratch.path(name), file);
    await mkdir(path.dirname(whole), { recursive: true });
    await writeFile(whole, text);
  }
  return scratch.path(name);
}

/** A set's scenes, with paths from its folder on. */
function scenesOf({ root, scenes }: PairSet): Record<string, string[]> {
  const short = (file: string) => path.relative(root, file).split(path.sep).join('/');
  return Object.fromEntries(
    scenes.map(({ name, pairs }) => [name, pairs.map(({ blur, sharp }) => `${short(blur)} ${short(sharp)}`)]),
  );
}

const redsFiles = ['blur', 'sharp'].flatMap((kind) =>
  ['000/00000000.png', '000/00000001.png', '001/00000000.png'].map((file) => `train_${kind}/${file}`),
);

describe('the layout of', () => {
  it('REDS is read, with the lengths of blur that a manifest tells', async () => {
    const sequence = {
      ...{ name: 'train/000', split: 'train', source: 'x', licence: 'x', kind: 'photo', exposure: 0.5 },
      ...{ readout: 0, response: 'srgb', noise: 0, lengths: [3.5, 7] },
    };
    const made = { program: 'deblur-stream', seed: 1, width: 8, height: 8, sequences: [sequence] };
    const root = await folderOf('reds', redsFiles, { 'manifest.json': JSON.stringify(made) });
    const set = await openPairSet(root);
    expect(set.layout).toBe('reds');
    expect(scenesOf(set)).toEqual({
      'train/000': [
        'train_blur/000/00000000.png train_sharp/000/00000000.png',
        'train_blur/000/00000001.png train_sharp/000/00000001.png',
      ],
      'train/001': ['train_blur/001/00000000.png train_sharp/001/00000000.png'],
    });
    expect(set.scenes[0]?.pairs.map(({ length }) => length)).toEqual([3.5, 7]);
  });

  it('REDS is read as its archives unpack, and with compressed frames', async () => {
    const root = await folderOf('reds-archives', [
      ...redsFiles.map((file) => `train/${file}`),
      'val/val_blur_jpeg/000/00000000.jpg',
      'val/val_sharp/000/00000000.png',
    ]);
    expect(Object.keys(scenesOf(await openPairSet(root)))).toEqual(['train/000', 'train/001']);
    expect(scenesOf(await openPairSet(root, { layout: 'reds-jpeg', split: 'val' }))).toEqual({
      'val/000': ['val/val_blur_jpeg/000/00000000.jpg val/val_sharp/000/00000000.png'],
    });
  });

  it('GoPro is read, with either kind of blur', async () => {
    const scene = 'train/GOPR0372_07_00';
    const root = await folderOf(
      'gopro',
      ['blur', 'blur_gamma', 'sharp'].flatMap((kind) => [`${scene}/${kind}/000047.png`, `${scene}/${kind}/000048.png`]),
    );
    const set = await openPairSet(root);
    expect(set.layout).toBe('gopro');
    expect(scenesOf(set)[scene]?.[0]).toBe(`${scene}/blur/000047.png ${scene}/sharp/000047.png`);
    const gamma = await openPairSet(root, { layout: 'gopro-gamma' });
    expect(scenesOf(gamma)[scene]?.[1]).toBe(`${scene}/blur_gamma/000048.png ${scene}/sharp/000048.png`);
  });

  it('BSD is read, one exposure or all', async () => {
    const files = ['BSD_1ms8ms/valid/007', 'BSD_3ms24ms/valid/001'].flatMap((scene) =>
      ['Blur', 'Sharp'].map((kind) => `${scene}/${kind}/RGB/00000000.png`),
    );
    const root = await folderOf('BSD', files);
    const all = await openPairSet(root, { split: 'val' });
    expect(all.layout).toBe('bsd');
    expect(all.scenes.map(({ name }) => name)).toEqual(
      ['BSD_1ms8ms/valid/007', 'BSD_3ms24ms/valid/001'].map((name) => path.normalize(name)),
    );
    const one = await openPairSet(path.join(root, 'BSD_3ms24ms'), { split: 'valid' });
    expect(scenesOf(one)[path.normalize('valid/001')]).toEqual([
      'valid/001/Blur/RGB/00000000.png valid/001/Sharp/RGB/00000000.png',
    ]);
  });

  it('RealBlur is read by its lists, sharp picture first', async () => {
    const pictures = 'RealBlur-J_ECC_IMCORR_centroid_itensity_ref';
    const line = (scene: string, i: number) =>
      `${pictures}/${scene}/gt/gt_${i}.png ${pictures}/${scene}/blur/blur_${i}.png \n`;
    const lines = [line('scene230', 7), line('scene230', 10), line('scene050', 2)];
    const root = await folderOf(
      'realblur',
      lines.flatMap((each) => each.trim().split(' ')),
      {
        'RealBlur_J_train_list.txt': lines.join(''),
      },
    );
    const set = await openPairSet(root);
    expect(set.layout).toBe('realblur-j');
    expect(scenesOf(set)).toEqual({
      scene230: [7, 10].map((i) => `${pictures}/scene230/blur/blur_${i}.png ${pictures}/scene230/gt/gt_${i}.png`),
      scene050: [`${pictures}/scene050/blur/blur_2.png ${pictures}/scene050/gt/gt_2.png`],
    });
    expect(set.scenes.every(({ stills }) => stills)).toBe(true);
    await rm(path.join(root, 'RealBlur_J_train_list.txt'));
    expect(Object.keys(scenesOf(await openPairSet(root, { split: 'all' })))).toEqual(['scene050', 'scene230']);
  });

  it('RSBlur is read by its lists, which begin in the folder around it', async () => {
    const line = (i: string) => `RSBlur/0014/${i}/gt/gt_sharp.png RSBlur/0014/${i}/real_blur/real_blur.png`;
    const lines = [line('000422'), line('000423')];
    const files = [...lines, line('000500')].flatMap((each) => each.split(' '));
    const around = await folderOf('rsblur', files, { 'RSBlur_real_val.txt': lines.join('\n') });
    const root = path.join(around, 'RSBlur');
    const set = await openPairSet(root, { split: 'val' });
    expect(set.layout).toBe('rsblur');
    expect(scenesOf(set)).toEqual({
      '0014': ['000422', '000423'].map((i) => `0014/${i}/real_blur/real_blur.png 0014/${i}/gt/gt_sharp.png`),
    });
    await rm(path.join(around, 'RSBlur_real_val.txt'));
    expect((await openPairSet(root, { split: 'all' })).scenes[0]?.pairs).toHaveLength(3);
  });

  it('RB2V is read by its metadata, the middle frame as the truth', async () => {
    const entry = (id: string, partition: string) => ({
      ...{ id, order: 'ignore', partition, blur_path: `${id}/blur/0000.png` },
      ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((i) => [`frame00${i}_path`, `${id}/sharp/0000_${i}.png`])),
    });
    const data = [entry('00000', 'train'), entry('00001', 'test')];
    const files = data.flatMap(({ id }) => [`Street/${id}/blur/0000.png`, `Street/${id}/sharp/0000_4.png`]);
    const root = await folderOf('rb2v', files, {
      'Street/metadata.json': JSON.stringify({ name: 'Street', frame_per_seq: 7, data }),
    });
    const set = await openPairSet(root, { split: 'test' });
    expect(set.layout).toBe('rb2v');
    expect(scenesOf(set)).toEqual({
      [path.normalize('Street/00001')]: ['Street/00001/blur/0000.png Street/00001/sharp/0000_4.png'],
    });
    expect((await openPairSet(path.join(root, 'Street'))).scenes.map(({ name }) => name)).toEqual(['00000']);
  });

  it('HIDE is read, scenes being the videos its pictures are from', async () => {
    const names = ['train/1fromGOPR0950.png', 'train/10fromGOPR0950.png', 'test/test-close-ups/3fromGOPR1096.MP4.png'];
    const root = await folderOf('hide', [...names, ...names.map((name) => `GT/${path.basename(name)}`)]);
    const set = await openPairSet(root);
    expect(set.layout).toBe('hide');
    expect(scenesOf(set)).toEqual({
      'train/GOPR0950': [1, 10].map((i) => `train/${i}fromGOPR0950.png GT/${i}fromGOPR0950.png`),
    });
    expect(set.scenes[0]?.stills).toBe(true);
    expect(Object.keys(scenesOf(await openPairSet(root, { split: 'test' })))).toEqual(['test/GOPR1096.MP4']);
  });

  it('the published trainings is read, frames of a scene by their names', async () => {
    const frames = ['GOPR0372_07_00_000047', 'GOPR0372_07_00_000048', 'GOPR0374_11_00_000150'];
    const mimo = await folderOf(
      'mimo',
      ['blur', 'sharp'].flatMap((kind) => frames.map((n) => `train/${kind}/${n}.png`)),
    );
    const set = await openPairSet(mimo);
    expect(set.layout).toBe('pairs');
    expect(set.scenes.map(({ name, pairs }) => [name, pairs.length])).toEqual([
      ['train/GOPR0372_07_00', 2],
      ['train/GOPR0374_11_00', 1],
    ]);
    const stills = await folderOf('restormer', ['test/input/1fromGOPR0950.png', 'test/target/1fromGOPR0950.png']);
    const [scene] = (await openPairSet(stills, { split: 'test' })).scenes;
    expect(scene).toMatchObject({ name: 'test/stills', stills: true });
    const own = await folderOf('own', ['blur/a/2.png', 'blur/a/10.png', 'sharp/a/2.jpg', 'sharp/a/10.jpg']);
    expect(scenesOf(await openPairSet(own, { split: 'all' }))).toEqual({
      'all/a': ['blur/a/2.png sharp/a/2.jpg', 'blur/a/10.png sharp/a/10.jpg'],
    });
  });
});

describe('a folder that does not fit', () => {
  it('is named where it is missing, empty or of no known layout', async () => {
    await expect(openPairSet(scratch.path('nowhere'))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    const empty = await folderOf('empty', ['readme.txt']);
    await expect(openPairSet(empty)).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: `${empty} has none of the known layouts (${layoutNames.join(', ')}).`,
    });
    const foreign = await folderOf('foreign', [], { 'metadata.json': '{"data": 3}' });
    await expect(openPairSet(foreign)).rejects.toThrow(/none of the known layouts/);
    await expect(openPairSet(foreign, { layout: 'rb2v' })).rejects.toThrow(
      /metadata\.json is not the metadata of RB2V/,
    );
    await expect(openPairSet(empty, { layout: 'gopro' })).rejects.toThrow(/is not laid out as gopro/);
    await expect(openPairSet(empty, { layout: 'gorpo' })).rejects.toMatchObject({
      hint: expect.stringMatching(/gopro/) as string,
    });
  });

  it('is told which parts it has', async () => {
    const root = await folderOf('parts', ['train_blur/000/0.png', 'train_sharp/000/0.png']);
    await expect(openPairSet(root, { split: 'trian' })).rejects.toMatchObject({
      code: 'USAGE',
      message: `${root} (reds) has no split "trian".`,
      hint: 'Did you mean train?',
    });
    const bare = await folderOf('bare', ['train_blur/readme.txt', 'train_sharp/readme.txt']);
    await expect(openPairSet(bare)).rejects.toThrow(/has no pairs of the split "train"/);
  });

  it('is told the first picture without a partner', async () => {
    const blurry = await folderOf('lonely-blur', [...redsFiles, 'train_blur/001/00000001.png']);
    await expect(openPairSet(blurry)).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: `${path.join(blurry, 'train_blur/001/00000001.png')} has no partner in ${path.join(blurry, 'train_sharp/001')}.`,
      hint: 'There are 2 blurry and 1 sharp pictures.',
    });
    const sharp = await folderOf('lonely-sharp', [...redsFiles, 'train_sharp/000/00000002.png']);
    await expect(openPairSet(sharp)).rejects.toThrow(/train_sharp.000.00000002\.png has no partner/);
    const missing = await folderOf('no-sharp', ['train_blur/000/0.png']);
    await expect(openPairSet(missing)).rejects.toThrow(/The folder .*train_sharp.000 can't be read/);
  });

  it('is told what a list gets wrong', async () => {
    const pictures = ['RealBlur-R_x/scene001/gt/gt_1.png', 'RealBlur-R_x/scene001/blur/blur_1.png'];
    const listed = async (name: string, list: string) =>
      openPairSet(await folderOf(name, pictures, { 'RealBlur_R_test_list.txt': list }), { split: 'test' });
    const good = pictures.join(' ');
    await expect(listed('list-good', `\n${good}\r\n`)).resolves.toMatchObject({ layout: 'realblur-r' });
    await expect(listed('list-gone', good.replaceAll('1.png', '2.png'))).rejects.toThrow(
      /blur_2\.png is missing, which .*list\.txt lists/,
    );
    await expect(listed('list-half', `${good}\n${pictures[0]}`)).rejects.toThrow(
      /Line 2 of .*list\.txt is not the paths/,
    );
    await expect(listed('list-out', `../secret.png ${pictures[1]}`)).rejects.toThrow(
      /Line 1 of .*list\.txt is not the paths/,
    );
    await expect(listed('list-root', `/etc/passwd ${pictures[1]}`)).rejects.toThrow(/Line 1 of/);
  });
});

describe('splitting a set', () => {
  const scenes = Array.from({ length: 20 }, (_, i) => ({
    name: `scene ${i}`,
    pairs: [0, 1, 2].map((k) => ({ blur: `${i}/b${k}.png`, sharp: `${i}/s${k}.png` })),
  }));
  const set: PairSet = { layout: 'test', root: 'the set', scenes };

  it('holds back whole scenes, the same ones each time', () => {
    const { kept, heldBack } = splitScenes(set, { fraction: 0.2, seed: 3 });
    expect(heldBack.scenes).toHaveLength(4);
    expect(new Set([...kept.scenes, ...heldBack.scenes])).toEqual(new Set(scenes));
    expect(splitScenes(set, { fraction: 0.2, seed: 3 })).toEqual({ kept, heldBack });
    expect(splitScenes(set, { fraction: 0.2, seed: 4 }).heldBack).not.toEqual(heldBack);
    const reversed = splitScenes({ ...set, scenes: [...scenes].reverse() }, { fraction: 0.2, seed: 3 });
    expect(new Set(reversed.heldBack.scenes)).toEqual(new Set(heldBack.scenes));
  });

  it('holds back one at least, and refuses a set of one', () => {
    expect(splitScenes(set, { fraction: 0.001 }).heldBack.scenes).toHaveLength(1);
    const single = { ...set, scenes: scenes.slice(0, 1) };
    expect(() => splitScenes(single, { fraction: 0.1 })).toThrow(/too few scenes to hold some back: 1/);
  });
});
