import { expect, test } from 'vitest';
import { plainText } from '../../src/io/subtitles/markup.js';
import { convertText, textCodecs } from '../../src/io/subtitles/text-codecs.js';

const codec = (name: string) => textCodecs.get(name)!;
const convert = (text: string | Buffer, from: string, to: string) =>
  convertText(Buffer.from(text), codec(from), codec(to), 7)?.toString();

/** Timed text as 3GPP TS 26.245 writes it, by hand: "Hi there" with "there" bold and italic. */
const styled = Buffer.concat([
  Buffer.from([0, 8]),
  Buffer.from('Hi there'),
  Buffer.from([0, 0, 0, 22]),
  Buffer.from('styl'),
  Buffer.from([0, 1, 0, 3, 0, 8, 0, 1, 3, 18, 255, 255, 255, 255]),
]);

test('SubRip, WebVTT and ASS say the same', () => {
  const subrip = 'One <i>two</i>\n<b>three <u>four</u></b>';
  expect(convert(subrip, 'subrip', 'subrip')).toBe('One <i>two</i>\n<b>three </b><b><u>four</u></b>');
  expect(convert(subrip, 'subrip', 'ass')).toBe(
    '7,0,Default,,0,0,0,,One {\\i1}two{\\i0}\\N{\\b1}three {\\b0}{\\b1}{\\u1}four{\\u0}{\\b0}',
  );
  expect(convert('3,0,Default,,0,0,0,,{\\an8}{\\b1}A, b{\\b0}\\Nc{\\i1\\c&H00ff00&}d{\\r}e', 'ass', 'subrip')).toBe(
    '<b>A, b</b>\nc<i>d</i>e',
  );
  expect(convert('a &amp; <c.red>b</c> &lt;3 <v Ann>c</v>', 'webvtt', 'subrip')).toBe('a & b <3 c');
  expect(convert('a & b < c', 'subrip', 'webvtt')).toBe('a &amp; b &lt; c');
  expect(convert('{\\an8}<font color="red">up</font>', 'subrip', 'text')).toBe('up');
});

test('timed text: styles are read and written, and gaps are skipped', () => {
  expect(convert(styled, 'mov_text', 'subrip')).toBe('Hi <b><i>there</i></b>');
  const bytes = convertText(Buffer.from('Hi <b><i>there</i></b>'), codec('subrip'), codec('mov_text'), 0)!;
  expect(bytes).toEqual(styled);
  expect(convert(Buffer.from([0, 0]), 'mov_text', 'subrip')).toBeUndefined();
  expect(convert(' \n', 'subrip', 'mov_text')).toBeUndefined();
});

test('timed text counts characters, not bytes, and takes no more than is there', () => {
  const text = 'héé <i>ünïcode 🎬</i>';
  const bytes = convertText(Buffer.from(text), codec('subrip'), codec('mov_text'), 0)!;
  expect(codec('subrip').encode(codec('mov_text').decode(bytes), 0).toString()).toBe(text);
  expect(plainText(codec('mov_text').decode(Buffer.from([0, 200, 0x61, 0x62])))).toBe('ab');
  expect(plainText(codec('mov_text').decode(Buffer.concat([styled, Buffer.from([0, 0, 255, 255])])))).toBe('Hi there');
  expect(codec('mov_text').decode(Buffer.from([1]))).toEqual([]);
});
