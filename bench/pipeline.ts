import { join } from 'node:path';
import { makeClip } from './clip.js';
import { median, spread, type Figure } from './figure.js';
import { timeDeblur, timeProcess } from './process.js';

const frames = 900;
const rounds = 5;

/** Frames/s of a run without a network against the ffmpeg command's, whole processes, turn about. */
export async function pipelineRate(folder: string): Promise<Figure> {
  const clip = await makeClip(folder, { width: 1280, height: 720, frames });
  const encoder = ['libx264', 'veryfast', '23'] as const;
  const [codec, preset, crf] = encoder;
  const ours = async (model: readonly string[]) => {
    const out = join(folder, 'ours.mp4');
    const args = [
      'run',
      clip,
      out,
      ...model,
      '--codec',
      codec,
      '--preset',
      preset,
      '--crf',
      crf,
      '--overwrite',
      '--quiet',
    ];
    return frames / (await timeDeblur(args)).seconds;
  };
  const theirs = async () => {
    const args = [
      '-v',
      'error',
      '-y',
      '-i',
      clip,
      '-c:v',
      codec,
      '-preset',
      preset,
      '-crf',
      crf,
      join(folder, 'theirs.mp4'),
    ];
    return frames / (await timeProcess('ffmpeg', args)).seconds;
  };
  await ours(['--model', 'none']);
  await theirs();
  const rates = { ours: [] as number[], theirs: [] as number[], ratio: [] as number[] };
  for (let i = 0; i < rounds; i += 1) {
    const [a, b] = [await ours(['--model', 'none']), await theirs()];
    rates.ours.push(a);
    rates.theirs.push(b);
    rates.ratio.push(a / b);
  }
  return {
    name: 'Pipeline without a network, 720p H.264 to H.264 veryfast',
    asked: "at least 0.9 of the ffmpeg command's frames/s",
    reached: `${spread(rates.ratio, 2)} of it`,
    met: median(rates.ratio) >= 0.9,
    details: [
      `${frames} frames, ${rounds} rounds turn about, whole processes`,
      `deblur run --model none: ${spread(rates.ours, 1)} frames/s`,
      `ffmpeg: ${spread(rates.theirs, 1)} frames/s`,
    ],
  };
}
