import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createVideo, liveFrames, openVideo, probe } from '../../src/io/index.js';
import { packagePath } from '../../src/package-root.js';
import { fixture } from '../support/fixtures.js';
import { failure, scratchFolder, transcode } from '../support/io.js';
import { makeMedia, pcmTone, type MediaSpec } from '../support/media.js';

const blurry = fixture('clips/dogs-blurry.mp4');
const mayAll = process.getuid?.() === 0;

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => {
  scratch = await scratchFolder();
});
afterAll(() => scratch.remove());
afterEach(async () => {
  expect(liveFrames()).toBe(0);
  expect((await scratch.files()).filter((name) => name.includes('.partial'))).toEqual([]);
});

const small: MediaSpec = {
  codec: 'libx264',
  format: 'yuv420p',
  width: 64,
  height: 48,
  timeBase: { num: 1, den: 1000 },
  times: [0, 33, 67],
  lastDuration: 33,
};

describe('inputs that cannot be read', () => {
  test.each([
    ['a missing file', () => Promise.resolve(scratch.path('none.mp4')), 'INPUT_NOT_FOUND', /^There is no file /],
    ['a folder', () => Promise.resolve(scratch.path('.')), 'INPUT_UNREADABLE', /is a folder, not a video file\.$/],
    ['an empty file', () => written('empty.mp4', ''), 'INPUT_UNREADABLE', /is an empty file\.$/],
    [
      'a text named .mp4',
      () => written('text.mp4', 'This is no film.\n'.repeat(99)),
      'INPUT_UNREADABLE',
      /not a video file that FFmpeg knows/,
    ],
    [
      'a list of other files',
      () => written('list.mp4', `ffconcat version 1.0\nfile '${blurry}'\n`),
      'INPUT_UNREADABLE',
      /./,
    ],
    [
      'a playlist',
      () => written('play.mp4', `#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile://${blurry}\n#EXT-X-ENDLIST\n`),
      'INPUT_UNREADABLE',
      /./,
    ],
    ['a file without its index', () => cut('noindex.mp4'), 'INPUT_UNREADABLE', /is cut off: its index .* is missing/],
    ['sound alone', () => soundAlone(), 'INPUT_UNREADABLE', /has no video: it holds only audio\.$/],
  ])('%s', async (_, make, code, message) => {
    const path = await make();
    const error = await failure(openVideo(path));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('undefined');
  });

  test('a video without a frame', async () => {
    const path = scratch.path('frameless.mov');
    await makeMedia(path, { ...small, times: [] });
    const error = await failure(transcode(path, scratch.path('frameless-out.mp4')));
    expect(error.code).toBe('INPUT_UNREADABLE');
    expect(error.message).toMatch(/no video|no picture|Not one frame/);
  });

  test.skipIf(mayAll)('a file without permission', async () => {
    const path = await written('secret.mp4', 'x');
    await fs.chmod(path, 0);
    expect(await failure(openVideo(path))).toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('no permission') as string,
    });
  });

  test('a name that looks like a protocol is a file', async () => {
    const path = scratch.path('http:clip.mp4');
    await fs.copyFile(blurry, path);
    expect((await probe(path)).streams[0]).toMatchObject({ codec: 'h264' });
  });
});

