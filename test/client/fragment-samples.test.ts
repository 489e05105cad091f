import { expect, test } from 'vitest';
import { codecOf } from '../../src/client/codec.js';
import { samplesOf } from '../../src/client/fragment-samples.js';
import { RecordedFeed } from '../support/recorded-feed.js';
import type { LiveFragment } from '../../src/live/index.js';

/** A box of MP4. */
function box(name: string, ...content: (number[] | Uint8Array)[]): Uint8Array {
  const inner = Buffer.concat(content.map((part) => Uint8Array.from(part)));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + inner.length);
  head.write(name, 4, 'latin1');
  return Buffer.concat([head, inner]);
}

function words(...values: number[]): number[] {
  return values.flatMap((value) => [value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
}

function fragment(header: number[], run: number[], media: number[]): Uint8Array {
  return Buffer.concat([
    box('moof', box('mfhd', words(0, 1)), box('traf', box('tfhd', header), box('trun', run))),
    box('mdat', media),
  ]);
}

test('a fragment of FFmpeg’s holds its picture whole', async () => {
  const feed = await RecordedFeed.make({ frames: 12 });
  const seen: LiveFragment[] = [];
  feed.fragments.subscribe((next) => seen.push(next));
  feed.play(12);
  const [init, ...media] = seen;
  expect(codecOf(init?.data ?? new Uint8Array())).toMatch(/^avc1\./);
  expect(media).toHaveLength(12);
  for (const { data } of media) {
    const samples = samplesOf(data);
    expect(samples).toHaveLength(1);
    // Units of H.264, each after its length, fill the sample.
    const [sample = new Uint8Array()] = samples;
    const view = new DataView(sample.buffer, sample.byteOffset, sample.byteLength);
    let at = 0;
    while (at < sample.length) at += 4 + view.getUint32(at);
    expect(at).toBe(sample.length);
  }
});

test('sizes come from the run, or from the header where it has none', () => {
  const own = fragment(words(0x20000, 1), words(0x301, 2, 100, 40, 2, 40, 3), [1, 2, 3, 4, 5]);
  expect(samplesOf(own).map((sample) => [...sample])).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  const usual = fragment(words(0x1b, 1, 0, 0, 1, 40, 2), words(0x5, 2, 100, 0), [1, 2, 3, 4]);
  expect(samplesOf(usual).map((sample) => [...sample])).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test.each([
  ['nothing', new Uint8Array()],
  ['no boxes', Uint8Array.from(words(3, 0))],
  ['a box that is cut off', Uint8Array.from(words(100, 0))],
  ['no media', box('moof', box('traf', box('tfhd', words(0, 1)), box('trun', words(0x200, 0))))],
  ['a sample that is larger than the media', fragment(words(0, 1), words(0x200, 1, 9), [1, 2])],
  ['more samples than there is room for', fragment(words(0, 1), words(0x200, 0xffffffff), [1])],
  ['samples without a size', fragment(words(0, 1), words(0, 1), [1])],
])('refuses %s', (_, bytes) => {
  expect(() => samplesOf(bytes)).toThrow('This is no fragment of an MP4.');
});
