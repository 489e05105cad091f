/**
 * Takes the photographs that scripts/training-sources.tsv lists out of unpacked packages, and writes down the licence of each.
 * Called by scripts/fetch-training-sources.sh: `node dist/scripts/training-pictures.js TABLE UNPACKED TARGET [KNOWN]`.
 *
 * A JPEG or PNG of at most {@link MAX_WIDTH} pixels' width is copied byte for byte; anything else becomes a JPEG.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import sharp from 'sharp';

/** Wider photographs are reduced to this: finer detail than this is mostly the camera's own softness. */
const MAX_WIDTH = 3000;

/** A row of the table; `path` is `FILE` inside the package, or `ARCHIVE!FILE` inside a Qt resource archive of it. */
interface Picture {
  folder: string;
  name: string;
  registry: string;
  package: string;
  path: string;
  author: string;
  licence: string;
  stated_in: string;
  source: string;
}

const COLUMNS = [
  'folder',
  'name',
  'registry',
  'package',
  'path',
  'author',
  'licence',
  'stated_in',
  'source',
] as const satisfies (keyof Picture)[];

function readTable(file: string): Picture[] {
  const [header, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n');
  if (header !== COLUMNS.join('\t')) {
    throw new Error(`${file} must begin with the columns ${COLUMNS.join(', ')}.`);
  }
  return rows.map((row) => {
    const cells = row.split('\t');
    return Object.fromEntries(COLUMNS.map((column, index) => [column, cells[index] ?? ''])) as unknown as Picture;
  });
}

/**
 * Reads one file out of a compiled Qt resource (`.rcc`, formats 1 to 3): a tree of nodes, whose names are UTF-16BE behind a
 * length and a hash, and whose data have their length before them. Zstandard entries are not read.
 */
function readQtResource(archive: Buffer, wanted: string): Buffer {
  const version = archive.readUInt32BE(4);
  const tree = archive.readUInt32BE(8);
  const data = archive.readUInt32BE(12);
  const names = archive.readUInt32BE(16);
  const nodeSize = version >= 2 ? 22 : 14;
  const isFolder = 2;
  const isDeflated = 1;
  const isZstandard = 4;
  const nameOf = (node: number): string => {
    const start = names + archive.readUInt32BE(node);
    const length = 2 * archive.readUInt16BE(start);
    return Buffer.from(archive.subarray(start + 6, start + 6 + length))
      .swap16()
      .toString('utf16le');
  };
  let node = tree;
  for (const part of wanted.split('/')) {
    const count = archive.readUInt32BE(node + 6);
    const first = archive.readUInt32BE(node + 10);
    const child = Array.from({ length: count }, (_, index) => tree + (first + index) * nodeSize).find(
      (candidate) => nameOf(candidate) === part,
    );
    if ((archive.readUInt16BE(node + 4) & isFolder) === 0 || child === undefined) {
      throw new Error(`The Qt resource has no ${wanted}.`);
    }
    node = child;
  }
  const flags = archive.readUInt16BE(node + 4);
  const start = data + archive.readUInt32BE(node + 10);
  const bytes = archive.subarray(start + 4, start + 4 + archive.readUInt32BE(start));
  if ((flags & isZstandard) !== 0) throw new Error(`${wanted} is compressed with Zstandard.`);
  return (flags & isDeflated) === 0 ? bytes : inflateSync(bytes.subarray(4));
}

function readPicture(unpacked: string, picture: Picture): Buffer {
  const [file = '', member] = picture.path.split('!');
  const bytes = readFileSync(path.join(unpacked, picture.package, file));
  return member === undefined ? bytes : readQtResource(bytes, member);
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function writePicture(bytes: Buffer, file: string): Promise<void> {
  const { format, width } = await sharp(bytes).metadata();
  if ((format === 'jpeg' || format === 'png') && width <= MAX_WIDTH) {
    writeFileSync(file, bytes);
    return;
  }
  await sharp(bytes)
    .autoOrient()
    .resize({ width: MAX_WIDTH, withoutEnlargement: true })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toFile(file);
}

const [table, unpacked, target, known] = process.argv.slice(2);
if (table === undefined || unpacked === undefined || target === undefined) {
  throw new Error('Usage: training-pictures.js TABLE UNPACKED TARGET [KNOWN]');
}
const have = new Set(
  known === undefined
    ? []
    : readdirSync(known, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => digest(readFileSync(path.join(known, entry.name)))),
);
const lines = [['file', 'package', 'version', 'author', 'licence', 'stated_in', 'source'].join('\t')];
const counts = new Map<string, { written: number; present: number; known: number }>();
for (const picture of readTable(table)) {
  const key = `${picture.package} ${picture.folder}`;
  const count = counts.get(key) ?? { written: 0, present: 0, known: 0 };
  counts.set(key, count);
  const bytes = readPicture(unpacked, picture);
  if (picture.folder === 'photos' && have.has(digest(bytes))) {
    count.known++;
    continue;
  }
  const relative = path.join(picture.folder, picture.name);
  const file = path.join(target, relative);
  if (existsSync(file)) {
    count.present++;
  } else {
    mkdirSync(path.dirname(file), { recursive: true });
    await writePicture(bytes, file);
    count.written++;
  }
  const version = readFileSync(path.join(unpacked, `${picture.package}.version`), 'utf8').trim();
  lines.push(
    [
      relative,
      picture.package.replace(/==.*/, ''),
      version,
      picture.author,
      picture.licence,
      picture.stated_in,
      picture.source,
    ].join('\t'),
  );
}
writeFileSync(path.join(target, 'licences.tsv'), `${lines.join('\n')}\n`);
for (const [key, { written, present, known: left }] of counts) {
  process.stdout.write(`${key}: ${written} written, ${present} there already, ${left} left out as known\n`);
}
