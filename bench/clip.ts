import { join } from 'node:path';
import { packagePath } from '../src/package-root.js';
import { timeProcess } from './process.js';

/** Options of {@link makeClip}. */
export interface ClipOptions {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

/** A clip of real footage, enlarged, with some noise so that an encoder has work to do. Needs the ffmpeg command. */
export async function makeClip(folder: string, { width, height, frames }: ClipOptions): Promise<string> {
  const path = join(folder, `${width}x${height}-${frames}.mp4`);
  const filter = `scale=${width}:${height}:flags=lanczos,noise=alls=4:allf=t:all_seed=7`;
  const input = ['-stream_loop', '-1', '-i', packagePath('test/fixtures/clips/bikes-cut.mp4')];
  const encoder = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p'];
  await timeProcess('ffmpeg', [
    '-v',
    'error',
    '-y',
    ...input,
    '-vf',
    filter,
    '-frames:v',
    String(frames),
    ...encoder,
    path,
  ]);
  return path;
}
