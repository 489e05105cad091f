import * as fs from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateCommand } from '../../src/cli/evaluate.js';
import type { Evaluation } from '../../src/train/evaluate/evaluation.js';
import { failure, scratchFolder } from '../support/io.js';
import { writeOnnx } from '../support/onnx-file.js';
import { stdoutOf } from '../support/output.js';
import { writePairs } from '../support/pair-set.js';
import { identity, sharpen } from '../support/stages.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let set: string;
let models: { sharpen: string; identity: string };
beforeAll(async () => {
  scratch = await scratchFolder();
  // A scene's name may hold anything that a folder's may.
  set = scratch.path('set <b>');
  await writePairs(set, { scenes: 2, frames: 2, width: 64, height: 48 });
  models = { sharpen: scratch.path('sharpen.onnx'), identity: scratch.path('identity.onnx') };
  await writeOnnx(models.sharpen, sharpen, 48, 64);
  await writeOnnx(models.identity, identity, 48, 64);
});
afterAll(() => scratch.remove());

const evaluate = (...argv: string[]) => stdoutOf(() => evaluateCommand().parseAsync(argv, { from: 'user' }));

describe('deblur evaluate', () => {
  it('prints scenes, means and gains', async () => {
    const text = await evaluate(models.sharpen, set, '--against', models.identity);
    const [head = '', first = ''] = text.split('\n');
    expect(head).toMatch(/^scene +frames +input +.*sharpen\.onnx +gain +.*identity\.onnx +gain$/);
    expect(first).toMatch(/^test\/000 +2 +\d+\.\d\d +\d+\.\d\d +[+-]\d+\.\d\d +\d+\.\d\d +\+0\.00$/);
    expect(text).toMatch(/^input +\d+\.\d\d +- +0\.\d{4} +- +\d\.\d\d +- +-$/m);
    expect(text).toMatch(
      /^.*identity\.onnx +\d+\.\d\d +\+0\.00 +0\.\d{4} +- +\d\.\d\d +\d+\.\d +\+0\.00 at test\/000:0$/m,
    );
    expect(text).toMatch(/^truth +- +- +- +- +\d\.\d\d +- +-$/m);
    expect(text).toContain('4 frames of 2 scenes');
  });

  it('writes JSON and a report in one file', async () => {
    const [json, html] = [scratch.path('scores.json'), scratch.path('report.html')];
    await evaluate(models.sharpen, set, '--json', json, '--html', html, '--crops', '1');
    const evaluation = JSON.parse(await fs.readFile(json, 'utf8')) as Evaluation;
    expect(evaluation.frames).toHaveLength(4);
    const page = await fs.readFile(html, 'utf8');
    expect(page).toContain('set &lt;b&gt;');
    expect(page).not.toMatch(/<b>|<script|https?:\/\/(?!www\.w3\.org)/);
    // One worst and one best crop: blurry, result, truth.
    expect(page.match(/<img alt="[^"]*" src="data:image\/png;base64,[A-Za-z0-9+/]+=*">/g)).toHaveLength(6);
    expect(page.match(/<svg/g)).toHaveLength(1);
    const again = failure(evaluate('none', set, '--html', html));
    expect(await again).toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  it('scores a model with a translator against the model alone', async () => {
    const { sharpen: model, identity: translator } = models;
    const chain = `${translator} > ${model}`;
    const scored = async (...argv: string[]) => JSON.parse(await evaluate(...argv, '--json')) as Evaluation;
    const same = await scored(model, set, '--translate', translator, '--against', model);
    expect(same.subjects).toEqual(['input', chain, model]);
    for (const { scores } of same.frames) expect(scores[1]?.psnr).toBeCloseTo(scores[2]?.psnr ?? NaN, 1);
    const other = await scored('none', set, '--translate', model, '--against', translator);
    expect(other.subjects).toEqual(['input', model, translator]);
  });

  it('scores the frames themselves with "none", as JSON in place of the table', async () => {
    const text = await evaluate('none', set, '--scenes', 'test/001', '--limit', '1', '--json');
    expect(JSON.parse(text)).toMatchObject({ subjects: ['input'], frames: [{ scene: 'test/001', index: 0 }] });
  });

  it('gives the frames back at strength 0', async () => {
    const text = await evaluate(models.sharpen, set, '--strength', '0', '--json');
    const { frames } = JSON.parse(text) as Evaluation;
    for (const { scores } of frames) expect(scores[1]?.psnr).toBe(scores[0]?.psnr);
  });

  it('refuses what it can not do before it works', async () => {
    expect(await failure(evaluate(models.sharpen, set, '--against', models.sharpen))).toMatchObject({ code: 'USAGE' });
    expect(await failure(evaluate('none', scratch.path('nowhere')))).toMatchObject({
      code: expect.stringMatching(/^INPUT_/) as string,
    });
    expect(await failure(evaluate('maxin', set))).toMatchObject({ code: 'MODEL_UNKNOWN', hint: 'Did you mean maxim?' });
    expect(await failure(evaluate('none', set, '--scenes', 'tset/001'))).toMatchObject({
      code: 'USAGE',
      hint: expect.stringMatching(/test\/001/) as string,
    });
    expect(await failure(evaluate('none', set, '--lpips', models.sharpen))).toMatchObject({
      code: 'CHECKPOINT_INVALID',
    });
  });
});
