import { copyFile, link, mkdtemp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVideo } from '../../src/io/index.js';
import { mimoUnet } from '../../src/models/mimo-unet.js';
import { nafnet } from '../../src/models/nafnet.js';
import { writeSafetensors } from '../../src/models/weights/safetensors.js';
import { initialParameters } from '../../src/train/parameters.js';
import { Random } from '../../src/train/random.js';
import { deblur } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { packed } from '../support/frames.js';
import { engines } from '../support/io.js';
import { slow, writeOnnx } from '../support/onnx-file.js';
import { runningProcesses } from '../support/processes.js';
import { gain, sharpen } from '../support/stages.js';

const clip = fixture('clips/bikes-cut.mp4');
let folder: string;
let output: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deblur-cli-'));
  output = join(folder, 'out.mp4');
});

afterEach(() => rm(folder, { recursive: true }));

interface Line {
  event: string;
  [key: string]: unknown;
}

function jsonLines(stdout: string): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('deblur run', () => {
  it('writes every frame and says so', async () => {
    const { code, stdout, stderr } = await deblur(['run', clip, output, '--model', 'none', '--preset', 'veryfast']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('24 frames in, 24 out');
    expect(stderr).toContain('1 cut: 1 by scene');
    await using reader = await openVideo(output);
    expect(reader.video).toMatchObject({ codec: 'h264', width: 320, height: 136 });
  });

  it('runs a network of one’s own from an .onnx file', async () => {
    const model = join(folder, 'sharpen.onnx');
    await writeOnnx(model, sharpen, 136, 320);
    const { code, stderr } = await deblur(['run', clip, output, '--model', model, '--verbose']);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain('24 frames in, 24 out');
  });

  it('translates frames before it deblurs them, and says so', async () => {
    const translator = join(folder, 'translator.safetensors');
    const options = { baseChannels: 4, residualBlocks: 1 };
    const parameters = initialParameters(mimoUnet(options), new Random(2));
    await writeFile(
      translator,
      writeSafetensors(parameters, { network: JSON.stringify({ name: 'mimo-unet', ...options }) }),
    );
    const model = join(folder, 'sharpen.onnx');
    await writeOnnx(model, sharpen, 136, 320);

    const [once, twice] = ['once', 'twice'].map((name) => join(folder, `${name}.mkv`));
    const args = (from: string, to: string, ...rest: string[]) => ['run', from, to, '--settings', 'lossless', ...rest];
    const { code, stdout } = await deblur(args(clip, once!, '--translate', translator, '--model', model, '--json'));
    expect(code).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      model,
      translator,
      written: 24,
      guarded: { nan: 0, black: 0, mosaic: 0 },
    });

    const between = join(folder, 'between.mkv');
    const { stderr } = await deblur(args(clip, between, '--translate', translator, '--model', 'none'));
    expect(stderr).toContain(`translated by ${translator}`);
    await deblur(args(between, twice!, '--model', model));
    const [own, expected] = [await lumaOf(once!), await lumaOf(twice!)];
    const differences = own.flatMap((plane, i) => Array.from(plane, (v, at) => Math.abs(v - expected[i]![at]!)));
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(2);
  });

  it('gives the same frames whoever executes the network', async () => {
    const options = { width: 8, encoderBlocks: [1], middleBlocks: 1, decoderBlocks: [1] };
    const parameters = initialParameters(nafnet(options), new Random(1));
    // A difference of a few code values.
    parameters.get('ending.weight')?.data.forEach((value, i, data) => (data[i] = value / 4));
    const model = join(folder, 'small.safetensors');
    const network = JSON.stringify({ name: 'nafnet', ...options });
    await writeFile(model, writeSafetensors(parameters, { network }));
    const samples: Uint8Array[][] = [];
    for (const runtime of ['onnx', 'tensorflow']) {
      const file = join(folder, `${runtime}.mkv`);
      const args = ['run', clip, file, '--model', model, '--runtime', runtime, '--settings', 'lossless', '--json'];
      const { code, stdout, stderr } = await deblur(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(jsonLines(stdout).at(-1)).toMatchObject({
        runtime,
        written: 24,
        guarded: { nan: 0, black: 0, mosaic: 0 },
      });
      samples.push(await lumaOf(file));
    }
    const [onnx = [], tensorflow = []] = samples;
    const source = await lumaOf(clip);
    expect(Math.max(...onnx.map((plane, i) => largestDifference(plane, tensorflow[i])))).toBeLessThanOrEqual(1);
    expect(Math.max(...onnx.map((plane, i) => largestDifference(plane, source[i])))).toBeGreaterThan(1);
  });

  it('reports as JSON lines: start, progress, done', async () => {
    const { code, stdout, stderr } = await deblur(['run', clip, output, '--model', 'none', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = jsonLines(stdout);
    expect(lines.map(({ event }) => event)).toEqual(['start', ...Array<string>(24).fill('progress'), 'done']);
    expect(lines[0]).toMatchObject({ model: 'none', width: 320, height: 136, format: 'yuv420p' });
    expect(lines[24]).toMatchObject({ frames: 24, total: 24, remaining: 0 });
    const damage = { lostPackets: 0, corruptFrames: 0, truncated: false, notes: [] };
    expect(lines.at(-1)).toMatchObject({ read: 24, written: 24, cuts: { scene: 1 }, damage, streams: [] });
  });

  it('counts the frames whose result was broken', async () => {
    const model = join(folder, 'black.onnx');
    await writeOnnx(model, gain(0), 136, 320);
    const { code, stderr } = await deblur(['run', clip, output, '--model', model]);
    expect(code).toBe(0);
    expect(stderr).toContain(
      '24 frames went out as they came in because the result was broken: 0 NaN, 24 black, 0 mosaic',
    );
  });

  it('is silent with --quiet', async () => {
    expect(await deblur(['run', clip, output, '--model', 'none', '--quiet'])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('takes settings from a preset', async () => {
    const file = join(folder, 'out.mkv');
    const { code } = await deblur(['run', clip, file, '--model', 'none', '--settings', 'lossless']);
    expect(code).toBe(0);
    await using reader = await openVideo(file);
    expect(reader.video.codec).toBe('ffv1');
  });

  it('replaces an output only with --overwrite', async () => {
    await writeFile(output, 'precious');
    const refused = await deblur(['run', clip, output, '--model', 'none']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^deblur: .*exists.*\n.*--overwrite/);
    expect(await readFile(output, 'utf8')).toBe('precious');
    expect((await deblur(['run', clip, output, '--model', 'none', '--overwrite'])).code).toBe(0);
    expect((await readFile(output)).subarray(4, 8).toString()).toBe('ftyp');
  });
});

/** The luma of each frame of a file. */
async function lumaOf(file: string): Promise<Uint8Array[]> {
  await using reader = await openVideo(file);
  const planes: Uint8Array[] = [];
  for await (const frame of reader.frames()) {
    planes.push(...packed(frame).slice(0, 1));
    frame.dispose();
  }
  return planes;
}

function largestDifference(a: Uint8Array, b: Uint8Array | undefined): number {
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - (b?.[i] ?? NaN))), 0);
}

/** Runs a command that must fail: a sentence, no stack, nothing left in the folder but what was there. */
async function failing(args: readonly string[], left: readonly string[] = []) {
  const { code, stdout, stderr } = await deblur(args);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^(deblur|error): \S/);
  expect(stderr).not.toMatch(/\n\s+at |did not expect/);
  expect((await readdir(folder)).sort()).toEqual([...left].sort());
  return { code, stderr };
}

describe('deblur run, given bad input', () => {
  const none = ['--model', 'none'];
  const tensorflow = ['run', clip, 'FOLDER/o.mp4', '--runtime', 'tensorflow'];

  it.each([
    ['a missing file', () => Promise.resolve(), /no such file|does not exist|There is no/i],
    ['a folder', (path: string) => mkdir(path), /folder|directory/i],
    ['an empty file', (path: string) => writeFile(path, ''), /empty/i],
    ['a text renamed', (path: string) => writeFile(path, 'not a video, only words '.repeat(99)), /video/i],
  ] as const)('refuses %s with exit code 1', async (_, make, message) => {
    const input = join(folder, 'in.mp4');
    await make(input);
    const before = await readdir(folder);
    const { code, stderr } = await failing(['run', input, output, ...none], before);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('in.mp4');
  });

  it.each([
    ['itself', () => Promise.resolve('in.mp4')],
    ['a symbolic link to it', (input: string) => symlink(input, join(folder, 'same.mp4')).then(() => 'same.mp4')],
    ['a hard link to it', (input: string) => link(input, join(folder, 'same.mp4')).then(() => 'same.mp4')],
  ] as const)('never writes a video onto %s', async (_, target) => {
    const input = join(folder, 'in.mp4');
    await copyFile(clip, input);
    const name = await target(input);
    const before = await readdir(folder);
    const { code } = await failing(['run', input, join(folder, name), '--overwrite', ...none], before);
    expect(code).toBe(2);
    expect(await readFile(input)).toEqual(await readFile(clip));
  });

  it.each([
    ['an output folder that is not there', ['run', clip, 'FOLDER/none/out.mp4', ...none], 1, /none/],
    ['an output it may not write', ['run', clip, '/proc/out.mp4', ...none], 1, /proc/],
    ['an unknown codec', ['run', clip, 'FOLDER/o.mp4', ...none, '--codec', 'libx246'], 1, /libx246[^]*libx264/],
    [
      'an unknown encoder option',
      ['run', clip, 'FOLDER/o.mp4', ...none, '--encoder-option', 'sharpnes=1'],
      2,
      /sharpnes/,
    ],
    ['an unknown container', ['run', clip, 'FOLDER/o.mp5', ...none], 2, /mp5/],
    ['an unknown model', ['run', clip, 'FOLDER/o.mp4', '--model', 'maxin'], 1, /maxin[^]*maxim/],
    [
      'a model that is not installed',
      ['run', clip, 'FOLDER/o.mp4', '--model', 'nafnet-gopro-width32'],
      1,
      /models add nafnet-gopro-width32/,
    ],
    ['an unknown provider', ['run', clip, 'FOLDER/o.mp4', '--provider', 'cudaa'], 1, /cudaa/],
    ['a provider that does not work here', ['run', clip, 'FOLDER/o.mp4', '--provider', 'tensorrt'], 1, /tensorrt/i],
    ['a backend that does not work here', [...tensorflow, '--backend', 'webgpu'], 1, /webgpu[^]*npm install/],
    ['an unknown backend', [...tensorflow, '--backend', 'gpu'], 2, /backend[^]*tensorflow-gpu/],
    ['a memory budget that is none', ['run', clip, 'FOLDER/o.mp4', '--memory', 'much'], 2, /memory.*2G/],
    ['a strength above 1', ['run', clip, 'FOLDER/o.mp4', '--strength', '3'], 2, /strength/],
    ['a number that is none', ['run', clip, 'FOLDER/o.mp4', '--crf', 'low'], 2, /crf.*number/],
    ['an unknown option', ['run', clip, 'FOLDER/o.mp4', '--modell', 'none'], 2, /--modell[^]*--model/],
    ['no output', ['run', clip], 2, /output/],
    ['an unknown command', ['unblur'], 2, /unblur/],
    ['an unknown preset', ['run', clip, 'FOLDER/o.mp4', '--settings', 'archiv'], 2, /archive/],
  ] as const)('refuses %s', async (_, args, expected, message) => {
    const env = args.map((arg) => arg.replace('FOLDER', folder));
    const { code, stderr } = await failing(env);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
  });

  it('refuses an .onnx file on TensorFlow', async () => {
    const model = join(folder, 'sharpen.onnx');
    await writeOnnx(model, sharpen, 136, 320);
    const args = ['run', clip, output, '--runtime', 'tensorflow', '--model', model];
    const { code, stderr } = await failing(args, ['sharpen.onnx']);
    expect(stderr).toMatch(/sharpen\.onnx[^]*ONNX Runtime/);
    expect(code).toBe(2);
  });

  it('says in JSON what went wrong, too', async () => {
    const { code, stdout } = await deblur(['run', join(folder, 'none.mp4'), output, ...none, '--json']);
    expect(code).toBe(1);
    expect(jsonLines(stdout)).toMatchObject([{ event: 'error', code: 'INPUT_NOT_FOUND' }]);
  });
});

/** Command lines of running processes that mention a path. */
async function processesOf(path: string): Promise<string[]> {
  return (await runningProcesses()).flatMap(({ command }) => (command.includes(path) ? [command] : []));
}

describe.each(engines)('Ctrl-C with $name', ({ engine, missing }) => {
  it.skipIf(missing).each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s in the middle of a network run ends within a second with %i, no output, no orphan',
    async (name, expected) => {
      const model = join(folder, 'slow.onnx');
      await writeOnnx(model, slow(300), 136, 320);
      let sent = 0;
      const { code, stderr } = await deblur(['run', clip, output, '--model', model, '--engine', engine, '--json'], {
        onLine: (line, kill) => {
          if (!line.includes('"start"')) return;
          setTimeout(() => {
            sent = performance.now();
            kill(name);
          }, 1500);
        },
      });
      expect(performance.now() - sent).toBeLessThan(1000);
      expect(code).toBe(expected);
      expect(stderr).toContain('Cancelled; nothing was written.');
      expect(await readdir(folder)).toEqual(['slow.onnx']);
      expect(await processesOf(folder)).toEqual([]);
    },
  );
});
