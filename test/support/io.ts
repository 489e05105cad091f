import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { createVideo, openVideo } from '../../src/io/index.js';
import {
  planarFormat,
  type Frame,
  type ReaderOptions,
  type WriteReport,
  type WriterOptions,
} from '../../src/io/index.js';

/** True where a user's ffmpeg can be run. */
export const hasFfmpeg = spawnSync(process.env['FFMPEG_PATH'] ?? 'ffmpeg', ['-version']).status === 0;

/** Both engines, with a word for the one that cannot run here. */
export const engines = [
  { engine: 'node-av', missing: false, name: 'node-av' },
  { engine: 'ffmpeg', missing: !hasFfmpeg, name: hasFfmpeg ? 'ffmpeg' : 'ffmpeg (skipped: no ffmpeg is installed)' },
] as const;

/** A folder that is removed at the end of `use`. */
export async function scratchFolder(): Promise<{
  path: (name: string) => string;
  files: () => Promise<string[]>;
  remove: () => Promise<void>;
}> {
  const root = await fs.mkdtemp(join(tmpdir(), 'deblur-io-'));
  return {
    path: (name) => join(root, name),
    files: async () => (await fs.readdir(root)).sort(),
    remove: () => fs.rm(root, { recursive: true, force: true }),
  };
}

/** What identifies a frame: its times and a digest of its samples. */
export interface FrameRecord {
  readonly seconds: number;
  readonly pts: bigint;
  readonly duration: bigint;
  readonly digest: string;
}

/** Digest of a frame's samples without the padding of its rows. */
function digest(frame: Frame): string {
  const hash = createHash('sha256');
  const bytes = planarFormat(frame.properties.format)!.bytesPerSample;
  for (const { data, stride, width, height } of frame.planes()) {
    for (let y = 0; y < height; y += 1) hash.update(data.subarray(y * stride, y * stride + width * bytes));
  }
  return hash.digest('hex');
}

/** Reads every frame. */
export async function readFrames(path: string, options: ReaderOptions = {}): Promise<FrameRecord[]> {
  await using reader = await openVideo(path, options);
  const records: FrameRecord[] = [];
  for await (const frame of reader.frames()) {
    using owned = frame;
    const { pts, duration } = owned.properties;
    records.push({ seconds: owned.seconds, pts, duration, digest: digest(owned) });
  }
  return records;
}

/** What a video shows and when, whatever time base its container keeps. */
export async function secondsAndSamples(path: string): Promise<Pick<FrameRecord, 'seconds' | 'digest'>[]> {
  return (await readFrames(path)).map(({ seconds, digest }) => ({ seconds, digest }));
}

/** Copies a video through a reader and a writer; `change` may replace each frame. */
export async function transcode(
  from: string,
  to: string,
  options: WriterOptions = {},
  reading: ReaderOptions = {},
  change: (frame: Frame) => Frame = (frame) => frame,
): Promise<WriteReport> {
  await using reader = await openVideo(from, reading);
  await using writer = await createVideo(to, { ...options, source: reader });
  for await (const frame of reader.frames()) await writer.write(change(frame));
  return await writer.finish();
}

/** The rejection's DeblurError code and message, for errors that are expected. */
export async function failure(work: Promise<unknown>): Promise<{ code: string; message: string; hint: string }> {
  try {
    await work;
  } catch (error) {
    const { code, message, hint } = error as { code?: string; message: string; hint?: string };
    return { code: code ?? String(error), message, hint: hint ?? '' };
  }
  throw new Error('it did not fail');
}
