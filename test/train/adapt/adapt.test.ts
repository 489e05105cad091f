import * as fs from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../src/models/registry.js';
import type { Backend } from '../../../src/runtime/tensorflow/backend.js';
import { adapt, type AdaptOptions, type AdaptStage } from '../../../src/train/adapt/adapt.js';
import { fixture } from '../../support/fixtures.js';
import { failure, scratchFolder } from '../../support/io.js';
import { writePairs } from '../../support/pair-set.js';
import { testBackend } from '../../support/tensorflow.js';

const [soft, crisp] = [fixture('clips/mountain-blurry.mp4'), fixture('clips/mountain-sharp.mp4')];
const vgg = fixture('parity/blur2blur-losses/vgg16_tiny.pth');

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let backend: Backend;
beforeAll(async () => {
  scratch = await scratchFolder();
  backend = await testBackend();
});
afterAll(() => scratch.remove());

/** Adapts in a folder of the scratch folder, and tells the stages and steps that were done. */
async function run(out: string, changes: Partial<AdaptOptions> = {}, footage = [soft, crisp]) {
  const stages: AdaptStage[] = [];
  const steps: number[] = [];
  const report = adapt(footage, {
    ...{ model: 'light', out: scratch.path(out), vgg, backend, steps: 3, baseChannels: 4, pictures: 4 },
    ...{ least: 4, step: 2 },
    ...{ provider: 'cpu', ...changes },
    onStage: (stage) => {
      stages.push(stage);
      changes.onStage?.(stage);
    },
    onStep: (progress) => {
      steps.push(progress.step);
      changes.onStep?.(progress);
    },
  });
  await Promise.allSettled([report]);
  return { report, stages, steps };
}

/** Adapts until a stage has begun, or until it goes on. */
async function stoppedIn(out: string, stage: AdaptStage, when: 'begun' | 'going', changes: Partial<AdaptOptions> = {}) {
  const stop = new AbortController();
  const abort = () => {
    stop.abort();
  };
  const { report, stages, steps } = await run(out, {
    ...changes,
    signal: stop.signal,
    onStage: (each) => {
      if (when === 'begun' && each === stage) abort();
    },
    onProgress: (progress) => {
      if (when === 'going' && progress.stage === stage && progress.done > 0) abort();
    },
    onStep: () => {
      if (when === 'going' && stage === 'train') abort();
    },
  });
  return { stages, steps, failure: await failure(report) };
}

describe('adapting to a camera', () => {
  it('makes a translator and a report, in stages that go on where they were stopped', async () => {
    await writePairs(scratch.path('pairs'), { scenes: 1, frames: 2, width: 96, height: 64 });
    const pairs = scratch.path('pairs');
    const stops = [
      await stoppedIn('own', 'split', 'going'),
      await stoppedIn('own', 'blur', 'going'),
      await stoppedIn('own', 'train', 'going', { pairs }),
    ];
    expect(stops.map(({ stages }) => stages)).toEqual([['split'], ['split', 'blur'], ['blur', 'train']]);
    for (const { failure } of stops) {
      expect(failure.code).toBe('CANCELLED');
      expect(failure.message).toContain('the same command goes on from there');
    }

    const rest = await run('own', { pairs });
    const report = await rest.report;
    expect(rest.stages).toEqual(['train', 'evaluate']);
    expect(rest.steps).toEqual([2, 3]);
    const translator = await openModel(report.translator);
    expect(translator.kind === 'network' && translator.network.options).toMatchObject({ baseChannels: 4 });
    expect(report.command).toBe(`deblur run --translate ${report.translator} --model light in.mp4 out.mp4`);
    expect(report.stages).toMatchObject({
      split: { scenes: { blurry: 1, sharp: 1 }, shortest: 192, unusable: [] },
      blur: { name: expect.stringContaining('motions of clips') as string },
      train: { steps: 3, backend: backend.name },
    });

    const [source, alone, translated, both] = report.tested.subjects;
    const names = [source, alone, translated, both].map((subject) => subject?.name);
    expect(names).toEqual(['source', 'light', 'translator', 'translator > light']);
    expect(report.tested.frames).toBe(5);
    expect(source?.likeness).toBeUndefined();
    // Sharp frames of this camera are sharper than the blurry ones, and three steps have hardly changed anything.
    expect(report.sharpFrames).toBeGreaterThan(1.2 * source!.sharpness);
    expect(translated?.likeness).toBeGreaterThan(35);
    expect(Math.abs(both!.sharpness - alone!.sharpness)).toBeLessThan(0.2 * alone!.sharpness);
    expect(translated?.flicker).toBeGreaterThan(0);
    expect(report.scored?.subjects.map(({ name }) => name)).toEqual(['input', 'light', 'translator > light']);
    expect(report.remarks.join()).toContain('On the pairs with truth');

    expect(JSON.parse(await fs.readFile(scratch.path('own/report.json'), 'utf8'))).toEqual(report);
    const page = await fs.readFile(scratch.path('own/report.html'), 'utf8');
    expect(page).toContain('translator &gt; light');
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    expect(page.match(/<img alt="[^"]*" src="data:image\/png;base64,[A-Za-z0-9+/]+=*">/g)).toHaveLength(4);
    expect(page.match(/<svg/g)).toHaveLength(1);

    // What is complete is not done again; more steps go on with the training.
    expect((await stoppedIn('own', 'evaluate', 'begun')).stages).toEqual(['evaluate']);
    const longer = await stoppedIn('own', 'evaluate', 'begun', { steps: 4 });
    expect(longer).toMatchObject({ stages: ['train', 'evaluate'], steps: [4] });

    const other = await run('own', { baseChannels: 8 });
    expect(await failure(other.report)).toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('another baseChannels (4)') as string,
    });
  }, 400_000);

  it('refuses footage without blur, with advice', async () => {
    const { report } = await run('sharp', {}, [crisp]);
    expect(await failure(report)).toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('too few blurry frames') as string,
      hint: expect.stringContaining('Add clips with the blur') as string,
    });
  });

  it('asks before the work what can be asked before it', async () => {
    const before = await scratch.files();
    const asked = async (changes: Partial<AdaptOptions>, footage?: string[]) =>
      (await failure((await run('asked', changes, footage)).report)).code;
    expect(await asked({ model: 'lihgt' })).toBe('MODEL_UNKNOWN');
    expect(await asked({ vgg: scratch.path('none.pth') })).toBe('INPUT_NOT_FOUND');
    expect(await asked({ pairs: scratch.path('nothing') })).toBe('INPUT_NOT_FOUND');
    expect(await asked({ baseChannels: 7 })).toBe('USAGE');
    expect(await asked({ length: { min: 5, max: 4 } })).toBe('USAGE');
    expect(await asked({}, [scratch.path('nothing.mp4')])).toBe('INPUT_NOT_FOUND');
    expect(await scratch.files()).toEqual(before);
  });

  it('leaves a folder alone that holds something else', async () => {
    await fs.mkdir(scratch.path('mine'));
    await fs.writeFile(scratch.path('mine/film.txt'), '');
    const { report } = await run('mine');
    expect(await failure(report)).toMatchObject({ code: 'OUTPUT_EXISTS' });
    await fs.writeFile(scratch.path('mine/adapt.json'), '{"from":{}}');
    const again = await run('mine');
    expect(await failure(again.report)).toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await fs.readdir(scratch.path('mine'))).toEqual(['adapt.json', 'film.txt']);
  });
});
