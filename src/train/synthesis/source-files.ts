import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { glob } from 'tinyglobby';
import { DeblurError, throwIfAborted } from '../../errors.js';
import { probe } from '../../io/open.js';
import type { VideoStreamInfo } from '../../io/video.js';
import type { DatasetConfig, DatasetSource, Split } from './config.js';
import type { FrameSize } from './virtual-camera.js';

/** A file that sequences are made from. */
export interface SourceFile {
  /** Its absolute path. */
  readonly path: string;
  /** Its path as the manifest names it, relative to the sources' folder. */
  readonly name: string;
  readonly kind: 'photo' | 'clip';
  readonly licence: string;
  readonly split: Split;
  /** Size as it is displayed. */
  readonly width: number;
  readonly height: number;
}

/** Usable sources, and the others with the reason. */
export interface FoundSources {
  readonly files: readonly SourceFile[];
  readonly unusable: readonly string[];
}

/** A photo is at least so many times as large as a frame: the camera needs room to move. */
const photoRoom = 1.25;

type Candidate = Omit<SourceFile, 'width' | 'height'>;

/**
 * The files that a config's sources name, looked into. An earlier source of the config decides about a file: those
 * that are held back stand before the pattern that would take them in.
 *
 * @param folder what the sources' names are relative to.
 * @throws DeblurError `INPUT_NOT_FOUND` when nothing is there, `INPUT_UNREADABLE` when nothing is usable.
 */
export async function findSources(
  config: Pick<DatasetConfig, 'sources' | 'licences' | 'width' | 'height'>,
  folder: string,
  signal?: AbortSignal,
): Promise<FoundSources> {
  const licences =
    config.licences === undefined ? undefined : await readLicences(path.resolve(folder, config.licences));
  const candidates = await listFiles(config.sources, folder, licences);
  if (candidates.length === 0) {
    throw new DeblurError('INPUT_NOT_FOUND', `None of the config's sources is in ${folder}.`, {
      hint: `The first one is "${config.sources[0]?.files}". Say with --sources where the pictures are.`,
    });
  }
  const files: SourceFile[] = [];
  const unusable: string[] = [];
  for (const candidate of candidates) {
    throwIfAborted(signal);
    const size = await usableSize(candidate, config);
    if (typeof size === 'string') unusable.push(`${candidate.name}: ${size}`);
    else files.push({ ...candidate, ...size });
  }
  if (files.length > 0) return { files, unusable };
  throw new DeblurError('INPUT_UNREADABLE', `None of the ${unusable.length} sources in ${folder} can be used.`, {
    hint: `For instance ${unusable[0]}.`,
  });
}

async function listFiles(
  sources: readonly DatasetSource[],
  folder: string,
  licences: ReadonlyMap<string, string> | undefined,
): Promise<Candidate[]> {
  const found = new Map<string, Candidate>();
  for (const { files, kind, licence, split } of sources) {
    const names = await glob(files, { cwd: folder, onlyFiles: true });
    for (const name of names.sort()) {
      const absolute = path.resolve(folder, name);
      if (!found.has(absolute)) {
        found.set(absolute, { path: absolute, name, kind, licence: licences?.get(name) ?? licence, split });
      }
    }
  }
  return [...found.values()];
}

/** Licences by file name. */
async function readLicences(table: string): Promise<ReadonlyMap<string, string>> {
  let text: string;
  try {
    text = await readFile(table, 'utf8');
  } catch (cause) {
    throw new DeblurError('INPUT_NOT_FOUND', `The table of licences ${table} can't be read.`, { cause });
  }
  const [head = [], ...rows] = text.split(/\r?\n/).map((line) => line.split('\t'));
  const [file, licence] = [head.indexOf('file'), head.indexOf('licence')];
  if (file < 0 || licence < 0) {
    throw new DeblurError('INPUT_UNREADABLE', `${table} has no columns "file" and "licence".`);
  }
  return new Map(rows.flatMap((row) => (row[file] && row[licence] ? [[row[file], row[licence]] as const] : [])));
}

/** The displayed size, or why the file can't be used. */
async function usableSize({ path: file, kind }: Candidate, least: FrameSize): Promise<FrameSize | string> {
  try {
    const size = kind === 'photo' ? await photoSize(file) : await clipSize(file);
    const room = kind === 'photo' ? photoRoom : 1;
    if (size.width >= least.width * room && size.height >= least.height * room) return size;
    const than = room === 1 ? 'at least' : `at least ${room} times`;
    return `${size.width}x${size.height} is too small, ${than} ${least.width}x${least.height} is needed`;
  } catch (error) {
    return `it can't be read (${(error as Error).message.trim().split('\n')[0]})`;
  }
}

/** Decodes the whole photo, though to a thumbnail, so that a damaged one is found before it is used. */
async function photoSize(file: string): Promise<FrameSize> {
  const [{ width, height, orientation = 1 }] = await Promise.all([
    sharp(file).metadata(),
    sharp(file, { failOn: 'error' }).resize(64).raw().toBuffer(),
  ]);
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

async function clipSize(file: string): Promise<FrameSize> {
  const video = (await probe(file)).streams.find((stream): stream is VideoStreamInfo => stream.type === 'video');
  if (!video) throw new Error('it holds no video');
  const { width, height, rotation } = video;
  return rotation % 180 === 0 ? { width, height } : { width: height, height: width };
}