describe('outputs that cannot be written', () => {
  const attempt = async (path: string, overwrite = false) => {
    await using source = await openVideo(blurry);
    return failure(createVideo(path, { source, overwrite }));
  };

  test('an existing file is kept unless overwriting is allowed', async () => {
    const path = await written('there.mp4', 'mine');
    expect(await attempt(path)).toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('exists already') as string,
    });
    expect(await fs.readFile(path, 'utf8')).toBe('mine');
    await transcode(blurry, path, { overwrite: true, preset: 'ultrafast' });
    expect((await probe(path)).streams[0]).toMatchObject({ codec: 'h264' });
  });

  test('a file that appears meanwhile is kept', async () => {
    const path = scratch.path('race.mp4');
    await using source = await openVideo(blurry);
    await using writer = await createVideo(path, { source, preset: 'ultrafast' });
    for await (const frame of source.frames()) await writer.write(frame);
    await fs.writeFile(path, 'somebody else');
    expect(await failure(writer.finish())).toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await fs.readFile(path, 'utf8')).toBe('somebody else');
  });

  test.each(['itself', 'symbolic link', 'hard link'])('the input: %s', async (how) => {
    const input = scratch.path(`input-${how}.mp4`);
    await fs.copyFile(blurry, input);
    let output = input;
    if (how !== 'itself') {
      output = scratch.path(`${how}.mp4`);
      await (how === 'hard link' ? fs.link(input, output) : fs.symlink(input, output));
    }
    await using source = await openVideo(input);
    const error = await failure(createVideo(output, { source, overwrite: true }));
    expect(error).toMatchObject({ code: 'USAGE', message: `The output ${output} is the input itself.` });
    expect((await fs.stat(input)).size).toBe((await fs.stat(blurry)).size);
  });

  test('a link to another file is followed', async () => {
    const target = await written('target.mp4', 'old');
    const link = scratch.path('link.mp4');
    await fs.symlink(target, link);
    await transcode(blurry, link, { overwrite: true, preset: 'ultrafast' });
    expect((await fs.lstat(link)).isSymbolicLink()).toBe(true);
    expect((await probe(target)).streams[0]).toMatchObject({ codec: 'h264' });
  });

  test('a folder, a missing folder, a file in place of a folder, a device', async () => {
    expect(await attempt(scratch.path('.'), true)).toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('is a folder') as string,
    });
    expect((await attempt(scratch.path('no/such/a.mp4'))).message).toMatch(
      /^The output folder .*no\/such does not exist\.$/,
    );
    const file = await written('file', 'x');
    expect(await attempt(`${file}/a.mp4`)).toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(await attempt('/dev/null', true)).toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });

  test.skipIf(mayAll)('a read-only folder', async () => {
    await fs.mkdir(scratch.path('locked'), { mode: 0o555 });
    expect((await attempt(scratch.path('locked/a.mp4'))).message).toMatch(/is read-only for you\.$/);
  });

  test('a name that says no container, a container that does not exist', async () => {
    expect(await attempt(scratch.path('film'))).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('does not say which container') as string,
    });
    await using source = await openVideo(blurry);
    expect(await failure(createVideo(scratch.path('a.mp4'), { source, container: 'matroshka' }))).toMatchObject({
      code: 'USAGE',
      message: 'There is no output container named matroshka.',
      hint: 'Did you mean matroska?',
    });
  });

  test.skipIf(process.platform === 'win32')('no room: the file goes and the error says so', async () => {
    // A limit on the size of files stands in for a full disk: FFmpeg meets it at the same places.
    const source = scratch.path('big.mkv');
    await makeMedia(source, {
      ...small,
      width: 320,
      height: 240,
      codec: 'ffv1',
      times: Array.from({ length: 60 }, (_, i) => i * 33),
    });
    for (const [name, blocks] of [
      ['full-write.mkv', 400],
      ['full-trailer.mp4', 8],
    ] as const) {
      const script = `
        import { createVideo, openVideo } from './src/io/index.js';
        const source = await openVideo(process.argv[1]);
        try {
          const writer = await createVideo(process.argv[2], { source, codec: process.argv[2].endsWith('mkv') ? 'ffv1' : 'libx264' });
          for await (const frame of source.frames()) await writer.write(frame);
          await writer.finish();
          console.log('written');
        } catch (error) { console.log(error.code + ' ' + error.message); }
        await source.close();`;
      const text = await limited(blocks, script, source, scratch.path(name));
      expect(text).toMatch(/^OUTPUT_FULL .*(no space left|larger than its disk)/);
      expect((await scratch.files()).some((each) => each.includes('full-'))).toBe(false);
    }
  });
});

describe('options', () => {
  test.each([
    [{ engine: 'gstreamer' }, /reader option engine/],
    [{ strict: 'yes' }, /reader option strict/],
    [{ colour: 'red' }, /reader options are wrong/],
  ])('a reader refuses %j', async (options, message) => {
    const error = await failure(openVideo(blurry, options as never));
    expect(error.code).toBe('USAGE');
    expect(error.message).toMatch(message);
  });

  test.each([
    [{ crf: 'low' }, /writer option crf/],
    [{ encoderOptions: { g: 25 } }, /writer option encoderOptions\.g/],
    [{ threads: -1 }, /writer option threads/],
  ])('a writer refuses %j', async (options, message) => {
    await using source = await openVideo(blurry);
    const error = await failure(createVideo(scratch.path('x.mp4'), { source, ...(options as object) }));
    expect(error.code).toBe('USAGE');
    expect(error.message).toMatch(message);
  });

  test('an ffmpeg that is not there', async () => {
    const before = process.env['FFMPEG_PATH'];
    process.env['FFMPEG_PATH'] = scratch.path('no-ffmpeg');
    try {
      const error = await failure(openVideo(blurry, { engine: 'ffmpeg' }));
      expect(error.code).toBe('ENGINE_UNAVAILABLE');
      expect(error.message).toMatch(/^The ffmpeg engine cannot be used\. /);
      expect(error.hint).toMatch(/Install ffmpeg/);
    } finally {
      if (before === undefined) delete process.env['FFMPEG_PATH'];
      else process.env['FFMPEG_PATH'] = before;
    }
  });

  test('a signal that has fired', async () => {
    expect(await failure(openVideo(blurry, { signal: AbortSignal.abort() }))).toMatchObject({ code: 'CANCELLED' });
  });
});

async function written(name: string, content: string): Promise<string> {
  const path = scratch.path(name);
  await fs.writeFile(path, content);
  return path;
}

async function cut(name: string): Promise<string> {
  const path = scratch.path(name);
  const plain = scratch.path('plain.mp4');
  await makeMedia(plain, {
    ...small,
    timeBase: { num: 1, den: 30_000 },
    times: Array.from({ length: 20 }, (_, i) => i * 1000),
  });
  const bytes = await fs.readFile(plain);
  await fs.writeFile(path, bytes.subarray(0, bytes.indexOf('moov') - 4));
  return path;
}

async function soundAlone(): Promise<string> {
  const path = scratch.path('sound.wav');
  const samples = Buffer.concat(pcmTone(0.2).packets.map(({ data }) => data));
  const header = Buffer.alloc(44);
  header.write('RIFF');
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(48_000, 24);
  header.writeUInt32LE(96_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  await fs.writeFile(path, Buffer.concat([header, samples]));
  return path;
}

/** Runs a script against the built library in a shell that limits file sizes to so many blocks of 512 bytes. */
async function limited(blocks: number, script: string, ...args: string[]): Promise<string> {
  const root = packagePath('dist');
  return new Promise((resolve, reject) => {
    execFile(
      'sh',
      ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, '--input-type=module', '-e', script, ...args],
      { cwd: root },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stderr}`));
        else resolve(stdout);
      },
    );
  });
}
