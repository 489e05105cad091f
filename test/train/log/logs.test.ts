import * as fs from 'node:fs/promises';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventLog } from '../../../src/train/log/event-file.js';
import { decodeEvent } from '../../../src/train/log/event-proto.js';
import { jsonlLog } from '../../../src/train/log/jsonl-log.js';
import { crc32c, decodeRecords } from '../../../src/train/log/records.js';
import { logTo } from '../../../src/train/log/train-log.js';
import { failure, scratchFolder } from '../../support/io.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeEach(async () => {
  scratch = await scratchFolder();
});
afterEach(() => scratch.remove());

const picture = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 1, 2, 3) };

describe('the log of lines', () => {
  it('goes on after the step that a run begins with', async () => {
    const file = scratch.path('run/log.jsonl');
    const first = jsonlLog(file, 0);
    for (const step of [1, 2, 3]) first.scalars(step, { loss: 1 / step });
    first.scalars(4, { loss: NaN });
    await first.close();
    await fs.appendFile(file, '{"step":2,"lo');
    const second = jsonlLog(file, 2);
    second.scalars(3, { loss: 7 });
    second.text(3, 'note', 'a\nb');
    await second.close();
    const lines = (await fs.readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { step: 1, loss: 1 },
      { step: 2, loss: 0.5 },
      { step: 3, loss: 7 },
      { step: 3, note: 'a\nb' },
    ]);
  });

  it('says where it can not be written', async () => {
    await fs.writeFile(scratch.path('file'), '');
    const opening = Promise.resolve().then(() => jsonlLog(scratch.path('file/log.jsonl'), 0));
    expect(await failure(opening)).toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });
});

describe('the event file', () => {
  it('holds what TensorBoard reads', async () => {
    const log = logTo(eventLog(scratch.path('events'), 20));
    log.scalars(21, { loss: 0.5, 'validation/psnr': 30 });
    await log.picture(21, 'validation/a', picture);
    log.text(0, 'recipe', '{"seed": 1} ü');
    await log.close();
    const [name = ''] = await fs.readdir(scratch.path('events'));
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\.[\w.-]+$/);
    const records = decodeRecords(await fs.readFile(scratch.path(`events/${name}`)));
    const [version, start, scalars, image, text] = records.map(decodeEvent);
    expect(version?.fileVersion).toBe('brain.Event:2');
    expect(version?.wallTime).toBeCloseTo(Date.now() / 1000, -2);
    expect(start).toMatchObject({ step: 21, sessionLog: { status: 1 } });
    expect(scalars?.step).toBe(21);
    expect(scalars?.summary?.value).toEqual([
      { tag: 'loss', simpleValue: 0.5 },
      { tag: 'validation/psnr', simpleValue: 30 },
    ]);
    const shown = image?.summary?.value[0]?.image;
    expect(shown).toMatchObject({ width: 2, height: 1, colorspace: 3 });
    const pixels = await sharp(shown?.encodedImageString).removeAlpha().raw().toBuffer();
    expect([...pixels]).toEqual([...picture.data]);
    const value = text?.summary?.value[0];
    expect(value?.metadata?.pluginData.pluginName).toBe('text');
    expect(Buffer.from(value?.tensor?.stringVal[0] ?? []).toString()).toBe('{"seed": 1} ü');
  });

  it('has checksums that notice one flipped bit', async () => {
    // The check value that is published with the polynomial.
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    const log = eventLog(scratch.path('events'), 0);
    await log.close();
    const [name = ''] = await fs.readdir(scratch.path('events'));
    const bytes = await fs.readFile(scratch.path(`events/${name}`));
    for (const at of [0, 14]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 1;
      expect(() => decodeRecords(damaged)).toThrow(/damaged/);
    }
  });
});
