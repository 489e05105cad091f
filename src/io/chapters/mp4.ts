import type { FileHandle } from 'node:fs/promises';
import { chapterTitle, type Chapter } from './chapter.js';

/**
 * Adds chapters to a finished MP4 or QuickTime file whose `moov` box is its last, in both forms that players
 * know: a QuickTime chapter track (a text track that the video track refers to by `tref/chap`, QuickTime File
 * Format, "Chapter Lists") and Nero's `moov/udta/chpl`. The new text samples take the place of the old `moov`,
 * which moves behind them.
 */
export async function addMp4Chapters(file: FileHandle, chapters: readonly Chapter[]): Promise<void> {
  const moov = await lastBox(file);
  if (moov.type !== 'moov') throw new RangeError(`the last box of the file is ${moov.type} and not moov`);
  const content = Buffer.alloc(moov.size - moov.header);
  await file.read(content, 0, content.length, moov.offset + moov.header);
  const boxes = splitBoxes(content);
  const header = movieHeader(boxes);
  const track = chapterTrack(chapters, moov.offset + 8, header);
  const samples = box('mdat', ...chapters.map(textSample));
  const result = box('moov', ...withChapters(boxes, header, track, chapters));
  await file.write(Buffer.concat([samples, result]), 0, samples.length + result.length, moov.offset);
  await file.truncate(moov.offset + samples.length + result.length);
}

interface Box {
  readonly type: string;
  /** The whole box with its header. */
  readonly bytes: Buffer;
}

interface MovieHeader {
  readonly timescale: number;
  readonly nextTrack: number;
}

async function lastBox(file: FileHandle): Promise<{ type: string; offset: number; size: number; header: number }> {
  const { size: end } = await file.stat();
  const head = Buffer.alloc(16);
  for (let offset = 0; ;) {
    await file.read(head, 0, 16, offset);
    const short = head.readUInt32BE(0);
    const header = short === 1 ? 16 : 8;
    const size = short === 1 ? Number(head.readBigUInt64BE(8)) : short === 0 ? end - offset : short;
    if (size < header || offset + size > end) throw new RangeError('the file has a broken box');
    if (offset + size === end) return { type: head.toString('latin1', 4, 8), offset, size, header };
    offset += size;
  }
}

function splitBoxes(content: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let offset = 0; offset + 8 <= content.length;) {
    const size = content.readUInt32BE(offset);
    if (size < 8 || offset + size > content.length) throw new RangeError('the file has a broken box');
    boxes.push({
      type: content.toString('latin1', offset + 4, offset + 8),
      bytes: content.subarray(offset, offset + size),
    });
    offset += size;
  }
  return boxes;
}

function movieHeader(boxes: readonly Box[]): MovieHeader {
  const mvhd = boxes.find(({ type }) => type === 'mvhd')?.bytes;
  if (!mvhd) throw new RangeError('the file has no movie header');
  const wide = mvhd[8] === 1;
  return { timescale: mvhd.readUInt32BE(wide ? 28 : 20), nextTrack: mvhd.readUInt32BE(mvhd.length - 4) };
}

function withChapters(
  boxes: readonly Box[],
  header: MovieHeader,
  track: Buffer,
  chapters: readonly Chapter[],
): Buffer[] {
  const result: Buffer[] = [];
  let placed = false;
  const user = boxes.find(({ type }) => type === 'udta');
  for (const { type, bytes } of boxes) {
    if (type === 'udta') continue;
    if (type === 'mvhd') bytes.writeUInt32BE(header.nextTrack + 1, bytes.length - 4);
    if (type === 'trak' && !placed && isVideo(bytes)) {
      placed = true;
      result.push(box('trak', bytes.subarray(8), box('tref', box('chap', u32(header.nextTrack)))));
    } else result.push(bytes);
  }
  return [...result, track, box('udta', user?.bytes.subarray(8) ?? Buffer.alloc(0), neroList(chapters))];
}

function isVideo(track: Buffer): boolean {
  const media = splitBoxes(track.subarray(8)).find(({ type }) => type === 'mdia');
  const handler = media && splitBoxes(media.bytes.subarray(8)).find(({ type }) => type === 'hdlr');
  return handler?.bytes.toString('latin1', 16, 20) === 'vide';
}

