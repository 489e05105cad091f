import { createHash } from 'node:crypto';
import type { Random } from '../random.js';
import { drawPath, reachOf, type CameraPath } from './camera-path.js';
import { cameraResponses } from './camera-response.js';
import type { DatasetConfig, Split } from './config.js';
import { drawSensor, type Sensor } from './sensor.js';
import type { SourceFile } from './source-files.js';

/** How the blurry frames of a sequence are compressed. */
export interface Compression {
  readonly codec: string;
  readonly crf: number;
}

/** How a virtual camera films a photo. */
export interface PhotoPlan {
  /** Width in pixels that the photo is reduced to. */
  readonly photoWidth: number;
  /** Deviation of the Gaussian of lens and pixels, in pixels of the frame. */
  readonly optics: number;
  /** How many times brighter the lights are that the photo shows as white. */
  readonly highlights: number;
  /** Time that the rows are read over, in frame intervals; 0 for a global shutter. */
  readonly readout: number;
  readonly path: CameraPath;
  /** Photos, parts of which move before the scene. */
  readonly foregrounds: readonly SourceFile[];
}

/** Everything that is drawn for a sequence before a pixel is touched. */
export interface SequencePlan {
  /** `train/000`, as in the folders. */
  readonly name: string;
  readonly split: Split;
  readonly source: SourceFile;
  /** Whether it is meant to be nearly still. */
  readonly still: boolean;
  /** Mean length of the blur in pixels that is sought. */
  readonly blur: number;
  /** Part of the frame interval during which the shutter is open. */
  readonly exposure: number;
  /** Name of the camera's response. */
  readonly response: string;
  /** Standard deviation of the noise at middle grey, as a part of full scale. */
  readonly noise: number;
  readonly sensor: Sensor;
  /** Fewest moments that an exposure is averaged over. */
  readonly leastMoments: number;
  /** Deviation of the lens's Gaussian in pixels; without it the lens is in focus. */
  readonly defocus?: number;
  readonly compression?: Compression;
  /** For a photo only. */
  readonly photo?: PhotoPlan;
}

/** Longest motion between two frames in pixels: beyond it neighbours have little in common. */
const longestStep = 40;
/** Shortest exposure of a fast shutter. */
const fastest = 0.05;
/** Paths that are tried for one that stays on the photo. */
const tries = 24;

/** A photo narrower than the config's range is still reduced to between this part of its width and all of it. */
const leastReduction = 0.7;

/** Draws a sequence. */
export function planSequence(
  random: Random,
  config: DatasetConfig,
  name: string,
  source: SourceFile,
  photos: readonly SourceFile[],
): SequencePlan {
  const still = random.chance(config.still);
  const { blur, exposure } = drawBlur(random, config, still);
  const noise = random.between(config.noise.min, config.noise.max);
  const compressed = random.chance(config.compression.probability);
  return {
    name,
    split: source.split,
    source,
    still,
    blur,
    exposure,
    response: random.pick(cameraResponses).name,
    noise,
    sensor: drawSensor(random, noise, config.whiteBalance),
    leastMoments: 5 + 2 * random.below(4),
    ...(config.defocus.max > 0 ? { defocus: random.between(config.defocus.min, config.defocus.max) } : {}),
    ...(compressed
      ? {
          compression: {
            codec: random.pick(config.compression.codecs),
            crf: Math.round(random.between(config.compression.crf.min, config.compression.crf.max)),
          },
        }
      : {}),
    ...(source.kind === 'photo' ? { photo: planPhoto(random, config, source, photos, blur, exposure) } : {}),
  };
}

/** How long the blur is in pixels, and the exposure as a part of the frame interval. */
function drawBlur(random: Random, config: DatasetConfig, still: boolean): { blur: number; exposure: number } {
  const { min, max } = config.exposure;
  const blur = still ? random.between(0, 0.6) : random.logBetween(config.blur.min, config.blur.max);
  if (config.fast > 0 && random.chance(config.fast)) {
    const exposure = random.between(Math.min(fastest, min), min);
    return { blur: blur * exposure, exposure };
  }
  const shortest = Math.min(max, Math.max(min, blur / longestStep));
  return { blur, exposure: random.between(shortest, max) };
}

function planPhoto(
  random: Random,
  config: DatasetConfig,
  source: SourceFile,
  photos: readonly SourceFile[],
  blur: number,
  exposure: number,
): PhotoPlan {
  const others = photos.filter(({ path, split }) => path !== source.path && split === source.split);
  const wanted = random.chance(config.foreground) ? 1 + Number(random.chance(0.25)) : 0;
  const foregrounds = others.length === 0 ? [] : Array.from({ length: wanted }, () => random.pick(others));
  const widest = Math.min(config.photoWidth.max, source.width);
  const width = random.between(Math.min(config.photoWidth.min, widest * leastReduction), widest);
  const { path, scale } = fittingPath(random, config, source, blur, exposure);
  return {
    photoWidth: Math.round(source.width * Math.min(1, Math.max(scale, width / source.width))),
    optics: random.between(config.optics.min, config.optics.max),
    highlights: random.chance(config.highlights) ? random.logBetween(1.2, 4) : 1,
    readout: random.chance(config.rollingShutter) ? random.between(0.1, 0.6) : 0,
    path,
    foregrounds,
  };
}

/** A movement that stays on the photo, and the smallest scale of the photo at which it does. */
function fittingPath(
  random: Random,
  { width, height, frames }: DatasetConfig,
  photo: SourceFile,
  blur: number,
  exposure: number,
): { path: CameraPath; scale: number } {
  let best: { path: CameraPath; scale: number } | undefined;
  for (let i = 0; i < tries; i += 1) {
    const path = drawPath(random, { frames, exposure, blur });
    const { left, right, up, down } = reachOf(path, frames);
    // A twentieth more, for turns and the kernel's border.
    const scale = Math.max((1.05 * width + left + right) / photo.width, (1.05 * height + up + down) / photo.height);
    if (!best || scale < best.scale) best = { path, scale };
    if (scale <= 1) return { path, scale };
  }
  if (!best) throw new RangeError('no path was drawn');
  return best;
}

/** Changes when the same plan gives other pictures. */
const edition = 3;

/** What a plan and its data set's settings come to: a sequence of another digest is another sequence. */
export function planDigest(plan: SequencePlan, config: DatasetConfig): string {
  const { width, height, frames, seed, sharpness } = config;
  const text = JSON.stringify(
    { edition, width, height, frames, seed, sharpness, plan },
    (key: string, value: unknown) => (key === 'path' && typeof value === 'string' ? undefined : value),
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
