import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ffmpegCapabilities, nodeAvCapabilities } from '../../src/io/capabilities.js';

describe('nodeAvCapabilities', () => {
  it('lists the software codecs of the libraries in the process', async () => {
    const { available, version, libraries, codecs = [] } = await nodeAvCapabilities();
    expect(available).toBe(true);
    expect(version).toMatch(/^\d/);
    expect(libraries?.['avcodec']).toMatch(/^\d+\.\d+\.\d+$/);
    const encodersOf = (name: string) => codecs.find(({ codec }) => codec === name)?.encoders;
    expect(encodersOf('h264')).toContain('libx264');
    expect(encodersOf('hevc')).toContain('libx265');
    expect(encodersOf('prores')).toContain('prores_ks');
    expect(encodersOf('ffv1')).toEqual(['ffv1']);
    expect(codecs.every(({ decoders }) => decoders.length > 0)).toBe(true);
    expect(JSON.stringify(codecs)).not.toMatch(/nvenc|vaapi|qsv/);
  });
});

describe('ffmpegCapabilities', () => {
  const before = { PATH: process.env['PATH'], FFMPEG_PATH: process.env['FFMPEG_PATH'] };
  let folder: string;

  const script = (name: string, text: string) => {
    const file = path.join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  };

  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'deblur-path-'));
  });
  afterEach(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('says that none is installed', async () => {
    Reflect.deleteProperty(process.env, 'FFMPEG_PATH');
    process.env['PATH'] = folder;
    expect(await ffmpegCapabilities()).toEqual({
      engine: 'ffmpeg',
      available: false,
      reason: 'There is no ffmpeg on the search path, and FFMPEG_PATH is not set.',
    });
  });

  it.skipIf(process.platform === 'win32')('finds the binary along the search path and asks its version', async () => {
    const file = script('ffmpeg', 'echo "ffmpeg version 7.1-test Copyright"');
    Reflect.deleteProperty(process.env, 'FFMPEG_PATH');
    process.env['PATH'] = ['/nonexistent', folder].join(path.delimiter);
    expect(await ffmpegCapabilities()).toEqual({ engine: 'ffmpeg', available: true, path: file, version: '7.1-test' });
  });

  it.skipIf(process.platform === 'win32')('prefers FFMPEG_PATH, and does not trust what is no ffmpeg', async () => {
    process.env['FFMPEG_PATH'] = script('other', 'echo hello');
    expect(await ffmpegCapabilities()).toMatchObject({
      available: false,
      reason: expect.stringContaining('does not answer as ffmpeg does') as string,
    });
    process.env['FFMPEG_PATH'] = path.join(folder, 'missing');
    expect(await ffmpegCapabilities()).toMatchObject({
      available: false,
      reason: expect.stringContaining('cannot be run') as string,
    });
  });
});
