import { open } from 'node:fs/promises';
import type { Chapter } from '../chapters/chapter.js';
import { addMatroskaChapters } from '../chapters/matroska.js';
import { addMp4Chapters } from '../chapters/mp4.js';
import { constants as c, type av } from './binding.js';
import type { Container } from './container.js';
import { LogRecording } from './log.js';

/**
 * The chapters of an opened input. node-av has no access to `AVFormatContext.chapters`, but FFmpeg prints
 * them in `av_dump_format`, whatever the container: that print is read here.
 */
export async function readChapters(context: av.FormatContext): Promise<Chapter[]> {
  using log = new LogRecording(Infinity);
  context.dumpFormat(0, '', false);
  await log.settle();
  return parseChapters(log.pieces.filter((piece) => piece.level === c.AV_LOG_INFO).map((piece) => piece.text));
}

/** Reads the chapters out of the pieces that `av_dump_format` prints. */
function parseChapters(pieces: readonly string[]): Chapter[] {
  const chapters: { start: bigint; end: bigint; metadata: Record<string, string> }[] = [];
  let key: string | undefined;
  for (const piece of pieces) {
    if (/^ {2}Stream (group )?#/.test(piece) || /^ {2}Program /.test(piece)) break;
    if (/^ {4}Chapter #\d+:\d+: $/.test(piece)) {
      chapters.push({ start: 0n, end: 0n, metadata: {} });
      key = undefined;
      continue;
    }
    const chapter = chapters.at(-1);
    if (!chapter) continue;
    const time = /^(start|end) (-?\d+)\.(\d{6})(, )?$/.exec(piece);
    const entry = /^ {8}(\S.*?) *: $/.exec(piece);
    const more = /^ {8} {16}: $/.test(piece);
    if (time && key === undefined) {
      const micros = BigInt(`${time[2]}${time[3]}`);
      if (time[1] === 'start') chapter.start = micros;
      else chapter.end = micros;
    } else if (entry) {
      key = entry[1]!;
      chapter.metadata[key] = '';
    } else if (key !== undefined) {
      if (more) chapter.metadata[key] += '\n';
      else chapter.metadata[key] += piece;
    }
  }
  return chapters;
}

/** Adds chapters to a finished file, which node-av's muxers cannot write themselves. */
export async function addChapters(path: string, container: Container, chapters: readonly Chapter[]): Promise<void> {
  if (chapters.length === 0) return;
  const file = await open(path, 'r+');
  try {
    await (container.isMatroska ? addMatroskaChapters(file, chapters) : addMp4Chapters(file, chapters));
  } finally {
    await file.close();
  }
}
