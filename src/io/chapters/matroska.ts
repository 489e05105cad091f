import type { FileHandle } from 'node:fs/promises';
import { chapterTitle, type Chapter } from './chapter.js';

/** Element IDs (RFC 8794 §11, RFC 9559 §5.1). */
const id = {
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  crc32: 0xbf,
  voids: 0xec,
  chapters: 0x1043a770,
  editionEntry: 0x45b9,
  editionFlagDefault: 0x45db,
  chapterAtom: 0xb6,
  chapterUid: 0x73c4,
  chapterTimeStart: 0x91,
  chapterTimeEnd: 0x92,
  chapterDisplay: 0x80,
  chapString: 0x85,
  chapLanguage: 0x437c,
} as const;

/**
 * Adds chapters to a finished Matroska or WebM file: a Chapters element at its end, named in the SeekHead, which
 * grows into the Void element that its muxer reserved behind it, and counted in the Segment's size.
 */
export async function addMatroskaChapters(file: FileHandle, chapters: readonly Chapter[]): Promise<void> {
  const start = Buffer.alloc(4096);
  const { bytesRead } = await file.read(start, 0, start.length, 0);
  const head = start.subarray(0, bytesRead);
  const ebml = readElement(head, 0);
  const segment = readElement(head, ebml.end);
  const seekHead = readElement(head, segment.content);
  const reserve = readElement(head, seekHead.end);
  if (segment.id !== id.segment || segment.sizeLength !== 8 || seekHead.id !== id.seekHead || reserve.id !== id.voids) {
    throw new RangeError('the Matroska file has no room for chapters in its seek head');
  }
  const { size: end } = await file.stat();
  const added = element(
    id.chapters,
    element(id.editionEntry, unsigned(id.editionFlagDefault, 1n), ...chapters.map(atom)),
  );
  await file.write(added, 0, added.length, end);

  const entries = children(head, seekHead).filter((child) => child.id !== id.crc32);
  const entry = element(
    id.seek,
    element(id.seekId, idBytes(id.chapters)),
    unsigned(id.seekPosition, BigInt(end - segment.content)),
  );
  const grown = element(id.seekHead, ...entries.map((child) => head.subarray(child.offset, child.end)), entry);
  const room = reserve.end - seekHead.offset - grown.length;
  // A Void element takes at least nine bytes as it is written here.
  if (room < 9) throw new RangeError('the Matroska file has no room for chapters in its seek head');
  const filled = Buffer.concat([grown, idBytes(id.voids), longSize(BigInt(room - 9)), Buffer.alloc(room - 9)]);
  await file.write(filled, 0, filled.length, seekHead.offset);
  const size = longSize(BigInt(end + added.length - segment.content));
  await file.write(size, 0, size.length, segment.content - segment.sizeLength);
}

function atom(chapter: Chapter, index: number): Buffer {
  const language = chapter.metadata['language'] ?? 'und';
  const title = chapterTitle(chapter);
  const display =
    title === ''
      ? []
      : [
          element(
            id.chapterDisplay,
            element(id.chapString, Buffer.from(title)),
            element(id.chapLanguage, Buffer.from(language)),
          ),
        ];
  return element(
    id.chapterAtom,
    unsigned(id.chapterUid, BigInt(index + 1)),
    unsigned(id.chapterTimeStart, chapter.start * 1000n),
    unsigned(id.chapterTimeEnd, chapter.end * 1000n),
    ...display,
  );
}

interface Element {
  readonly id: number;
  readonly offset: number;
  /** Where its content begins and ends. */
  readonly content: number;
  readonly end: number;
  /** Bytes of its size field. */
  readonly sizeLength: number;
}

function readElement(bytes: Buffer, offset: number): Element {
  const idLength = Math.clz32(bytes[offset] ?? 0) - 23;
  const sizeLength = Math.clz32(bytes[offset + idLength] ?? 0) - 23;
  const content = offset + idLength + sizeLength;
  if (idLength > 4 || sizeLength > 8 || content > bytes.length)
    throw new RangeError('the Matroska file has a broken element');
  let size = BigInt(bytes[offset + idLength]! & (0xff >> sizeLength));
  for (let i = 1; i < sizeLength; i += 1) size = (size << 8n) | BigInt(bytes[offset + idLength + i]!);
  return { id: bytes.readUIntBE(offset, idLength), offset, content, end: content + Number(size), sizeLength };
}

function children(bytes: Buffer, parent: Element): Element[] {
  const found: Element[] = [];
  for (let offset = parent.content; offset < parent.end;) {
    const child = readElement(bytes, offset);
    found.push(child);
    offset = child.end;
  }
  return found;
}

function element(elementId: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([idBytes(elementId), longSize(BigInt(body.length)), body]);
}

function unsigned(elementId: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return element(elementId, bytes);
}

function idBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0));
}

/** A size in the eight-byte form. */
function longSize(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value | (1n << 56n));
  return bytes;
}
