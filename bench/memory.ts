import { join } from 'node:path';
import { makeClip } from './clip.js';
import { median, spread, type Figure } from './figure.js';
import { timeDeblur } from './process.js';

const short = 200;
const rounds = 3;

/** Peak memory of a run on a clip against one ten times as long. */
export async function memoryOfLength(folder: string): Promise<Figure> {
  const clips = [
    await makeClip(folder, { width: 1280, height: 720, frames: short }),
    await makeClip(folder, { width: 1280, height: 720, frames: short * 10 }),
  ] as const;
  const peak = async (clip: string) => {
    const args = [
      'run',
      clip,
      join(folder, 'memory.mp4'),
      '--model',
      'none',
      '--preset',
      'veryfast',
      '--overwrite',
      '--quiet',
    ];
    return ((await timeDeblur(args)).peakBytes ?? NaN) / 1e6;
  };
  const peaks = { short: [] as number[], long: [] as number[] };
  for (let i = 0; i < rounds; i += 1) {
    peaks.short.push(await peak(clips[0]));
    peaks.long.push(await peak(clips[1]));
  }
  const ratio = median(peaks.long) / median(peaks.short);
  return {
    name: 'Peak memory of a 10 times longer clip',
    asked: "within 10 % of the short one's",
    reached: `${((ratio - 1) * 100).toFixed(1)} % more`,
    met: ratio <= 1.1,
    details: [
      `720p, ${short} frames: ${spread(peaks.short, 0)} MB resident at most`,
      `720p, ${short * 10} frames: ${spread(peaks.long, 0)} MB`,
    ],
  };
}
