import { stat } from 'node:fs/promises';
import path from 'node:path';
import { glob } from 'tinyglobby';
import { DeblurError } from '../../errors.js';

/** A file of a camera. */
export interface FootageFile {
  readonly path: string;
  /** How folders and messages name it; no two files have the same. */
  readonly name: string;
  readonly kind: 'photo' | 'clip';
}

const photoEndings = ['png', 'jpg', 'jpeg', 'webp', 'tif', 'tiff', 'avif'];
const clipEndings = [
  'mp4',
  'mov',
  'mkv',
  'webm',
  'm4v',
  'avi',
  'mts',
  'm2ts',
  'ts',
  'mpg',
  'mpeg',
  '3gp',
  'mxf',
  'y4m',
];

/**
 * The clips and photos that paths name, folders with all that is below them, in the order of their names.
 *
 * @throws DeblurError `INPUT_NOT_FOUND` for a path where nothing is, or when there is no footage at all.
 */
export async function findFootage(paths: readonly string[]): Promise<FootageFile[]> {
  const files = new Map<string, FootageFile['kind']>();
  for (const given of paths) {
    const kind = await kindOf(given);
    if (kind === 'folder') {
      const endings = [...clipEndings, ...photoEndings].join(',');
      const found = await glob(`**/*.{${endings}}`, { cwd: given, onlyFiles: true, caseSensitiveMatch: false });
      for (const name of found.sort(inOrder.compare)) files.set(path.join(given, name), mediaKind(name));
    } else files.set(given, mediaKind(given));
  }
  if (files.size === 0) {
    throw new DeblurError('INPUT_NOT_FOUND', `There are no clips or photos in ${paths.join(', ')}.`, {
      hint: `Files are known by their endings: ${[...clipEndings, ...photoEndings].join(', ')}.`,
    });
  }
  const taken = new Set<string>();
  return [...files].map(([file, kind]) => ({ path: file, name: uniqueName(file, taken), kind }));
}

const inOrder = new Intl.Collator('en', { numeric: true });

async function kindOf(given: string): Promise<'folder' | 'file'> {
  try {
    return (await stat(given)).isDirectory() ? 'folder' : 'file';
  } catch (cause) {
    throw new DeblurError('INPUT_NOT_FOUND', `There is no file or folder ${given}.`, { cause });
  }
}

function mediaKind(name: string): FootageFile['kind'] {
  return photoEndings.includes(path.extname(name).slice(1).toLowerCase()) ? 'photo' : 'clip';
}

/** A file's name without its ending, as a folder may be called. */
function uniqueName(file: string, taken: Set<string>): string {
  const plain = path
    .basename(file, path.extname(file))
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[.-]+|[.-]+$/g, '');
  let name = plain || 'clip';
  for (let i = 2; taken.has(name.toLowerCase()); i += 1) name = `${plain}~${i}`;
  taken.add(name.toLowerCase());
  return name;
}
