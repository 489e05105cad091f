import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { DeblurError } from '../../errors.js';
import { writeError } from '../../io/atomic-file.js';
import { Random } from '../random.js';
import { filmClip } from './clip-sequence.js';
import { compress } from './compression.js';
import { filmPhoto, type SynthesisedFrame } from './photo-sequence.js';
import type { SequencePlan } from './plan.js';

/** One sequence to make. */
export interface SequenceJob {
  readonly plan: SequencePlan;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Least variance of the Laplacian of a clip's frame. */
  readonly sharpness: number;
  /** The data set's folder. */
  readonly out: string;
}

/** What a sequence became, as the manifest tells it. */
export interface SequenceRecord {
  readonly name: string;
  readonly split: string;
  readonly source: string;
  readonly licence: string;
  readonly kind: string;
  readonly foreground?: string;
  readonly exposure: number;
  readonly readout: number;
  readonly response: string;
  readonly noise: number;
  readonly compression?: { readonly codec: string; readonly crf: number };
  /** Mean length of each frame's blur in pixels. */
  readonly lengths: readonly number[];
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

/** Makes a sequence and writes it; its folders appear when they are complete, the sharp one last. */
export async function makeSequence(job: SequenceJob): Promise<SequenceRecord> {
  const { plan, seed, width, height, frames, out } = job;
  const random = new Random(seed).fork(plan.name, 'pixels');
  const made: SynthesisedFrame[] = [];
  const film =
    plan.source.kind === 'photo'
      ? filmPhoto(random, plan, { width, height }, frames)
      : filmClip(random, plan, { width, height }, frames, job.sharpness);
  for await (const frame of film) made.push(frame);
  const captured = made.map(({ blur }) => blur);
  const blurry = plan.compression ? await compress(captured, width, height, plan.compression) : captured;
  const { blur, sharp: truth } = sequenceFolders(out, plan);
  await writePictures(blur, blurry, width, height);
  await writePictures(
    truth,
    made.map((frame) => frame.sharp),
    width,
    height,
  );
  return {
    name: plan.name,
    split: plan.split,
    source: plan.source.name,
    licence: plan.source.licence,
    kind: plan.source.kind,
    ...(plan.foreground ? { foreground: plan.foreground.name } : {}),
    exposure: rounded(plan.exposure),
    readout: rounded(plan.readout),
    response: plan.response,
    noise: rounded(plan.noise),
    ...(plan.compression ? { compression: plan.compression } : {}),
    lengths: made.map(({ length }) => rounded(length)),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

async function writePictures(folder: string, pictures: readonly Uint8Array[], width: number, height: number) {
  const temporary = `${folder}.part`;
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
