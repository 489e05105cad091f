import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExtended } from '../src/checked.js';

describe('a settings file that extends another', () => {
  let folder: string;
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deblur-extends-'));
    await write('base.json', { seed: 1, blur: { min: 1, max: 7 }, sources: ['a', 'b'] });
    await write('middle.json', { extends: 'base.json', blur: { max: 3 } });
    await write('top.json', { extends: './middle.json', seed: 2, sources: ['c'] });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('has what both say, its own first, lists as a whole', () => {
    expect(readExtended(join(folder, 'top.json'))).toEqual({ seed: 2, blur: { min: 1, max: 3 }, sources: ['c'] });
    expect(readExtended(join(folder, 'base.json'))).toEqual({
      seed: 1,
      blur: { min: 1, max: 7 },
      sources: ['a', 'b'],
    });
  });

  it('is refused where it can’t be read, or goes in a circle', async () => {
    await write('lost.json', { extends: 'nothing.json' });
    expect(() => readExtended(join(folder, 'lost.json'))).toThrow(/nothing\.json cannot be read/);
    await write('number.json', { extends: 7 });
    expect(() => readExtended(join(folder, 'number.json'))).toThrow(/"extends" of .*number\.json must be the name/);
    await write('one.json', { extends: 'two.json' });
    await write('two.json', { extends: 'one.json' });
    expect(() => readExtended(join(folder, 'one.json'))).toThrow(/two\.json extends one\.json, which is built on it/);
  });
});
