import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { lightestModel } from '../src/models/catalogue.js';
import { deblurVideo } from '../src/pipeline/run.js';
import { makeClip } from './clip.js';
import { median, spread } from './figure.js';
import type { Figure } from './figure.js';
import { hasAvx512 } from './processor.js';

const [width, height, frames, rounds] = [640, 360, 240, 3];
/** MAXIM takes seconds a frame: a few are enough, as many for each of two processes. */
const fewFrames = 4;

/** Frames per second that are asked for: two cores with AVX-512 have twice the arithmetic of those with AVX2 alone. */
const asked = hasAvx512() ? 24 : 15;

async function rate(input: string, output: string, model: string): Promise<number> {
  const report = await deblurVideo({ input, output, overwrite: true, model, encode: { preset: 'veryfast' } });
  return report.rate;
}

/** Frames per second of the default model from decoder to encoder, and how many times those of MAXIM they are. */
export async function lightRate(folder: string): Promise<Figure> {
  const clip = await makeClip(folder, { width, height, frames });
  const short = await makeClip(folder, { width, height, frames: fewFrames });
  const output = path.join(folder, 'light-out.mp4');
  const [light, live, maxim]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < rounds; i += 1) {
    light.push(await rate(clip, output, 'light'));
    live.push(await rate(clip, output, lightestModel));
    maxim.push(await rate(short, output, 'maxim'));
  }
  const [reached, ratio] = [median(light), median(light) / median(maxim)];
  return {
    name: `the light network, ${width}x${height}, decoder to encoder (x264 veryfast), CPU`,
    asked: `at least ${asked} frames/s on two ${asked === 24 ? 'AVX-512' : 'AVX2'} cores, and 50 times the frames/s of MAXIM`,
    reached: `${spread(light, 1)} frames/s, ${ratio.toFixed(0)} times MAXIM's`,
    met: reached >= asked && ratio >= 50,
    details: [
      `light: ${spread(light, 1)} frames/s over ${frames} frames`,
      `${lightestModel}: ${spread(live, 1)} frames/s`,
      `MAXIM: ${spread(maxim, 3)} frames/s`,
    ],
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = await mkdtemp(path.join(tmpdir(), 'deblur-bench-'));
  console.log(await lightRate(folder));
  await rm(folder, { recursive: true });
}
