import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { DeblurError } from '../../errors.js';
import { writeError } from '../../io/atomic-file.js';
import { Random } from '../random.js';
import { filmClip } from './clip-sequence.js';
import { compress } from './compression.js';
import type { SynthesisedFrame } from './film.js';
import { filmPhoto } from './photo-sequence.js';
import type { SequencePlan } from './plan.js';

/** One sequence to make. */
export interface SequenceJob {
  readonly plan: SequencePlan;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** See the config. */
  readonly sharpness: number;
  /** See {@link planDigest}. */
  readonly digest: string;
  /** The data set's folder. */
  readonly out: string;
}

/** What a sequence became, as the manifest tells it. */
export interface SequenceRecord {
  /** `train/000`, as in the folders. */
  readonly name: string;
  readonly split: string;
  /** The file it was made from, relative to the sources' folder. */
  readonly source: string;
  readonly licence: string;
  readonly kind: string;
  /** Of what moves before the scene: the file and its licence. */
  readonly foregrounds: readonly { readonly source: string; readonly licence: string }[];
  /** What its pixels are drawn from. */
  readonly seed: number;
  readonly digest: string;
  /** Mean length of each frame's blur in pixels, over the picture. */
  readonly lengths: readonly number[];
  /** Moments that each frame is an average of. */
  readonly moments: readonly number[];
  /** All that was drawn and decided: exposure, readout, response, camera path, sensor, compression and the rest. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Paths of a sequence's folders. */
export function sequenceFolders(out: string, plan: Pick<SequencePlan, 'name' | 'split'>) {
  const number = plan.name.split('/')[1] ?? plan.name;
  return { blur: path.join(out, `${plan.split}_blur`, number), sharp: path.join(out, `${plan.split}_sharp`, number) };
}

/** Name of a frame's file. */
export function frameFile(index: number): string {
  return `${String(index).padStart(8, '0')}.png`;
}

/**
 * Makes a sequence and writes it; its folders appear when they are complete, the sharp one last.
 *
 * @throws DeblurError `INPUT_UNREADABLE`, `FORMAT_UNSUPPORTED`, `CODEC_UNAVAILABLE`, `OUTPUT_FULL`, `OUTPUT_UNWRITABLE`.
 */
export async function makeSequence(job: SequenceJob): Promise<SequenceRecord> {
  const { plan, width, height, frames, sharpness, out } = job;
  const { name, split, source, photo, ...drawn } = plan;
  const random = new Random(job.seed).fork(name, 'pixels');
  const options = { size: { width, height }, frames, sharpness };
  const film = photo ? await filmPhoto(random, { ...plan, photo }, options) : await filmClip(random, plan, options);
  const made: SynthesisedFrame[] = [];
  for await (const frame of film.frames) made.push(frame);
  const captured = made.map(({ blur }) => blur);
  const blurry = plan.compression ? await compress(captured, width, height, plan.compression) : captured;
  const folders = sequenceFolders(out, plan);
  const truths = made.map((frame) => frame.sharp);
  await writePictures(folders.blur, blurry, width, height);
  await writePictures(folders.sharp, truths, width, height);
  const { foregrounds = [], ...filmed } = photo ?? {};
  return {
    name,
    split,
    source: source.name,
    licence: source.licence,
    kind: source.kind,
    foregrounds: foregrounds.map((file) => ({ source: file.name, licence: file.licence })),
    seed: job.seed,
    digest: job.digest,
    lengths: made.map(({ length }) => rounded(length)),
    moments: made.map(({ moments }) => moments),
    parameters: { ...drawn, ...filmed, ...film.decisions },
  };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** Where a folder grows until it is complete. */
function part(folder: string): string {
  return `${folder}.part`;
}

/** Removes what was begun of a sequence and not completed. */
export async function removeParts(out: string, plan: Pick<SequencePlan, 'name' | 'split'>): Promise<void> {
  for (const folder of Object.values(sequenceFolders(out, plan))) {
    // What can't be removed must not hide why the build ends.
    await rm(part(folder), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function writePictures(folder: string, pictures: readonly Uint8Array[], width: number, height: number) {
  const temporary = part(folder);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    for (const [i, picture] of pictures.entries()) {
      const png = await sharp(picture, { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 2 })
        .toBuffer();
      await writeFile(path.join(temporary, frameFile(i)), png);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw cause instanceof DeblurError ? cause : writeError(folder, cause as NodeJS.ErrnoException);
  }
}
