import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DeblurError, throwIfAborted } from '../../errors.js';
import { writeError } from '../../io/atomic-file.js';
import { manifest as program } from '../../package-root.js';
import { chooseFrames, type Choice, type ChooseOptions, type FrameKind, type Scene } from './choose-frames.js';
import { drawSplitSheet } from './contact-sheet.js';
import { findFootage, type FootageFile } from './footage.js';
import { frameFile, takeFrames, writeFrame } from './footage-frames.js';
import { scoreClip, scorePhoto, type ScoredFrame } from './score-frames.js';

/** Options of {@link splitFootage}. */
export interface SplitFootageOptions extends ChooseOptions {
  /** Folder to write; it must not exist or be empty. */
  readonly out: string;
  /** Look at every n-th frame of clips. Default 1. */
  readonly step?: number;
  /** A shot of more frames than this counts as several scenes. Default 300. */
  readonly longest?: number;
  /** Replace the folder where it exists. Default false. */
  readonly overwrite?: boolean;
  /** Called as files are looked through and scenes written. */
  readonly onProgress?: (progress: SplitProgress) => void;
  /** Cancels; no folder is left behind. */
  readonly signal?: AbortSignal;
}

/** How far {@link splitFootage} is. */
export interface SplitProgress {
  readonly doing: 'scoring' | 'writing';
  readonly done: number;
  readonly total: number;
}

/** What {@link splitFootage} made. */
export interface SplitReport {
  readonly out: string;
  /** Scenes and frames written of each kind: blurry ones in trainA, sharp ones in trainB. */
  readonly scenes: Readonly<Record<FrameKind, number>>;
  readonly frames: Readonly<Record<FrameKind, number>>;
  /** The scenes that were chosen, the frames that were taken of each, and the sharpness they were judged by. */
  readonly choice: Choice;
  /** Frames that were looked at. */
  readonly looked: number;
  /** Files that could not be used, with the reason. */
  readonly unusable: readonly string[];
}

const folders = { blurry: 'trainA', sharp: 'trainB' } as const;

/**
 * Makes the two halves of an unpaired set from one camera's clips and photos: frames with its blur in `trainA`, sharp
 * ones of other scenes in `trainB`, a folder per scene, with a contact sheet and a manifest.
 *
 * @param footage files and folders.
 * @throws DeblurError `INPUT_NOT_FOUND`; `INPUT_UNREADABLE` with advice where there are too few frames of a kind;
 * `OUTPUT_EXISTS`, `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`; `CANCELLED`.
 */
export async function splitFootage(footage: readonly string[], options: SplitFootageOptions): Promise<SplitReport> {
  const { out, overwrite = false, step = 1, longest = 300, onProgress, signal } = options;
  if (!overwrite) await refuseFull(out);
  const files = await findFootage(footage);
  const scenes: Scene[] = [];
  const unusable: string[] = [];
  for (const [done, file] of files.entries()) {
    onProgress?.({ doing: 'scoring', done, total: files.length });
    try {
      scenes.push(...scenesOf(file, await scored(file, step, signal), longest));
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof DeblurError)) throw error;
      unusable.push(error.message);
    }
  }
  if (scenes.length === 0) {
    throw new DeblurError('INPUT_UNREADABLE', `None of the ${files.length} files can be used.`, {
      hint: unusable[0] ?? '',
    });
  }
  const choice = chooseFrames(scenes, options);
  await write(choice, files, { ...options, unusable });
  const of = (kind: FrameKind) => choice.scenes.filter((scene) => scene.kind === kind);
  const count = (kind: FrameKind) => of(kind).reduce((sum, { frames }) => sum + frames.length, 0);
  return {
    out,
    scenes: { blurry: of('blurry').length, sharp: of('sharp').length },
    frames: { blurry: count('blurry'), sharp: count('sharp') },
    choice,
    looked: scenes.reduce((sum, { frames }) => sum + frames.length, 0),
    unusable,
  };
}

async function refuseFull(out: string): Promise<void> {
  const inside = await readdir(out).catch(() => []);
  if (inside.length === 0) return;
  throw new DeblurError('OUTPUT_EXISTS', `${out} is not empty.`, { hint: 'Name another folder, or add --overwrite.' });
}

async function scored({ path: file, kind }: FootageFile, step: number, signal?: AbortSignal): Promise<ScoredFrame[]> {
  return kind === 'photo' ? [await scorePhoto(file)] : scoreClip(file, { step, ...(signal && { signal }) });
}

/** A file's shots, the long ones in parts. */
function scenesOf({ path: source, name }: FootageFile, frames: readonly ScoredFrame[], longest: number): Scene[] {
  const shots: ScoredFrame[][] = [];
  for (const frame of frames) {
    const last = shots[shots.length - 1];
    if (last && !frame.cut && frame.index - last[0]!.index < longest) last.push(frame);
    else shots.push([frame]);
  }
  const digits = String(shots.length - 1).length;
  return shots.map((shot, i) => ({
    name: shots.length === 1 ? name : `${name}.${String(i).padStart(digits, '0')}`,
    source,
    frames: shot,
  }));
}

/** Writes the folder under another name, which it gets when it is complete. */
async function write(
  choice: Choice,
  files: readonly FootageFile[],
  options: SplitFootageOptions & { readonly unusable: readonly string[] },
): Promise<void> {
  const { out, onProgress, signal } = options;
  const temporary = `${path.resolve(out)}.part`;
  try {
    await rm(temporary, { recursive: true, force: true });
    let done = 0;
    for (const { path: source, kind } of files) {
      const scenes = choice.scenes.filter(({ scene, frames }) => scene.source === source && frames.length > 0);
      if (scenes.length === 0) continue;
      const wanted = new Set(scenes.flatMap(({ frames }) => frames.map(({ index }) => index)));
      for await (const taken of takeFrames({ path: source, kind }, wanted, signal)) {
        throwIfAborted(signal);
        const owner = scenes.find(({ frames }) => frames.some(({ index }) => index === taken.index));
        if (owner) await writeFrame(path.join(temporary, folders[owner.kind], owner.scene.name), taken);
      }
      done += scenes.length;
      onProgress?.({ doing: 'writing', done, total: choice.scenes.length });
    }
    await writeFile(
      path.join(temporary, 'contact-sheet.png'),
      await drawSplitSheet(temporary, choice, frameFile, folders),
    );
    await writeFile(
      path.join(temporary, 'manifest.json'),
      `${JSON.stringify(manifestOf(choice, options), undefined, 1)}\n`,
    );
    await rm(out, { recursive: true, force: true });
    await rename(temporary, out);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw cause instanceof DeblurError ? cause : writeError(out, cause as NodeJS.ErrnoException);
  }
}

function manifestOf(
  { scenes, reference, found }: Choice,
  {
    ratio,
    least,
    perScene,
    gap,
    step,
    longest,
    unusable,
  }: SplitFootageOptions & { readonly unusable: readonly string[] },
) {
  const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
  return {
    program: `deblur-stream ${program.version}`,
    settings: { ratio, least, perScene, gap, step, longest },
    reference: rounded(reference),
    found,
    unusable,
    scenes: scenes
      .filter(({ frames }) => frames.length > 0)
      .map(({ scene, kind, frames }) => ({
        name: scene.name,
        folder: folders[kind],
        source: scene.source,
        kind,
        frames: frames.map(({ index, edges, motion }) => ({
          file: frameFile(index),
          index,
          sharpness: rounded(edges.middle),
          ...(motion === undefined ? {} : { motion: rounded(motion) }),
        })),
      })),
  };
}
