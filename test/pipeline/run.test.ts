import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveFrames, openVideo, workingFormat } from '../../src/io/index.js';
import { deblurVideo } from '../../src/pipeline/run.js';
import { fixture } from '../support/fixtures.js';
import { scratchFolder, secondsAndSamples } from '../support/io.js';
import { makeMedia, movingPattern } from '../support/media.js';
import { writeOnnx } from '../support/onnx-file.js';
import { identity, sharpen } from '../support/stages.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => {
  folder = await scratchFolder();
});
afterAll(async () => {
  await folder.remove();
  expect(liveFrames()).toBe(0);
});

/** Four frames of an odd kind, losslessly. */
async function make(codec: string, format: string, width: number, height: number): Promise<string> {
  const path = folder.path(`${codec}-${format}-${width}x${height}.mkv`);
  const times = [0, 40, 110, 150];
  await makeMedia(path, {
    ...{ codec, format, width, height, times },
    timeBase: { num: 1, den: 1000 },
    lastDuration: 40,
    paint: movingPattern,
  });
  return path;
}

const kinds = [
  ['ffv1', 'yuv420p', 1, 1],
  ['ffv1', 'yuv420p', 17, 33],
  ['ffv1', 'yuv422p', 66, 50],
  ['ffv1', 'yuv444p', 64, 48],
  ['ffv1', 'yuv420p10le', 64, 48],
  ['ffv1', 'yuv422p10le', 33, 17],
  ['ffv1', 'yuva420p', 64, 48],
  ['ffv1', 'gray', 64, 48],
  ['ffv1', 'gray10le', 64, 48],
  ['utvideo', 'gbrp', 64, 48],
  ['ffv1', 'gbrp10le', 64, 48],
] as const;

describe('deblurVideo', () => {
  it('gives the same frames in the same order whether one process runs the network or three', async () => {
    const results = [];
    for (const processes of [1, 3]) {
      const output = folder.path(`processes-${processes}.mkv`);
      const options = { input: fixture('clips/bikes-cut.mp4'), output, model: 'light', processes, threads: 3 };
      const report = await deblurVideo({ ...options, encode: { codec: 'ffv1' } });
      expect(report.written).toBe(report.read);
      results.push(await secondsAndSamples(output));
    }
    expect(results[1]).toEqual(results[0]);
  });

  it.each(kinds)('%s %s %ix%i: a network that changes nothing gives every sample back at its time', async (...kind) => {
    const input = await make(...kind);
    const [codec, format, width, height] = kind;
    const model = folder.path(`identity-${width}x${height}.onnx`);
    await writeOnnx(model, identity, height, width);
    const output = folder.path('out.mkv');
    const report = await deblurVideo({ input, output, model, overwrite: true, encode: { codec } });
    expect(report).toMatchObject({ read: 4, written: 4, format, encodedFormat: format, provider: 'cpu' });
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(input));
  });

  it.each([
    ['rawvideo', 'nv12', 'yuv420p'],
    ['ffv1', 'bgra', 'gbrap'],
    ['png', 'rgb24', 'gbrp'],
    ['rawvideo', 'yuyv422', 'yuv422p'],
  ] as const)('%s %s goes through a network as %s', async (codec, format, working) => {
    const input = await make(codec, format, 64, 48);
    const model = folder.path('sharpen-64x48.onnx');
    await writeOnnx(model, sharpen, 48, 64);
    const output = folder.path('packed.mkv');
    const report = await deblurVideo({ input, output, model, overwrite: true, encode: { codec: 'ffv1' } });
    expect(report).toMatchObject({ read: 4, written: 4, format: working });
    await using reader = await openVideo(output);
    expect(workingFormat(reader.video.format).name).toBe(working);
  });

  it('strength 0 is the source', async () => {
    const input = await make('ffv1', 'yuv420p', 64, 48);
    const model = folder.path('sharpen-64x48.onnx');
    await writeOnnx(model, sharpen, 48, 64);
    const output = folder.path('strength.mkv');
    await deblurVideo({ input, output, model, strength: 0, encode: { codec: 'ffv1' } });
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(input));
  });

  it('tells the plan before and the progress after every frame', async () => {
    const input = await make('ffv1', 'yuv420p', 64, 48);
    const heard: string[] = [];
    await deblurVideo({
      ...{ input, output: folder.path('progress.mkv'), model: 'none' },
      onPlan: ({ width, height, model }) => heard.push(`${width}x${height} ${model}`),
      onProgress: ({ frames }) => heard.push(String(frames)),
    });
    expect(heard).toEqual(['64x48 none', '1', '2', '3', '4']);
  });

  it('is over at once when its signal has fired already', async () => {
    const input = await make('ffv1', 'yuv420p', 64, 48);
    const before = await folder.files();
    const cancelled = deblurVideo({
      input,
      output: folder.path('never.mkv'),
      model: 'none',
      signal: AbortSignal.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await folder.files()).toEqual(before);
  });
});
