import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeClip } from './clip.js';
import type { Figure } from './figure.js';
import { timeDeblur, timeProcess } from './process.js';

/** Checksum of every decoded frame, by the ffmpeg command. */
async function frameHashes(path: string): Promise<string[]> {
  const args = ['-v', 'error', '-i', path, '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const { stdout } = await promisify(execFile)('ffmpeg', args, { maxBuffer: 2 ** 26 });
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** Whether frames survive a run without a network through a lossless codec, bit for bit. */
export async function losslessIdentity(folder: string): Promise<Figure> {
  const eight = await makeClip(folder, { width: 1280, height: 720, frames: 120 });
  const ten = join(folder, 'ten.mp4');
  const encoder = [
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p10le',
    '-x265-params',
    'log-level=error',
  ];
  await timeProcess('ffmpeg', ['-v', 'error', '-y', '-i', eight, '-frames:v', '60', ...encoder, ten]);
  const details: string[] = [];
  let equal = true;
  for (const [depth, clip] of [
    ['8 bit', eight],
    ['10 bit', ten],
  ] as const) {
    const out = join(folder, 'lossless.mkv');
    await timeDeblur(['run', clip, out, '--model', 'none', '--codec', 'ffv1', '--overwrite', '--quiet']);
    const [before, after] = [await frameHashes(clip), await frameHashes(out)];
    const same = before.filter((hash, i) => hash === after[i]).length;
    equal &&= before.length > 0 && same === before.length && after.length === before.length;
    details.push(`${depth}: ${same} of ${before.length} frames have the same checksum, ${after.length} came out`);
  }
  return {
    name: 'Frames through --model none and a lossless codec, 8 and 10 bit',
    asked: 'bit-identical',
    reached: equal ? 'bit-identical' : 'not identical',
    met: equal,
    details,
  };
}
