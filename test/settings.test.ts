import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBytes, presetNames, runSettingsFrom } from '../src/settings.js';

describe('sizes', () => {
  it.each([
    ['2G', 2 ** 31],
    ['512m', 2 ** 29],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['4096', 4096],
  ])('%s is understood', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['', 'many', '3X', '-1G'])('"%s" is none', (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });
});

describe('run settings', () => {
  let folder: string;
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'deblur-settings-'))));
  afterAll(() => rm(folder, { recursive: true }));

  it('are complete by default', () => {
    expect(runSettingsFrom()).toMatchObject({ engine: 'node-av', strength: 1, sceneCut: { threshold: 0.1, gap: 4 } });
  });

  it.each(presetNames())('preset %s is valid', (name) => {
    expect(runSettingsFrom({}, name).encode.codec).toBeTypeOf('string');
  });

  it('layers win from left to right, object by object', async () => {
    const file = join(folder, 'mine.json');
    await writeFile(file, JSON.stringify({ strength: 0.5, encode: { crf: 12, codec: 'libx265' } }));
    const settings = runSettingsFrom({ encode: { crf: 30 }, memory: '1G' }, file);
    expect(settings.strength).toBe(0.5);
    expect(settings.encode).toEqual({ crf: 30, codec: 'libx265' });
    expect(settings.memory).toBe(2 ** 30);
  });

  it.each([
    [{ strength: 2 }, '"strength"'],
    [{ memory: 'lots' }, 'a size such as 2G'],
    [{ encode: { crf: 'x' } }, '"encode.crf"'],
    [{ strenght: 1 }, 'there is no setting "strenght", did you mean "strength"'],
    [{ encode: { codek: 'a' } }, 'there is no setting "encode.codek", did you mean "codec"'],
  ])('%j is refused by its path', (bad, message) => {
    expect(() => runSettingsFrom(bad as never)).toThrow(message);
  });

  it('names the nearest preset', () => {
    expect(() => runSettingsFrom({}, 'archiv')).toThrow('There is no preset "archiv"');
    expect(() => runSettingsFrom({}, join(folder, 'none.json'))).toThrow('cannot be read');
  });
});
