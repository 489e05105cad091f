import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveFrames } from '../../src/io/index.js';
import { Recording } from '../../src/live/recording.js';
import { packagePath } from '../../src/package-root.js';
import { bt709, testFrame } from '../support/frames.js';
import { readFrames, scratchFolder } from '../support/io.js';

const geometry = { width: 96, height: 54, format: 'yuv420p', color: bt709 };
const options = { ...geometry, rate: 25 };

describe('a recording', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  const before = liveFrames();
  beforeEach(async () => {
    folder = await scratchFolder();
  });
  afterEach(async () => {
    await folder.remove();
    expect(liveFrames()).toBe(before);
  });

  async function record(recording: Recording, frames: number, from = 0): Promise<void> {
    for (let i = from; i < from + frames; i += 1) {
      using frame = testFrame(geometry, i);
      await recording.write(frame.planes(), 7 + i / 25);
    }
  }

  it.each(['a.mp4', 'a.mov', 'a.mkv'])('to %s holds every frame at its time', async (name) => {
    const recording = await Recording.open(folder.path(name), options);
    await record(recording, 60);
    await recording.close();
    await recording.close();
    const frames = await readFrames(folder.path(name));
    expect(frames.length).toBe(60);
    frames.forEach(({ seconds }, i) => {
      expect(seconds).toBeCloseTo(i / 25, 2);
    });
  });

  it.each(['a.mp4', 'a.mkv'])('to %s can be played before it is complete', async (name) => {
    const recording = await Recording.open(folder.path(name), options);
    await record(recording, 80);
    await copyFile(folder.path(name), folder.path(`cut-${name}`));
    await recording.close();
    const frames = await readFrames(folder.path(`cut-${name}`));
    expect(frames.length).toBeGreaterThanOrEqual(50);
  });

  it('can be played after the program was killed', async () => {
    const path = folder.path('killed.mp4');
    const script = folder.path('record.mjs');
    const module = packagePath('dist/src/live/recording.js');
    await writeFile(
      script,
      `const { Recording } = await import(${JSON.stringify(module)});
       const recording = await Recording.open(${JSON.stringify(path)}, ${JSON.stringify(options)});
       const plane = (width, height, value) => ({ data: new Uint8Array(width * height).fill(value), stride: width, width, height });
       for (let i = 0; i < 100; i += 1) {
         await recording.write([plane(96, 54, i * 2), plane(48, 27, 128), plane(48, 27, 128)], i / 25);
       }
       process.kill(process.pid, 'SIGKILL');`,
    );
    const child = spawn(process.execPath, [script], { stdio: 'inherit' });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    expect((await readFrames(path)).length).toBeGreaterThanOrEqual(70);
  });

  it('keeps its size when the pictures get another one', async () => {
    const recording = await Recording.open(folder.path('a.mp4'), options);
    await record(recording, 10);
    using large = testFrame({ ...geometry, width: 192, height: 108 }, 10);
    await recording.write(large.planes(), 7 + 0.4);
    await recording.close();
    expect((await readFrames(folder.path('a.mp4'))).length).toBe(11);
  });

  it('replaces no file, and has a name that says what it is', async () => {
    await writeFile(folder.path('there.mp4'), 'precious');
    await expect(Recording.open(folder.path('there.mp4'), options)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await expect(Recording.open(folder.path('a.avi'), options)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(Recording.open(folder.path('no/a.mp4'), options)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(await folder.files()).toEqual(['there.mp4']);
  });
});
