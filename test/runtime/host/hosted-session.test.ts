import { performance } from 'node:perf_hooks';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openVideo, type Frame } from '../../../src/io/index.js';
import { createFrameSession } from '../../../src/runtime/onnx/frame-session.js';
import { openHostedSession } from '../../../src/runtime/host/hosted-session.js';
import { openSession } from '../../../src/runtime/open-session.js';
import { readModelFile } from '../../../src/runtime/onnx/model-file.js';
import { fixture } from '../../support/fixtures.js';
import { runningProcesses } from '../../support/processes.js';
import { slow, writeOnnx } from '../../support/onnx-file.js';
import { sharpen } from '../../support/stages.js';

let folder: string;
let frame: Frame;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deblur-host-'));
  await using reader = await openVideo(fixture('clips/bikes-cut.mp4'));
  const first = await reader.frames().next();
  if (first.done) throw new RangeError('no frame');
  frame = first.value;
  await writeOnnx(join(folder, 'sharpen.onnx'), sharpen, 136, 320);
  await writeOnnx(join(folder, 'slow.onnx'), slow(700), 136, 320);
});
afterAll(async () => {
  frame.dispose();
  await rm(folder, { recursive: true });
});

function open(model: string, signal?: AbortSignal) {
  const { width, height, format, color } = frame.properties;
  return openHostedSession({ model, geometry: { width, height, format, color }, options: {} }, signal);
}

/** Whether the C library is the one that can be told to keep memory. */
const glibc = JSON.stringify(process.report.getReport()).includes('"glibcVersionRuntime"');

/** The pages that the hosts of this process were given. */
async function hostFaults(): Promise<number> {
  const own = await runningProcesses();
  return own
    .filter(({ parent, command }) => parent === process.pid && command.includes('session-host'))
    .reduce((sum, { faults }) => sum + faults, 0);
}

describe('a hosted session', () => {
  it('gives what a session in this process gives', async () => {
    const hosted = await open(join(folder, 'sharpen.onnx'));
    const local = createFrameSession(await readModelFile(join(folder, 'sharpen.onnx')), frame.properties);
    expect(hosted).toMatchObject({ provider: 'cpu', tiles: 1, batch: 1, window: { past: 0, future: 0 } });
    const [here, there] = [await local.run([[frame]]), await hosted.run([[frame]])];
    expect(there).toEqual(here);
    await hosted.close();
    await hosted.close();
    await local.close();
  });

  it('sees the same windows when they slide, jump back and overlap', async () => {
    const { width, height, format, color } = frame.properties;
    const specification = { model: 'light', geometry: { width, height, format, color }, options: {} };
    await using reader = await openVideo(fixture('clips/bikes-cut.mp4'));
    const frames: Frame[] = [];
    for await (const each of reader.frames()) {
      if (frames.length < 5) frames.push(each);
      else each.dispose();
    }
    const order = [
      [0, 0, 1],
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
      [0, 0, 1],
      [3, 4, 4],
    ];
    const windows = order.map((window) => window.flatMap((i) => frames[i] ?? []));
    const hosted = await openHostedSession(specification);
    const local = await openSession(specification);
    const there = await Promise.all(windows.map((window) => hosted.run([window])));
    for (const [i, window] of windows.entries()) {
      expect(there[i]?.map(({ planes }) => planes)).toEqual((await local.run([window])).map(({ planes }) => planes));
    }
    await hosted.close();
    await local.close();
    for (const each of frames) each.dispose();
  });

  it.runIf(glibc)('keeps the memory that its runs free', async () => {
    const hosted = await open('light-live');
    const run = () => hosted.run([[frame, frame, frame]]);
    for (let i = 0; i < 3; i += 1) await run();
    const before = await hostFaults();
    for (let i = 0; i < 10; i += 1) await run();
    // A megabyte a run; given back and taken again it is six.
    expect((await hostFaults()) - before).toBeLessThan(10 * 256);
    await hosted.close();
  });

  it('leaves this process free while a network runs', async () => {
    const hosted = await open(join(folder, 'slow.onnx'));
    const before = performance.eventLoopUtilization();
    await hosted.run([[frame]]);
    // A part of the time, which a busy machine leaves as it is.
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
    await hosted.close();
  });

  it('ends at once when the signal fires, in the middle of a run', async () => {
    const stop = new AbortController();
    const hosted = await open(join(folder, 'slow.onnx'), stop.signal);
    const run = hosted.run([[frame]]);
    setTimeout(() => {
      stop.abort();
    }, 200);
    const begun = performance.now();
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
    await hosted.close();
    expect(performance.now() - begun).toBeLessThan(1200);
  });

  it('passes errors on with their code and hint', async () => {
    await expect(open('maxin')).rejects.toMatchObject({ code: 'MODEL_UNKNOWN', hint: 'Did you mean maxim?' });
    const broken = join(folder, 'broken.onnx');
    await writeFile(broken, 'no network');
    await expect(open(broken)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });
});