/** Nero's list: start times in 100 ns and names of at most 255 bytes, at most 255 chapters. */
function neroList(chapters: readonly Chapter[]): Buffer {
  const entries = chapters.slice(0, 255).map((chapter) => {
    const title = cutUtf8(chapterTitle(chapter), 255);
    return Buffer.concat([u64(chapter.start * 10n), Buffer.from([title.length]), title]);
  });
  return box('chpl', u32(0x01000000), u32(0), Buffer.from([entries.length]), ...entries);
}

/** Cuts a text to so many bytes without cutting a character. */
function cutUtf8(text: string, limit: number): Buffer {
  const bytes = Buffer.from(text);
  let end = Math.min(limit, bytes.length);
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

/** A QuickTime text sample: length, UTF-8 text, and an `encd` box that says it is UTF-8. */
function textSample(chapter: Chapter): Buffer {
  const title = cutUtf8(chapterTitle(chapter), 0xffff);
  return Buffer.concat([u16(title.length), title, box('encd', u32(0x00000100))]);
}

function chapterTrack(chapters: readonly Chapter[], samplesAt: number, movie: MovieHeader): Buffer {
  // Whole milliseconds as a rule; a clock that holds thirds and most frame times exactly where they are not.
  const exact = chapters.every(({ start, end }) => start % 1000n === 0n && end % 1000n === 0n);
  const timescale = exact ? 1000n : 90_000n;
  const ticks = (micros: bigint): bigint => (micros * timescale + 500_000n) / 1_000_000n;
  const first = chapters[0]?.start ?? 0n;
  const ends = chapters.map((chapter, i) => chapters[i + 1]?.start ?? chapter.end);
  const durations = chapters.map(({ start }, i) => Number(ticks(ends[i]!) - ticks(start)));
  const total = durations.reduce((sum, each) => sum + each, 0);
  const inMovie = (micros: bigint): number => Number((micros * BigInt(movie.timescale) + 500_000n) / 1_000_000n);
  const length = inMovie((ends.at(-1) ?? 0n) - first);
  const delay = inMovie(first);
  const edits = [...(delay > 0 ? [[delay, 0xffffffff]] : []), [length, 0]];
  const sizes = chapters.map((chapter) => textSample(chapter).length);
  return box(
    'trak',
    fullBox('tkhd', 2, u32(0, 0, movie.nextTrack, 0, delay + length, 0, 0), u16(0, 0, 0, 0), identity, u32(0, 0)),
    box('edts', fullBox('elst', 0, u32(edits.length), ...edits.map(([span, at]) => u32(span!, at!, 0x00010000)))),
    box(
      'mdia',
      fullBox('mdhd', 0, u32(0, 0, Number(timescale), total), u16(0x55c4, 0)),
      fullBox('hdlr', 0, u32(0), Buffer.from('text'), u32(0, 0, 0), Buffer.from('Chapters\0')),
      box(
        'minf',
        box('gmhd', fullBox('gmin', 0, u16(0x40, 0x8000, 0x8000, 0x8000, 0, 0)), box('text', identity)),
        box('dinf', fullBox('dref', 0, u32(1), fullBox('url ', 1))),
        box(
          'stbl',
          fullBox('stsd', 0, u32(1), textDescription),
          fullBox('stts', 0, u32(durations.length), ...durations.map((each) => u32(1, each))),
          fullBox('stsc', 0, u32(1, 1, chapters.length, 1)),
          fullBox('stsz', 0, u32(0, sizes.length), u32(...sizes)),
          fullBox('co64', 0, u32(1), u64(BigInt(samplesAt))),
        ),
      ),
    ),
  );
}

/** A QuickTime text sample description with everything at its default (QuickTime File Format, "Text Sample Description"). */
const textDescription = box('text', u32(0), u16(0, 1), u32(1, 1), Buffer.alloc(35));

const identity = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

function box(type: string, ...parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(size), Buffer.from(type, 'latin1'), ...parts], size);
}

function fullBox(type: string, flags: number, ...parts: Buffer[]): Buffer {
  return box(type, u32(flags), ...parts);
}

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value, i * 2));
  return bytes;
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
  return bytes;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
