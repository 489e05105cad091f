import type { Random } from '../random.js';
import { drawPath, type CameraPath } from './camera-path.js';
import { cameraResponses } from './camera-response.js';
import type { DatasetConfig, Split } from './config.js';
import { drawSensor, type Sensor } from './sensor.js';

/** A file that sequences are made from. */
export interface SourceFile {
  /** Its absolute path. */
  readonly path: string;
  /** Its path as the manifest names it. */
  readonly name: string;
  readonly kind: 'photo' | 'clip';
  readonly licence: string;
  readonly split: Split;
}

/** How the blurry frames of a sequence are compressed. */
export interface Compression {
  readonly codec: string;
  readonly crf: number;
}

/** Everything that is drawn for a sequence before a pixel is touched. */
export interface SequencePlan {
  /** `train/000`, as in the folders. */
  readonly name: string;
  readonly split: Split;
  readonly source: SourceFile;
  /** Another photo, part of which moves before the scene. */
  readonly foreground?: SourceFile;
  readonly blur: number;
  readonly exposure: number;
  /** Time that the rows are read over, in frame intervals; 0 for a global shutter. */
  readonly readout: number;
  readonly photoWidth: number;
  /** Where the camera looks on average, as parts of the photo. */
  readonly centre: readonly [number, number];
  readonly path: CameraPath;
  readonly response: string;
  readonly noise: number;
  readonly sensor: Sensor;
  readonly compression?: Compression;
}

/** Longest motion between two frames in pixels: beyond it neighbours have little in common. */
const longestStep = 40;

/** Draws a sequence. */
export function planSequence(
  random: Random,
  config: DatasetConfig,
  name: string,
  source: SourceFile,
  photos: readonly SourceFile[],
): SequencePlan {
  const still = random.chance(config.still);
  const blur = still ? random.between(0, 0.6) : random.logBetween(config.blur.min, config.blur.max);
  const shortest = Math.min(config.exposure.max, Math.max(config.exposure.min, blur / longestStep));
  const exposure = random.between(shortest, config.exposure.max);
  const noise = random.between(config.noise.min, config.noise.max);
  const compressed = random.chance(config.compression.probability);
  const others = photos.filter(({ path, split }) => path !== source.path && split === source.split);
  const foreground = random.chance(config.foreground) && others.length > 0 ? random.pick(others) : undefined;
  return {
    name,
    split: source.split,
    source,
    ...(foreground && source.kind === 'photo' ? { foreground } : {}),
    blur,
    exposure,
    readout: random.chance(config.rollingShutter) ? random.between(0.1, 0.6) : 0,
    photoWidth: Math.round(random.between(config.photoWidth.min, config.photoWidth.max)),
    centre: [random.between(0.25, 0.75), random.between(0.3, 0.7)],
    path: drawPath(random, { frames: config.frames, exposure, blur }),
    response: random.pick(cameraResponses).name,
    noise,
    sensor: drawSensor(random, noise, config.whiteBalance),
    ...(compressed
      ? {
          compression: {
            codec: random.pick(config.compression.codecs),
            crf: Math.round(random.between(config.compression.crf.min, config.compression.crf.max)),
          },
        }
      : {}),
  };
}
