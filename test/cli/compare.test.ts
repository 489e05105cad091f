import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCommand } from '../../src/cli/compare.js';
import type { Comparison } from '../../src/metrics/index.js';
import { fixture } from '../support/fixtures.js';
import { stdoutOf } from '../support/output.js';

const sharp = fixture('clips/dogs-sharp.mp4');
const blurry = fixture('clips/dogs-blurry.mp4');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'deblur-compare-cli-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const compare = (...argv: string[]) => stdoutOf(() => compareCommand().parseAsync(argv, { from: 'user' }));

describe('deblur compare', () => {
  it('prints a row per frame, the means and the gain', async () => {
    const text = await compare(sharp, blurry, '--against', blurry);
    const lines = text.split('\n');
    expect(lines[1]).toMatch(/^ +frame +time \(s\) +PSNR \(dB\) +SSIM +PSNR \(dB\) +SSIM$/);
    expect(
      lines.filter((line) => /^ +\d+ +\d\.\d{3} +\d\d\.\d\d +0\.\d{4} +\d\d\.\d\d +0\.\d{4}$/.test(line)),
    ).toHaveLength(16);
    expect(text).toMatch(/^ +mean +25\.\d\d +0\.\d{4} +25\.\d\d +0\.\d{4}$/m);
    expect(text).toMatch(/^ +gain +\+0\.00 +\+0\.0000$/m);
    expect(text).toContain('16 frames of 256x256, RGB at 8 bits; SSIM is 3-D Gaussian.');
    const columns = lines
      .slice(1, 20)
      .filter(Boolean)
      .map((line) => line.length);
    expect(new Set(columns.slice(0, 18)).size).toBe(1);
  });

  it('prints JSON in place of the table', async () => {
    const comparison = JSON.parse(await compare(sharp, sharp, '--ssim', '2d', '--json')) as Comparison;
    expect(comparison.ssimKind).toBe('2d');
    expect(comparison.frames).toHaveLength(16);
    expect(comparison.mean.result).toEqual({ psnr: null, ssim: 1, identical: 16 });
  });

  it('writes JSON and a plot beside the summary, and replaces them only when told to', async () => {
    const [json, plot] = [path.join(folder, 'scores.json'), path.join(folder, 'scores.svg')];
    const files = ['--json', json, '--plot', plot];
    const text = await compare(sharp, blurry, '--summary', ...files);
    expect(text).toMatch(/mean +25\.\d\d/);
    expect(text.split('\n').length).toBeLessThan(8);
    expect((JSON.parse(readFileSync(json, 'utf8')) as Comparison).frames).toHaveLength(16);
    expect(readFileSync(plot, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);

    await expect(compare(sharp, sharp, ...files)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await compare(sharp, sharp, '--summary', '--overwrite', ...files);
    expect((JSON.parse(readFileSync(json, 'utf8')) as Comparison).mean.result.ssim).toBe(1);
  });

  it('prints nothing but the error when it cannot compare', async () => {
    const mountain = fixture('clips/mountain-sharp.mp4');
    const printed = await stdoutOf(async () => {
      const work = compareCommand().parseAsync([sharp, mountain], { from: 'user' });
      await expect(work).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED', exitCode: 1 });
    });
    expect(printed).toBe('');
  });

  it('refuses a plot that is no SVG before it starts', async () => {
    const plot = path.join(folder, 'scores.png');
    await expect(compare(sharp, blurry, '--plot', plot)).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(existsSync(plot)).toBe(false);
  });

  it('says when a report cannot be written', async () => {
    const nowhere = path.join(folder, 'no', 'such', 'folder.json');
    await expect(compare(sharp, sharp, '--summary', '--json', nowhere)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      exitCode: 1,
    });
  });
});
