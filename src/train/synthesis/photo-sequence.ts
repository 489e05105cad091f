import sharp from 'sharp';
import { DeblurError } from '../../errors.js';
import type { Random } from '../random.js';
import { pathLength, poseAt } from './camera-path.js';
import { cameraResponse, codeTable, linearTable } from './camera-response.js';
import type { SequencePlan } from './plan.js';
import { develop } from './sensor.js';
import { addScene, layForeground, type Foreground, type FrameSize, type LinearPicture } from './virtual-camera.js';

/** A blurry frame, its sharp truth and how long the blur is. */
export interface SynthesisedFrame {
  /** Interleaved RGB, 8 bits. */
  readonly blur: Uint8Array;
  readonly sharp: Uint8Array;
  /** Length of the picture centre's path during the exposure, in pixels. */
  readonly length: number;
}

/** Longest step between two moments of an exposure, in pixels. */
const longestStep = 0.7;
const fewestMoments = 5;

/** Moments that an exposure is averaged over: odd, so that one of them is its middle. */
export function momentsFor(length: number): number {
  return Math.max(fewestMoments, Math.ceil(length / longestStep)) | 1;
}

/** Reads a photo in linear light, reduced to a width with Lanczos' filter. */
export async function readLinear(path: string, width: number, linear: Float32Array): Promise<LinearPicture> {
  try {
    const { data, info } = await sharp(path)
      .rotate()
      .removeAlpha()
      .toColourspace('srgb')
      .resize({ width, withoutEnlargement: true, kernel: 'lanczos3' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    const light = new Float32Array(data.length);
    for (let i = 0; i < data.length; i += 1) light[i] = linear[data[i]!]!;
    return { data: light, width: info.width, height: info.height };
  } catch (cause) {
    throw new DeblurError('INPUT_UNREADABLE', `The photo ${path} can't be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

async function drawForeground(
  random: Random,
  plan: SequencePlan,
  size: FrameSize,
  linear: Float32Array,
): Promise<Foreground | undefined> {
  if (!plan.foreground) return undefined;
  const picture = await readLinear(plan.foreground.path, plan.photoWidth, linear);
  const speed = (plan.blur / plan.exposure) * random.between(0, 1.2);
  const angle = random.between(0, 2 * Math.PI);
  return {
    picture,
    centre: [random.between(0.2, 0.8) * picture.width, random.between(0.2, 0.8) * picture.height],
    place: [random.between(-0.4, 0.4) * size.width, random.between(-0.4, 0.4) * size.height],
    radius: [random.between(0.08, 0.28) * size.width, random.between(0.12, 0.4) * size.height],
    softness: random.between(1, 4),
    motion: [speed * Math.cos(angle), speed * Math.sin(angle)],
    parallax: random.between(0.8, 1.6),
  };
}

/** Films a photo with a virtual camera, frame by frame. */
export async function* filmPhoto(
  random: Random,
  plan: SequencePlan,
  size: FrameSize,
  frames: number,
): AsyncGenerator<SynthesisedFrame> {
  const response = cameraResponse(plan.response);
  const [linear, codes] = [linearTable(response), codeTable(response)];
  const photo = await readLinear(plan.source.path, plan.photoWidth, linear);
  if (photo.width < size.width / 2 || photo.height < size.height / 2) {
    throw new DeblurError(
      'INPUT_UNREADABLE',
      `The photo ${plan.source.path} is too small (${photo.width}x${photo.height}) for frames of ${size.width}x${size.height}.`,
    );
  }
  const foreground = await drawForeground(random, plan, size, linear);
  const centre = [plan.centre[0] * photo.width, plan.centre[1] * photo.height] as const;
  // The middle frame of the sequence looks at the centre.
  const origin = (frames - 1) / 2;
  const moment = new Float32Array(size.width * size.height * 3);
  const sum = new Float32Array(moment.length);

  const add = (time: number, target: Float32Array) => {
    const poseOf = (row: number) => poseAt(plan.path, time + plan.readout * (row / size.height - 0.5));
    if (plan.readout === 0) {
      const pose = poseAt(plan.path, time);
      addScene(photo, size, centre, () => pose, foreground ? moment.fill(0) : target);
    } else addScene(photo, size, centre, poseOf, foreground ? moment.fill(0) : target);
    if (!foreground) return;
    layForeground(foreground, size, poseAt(plan.path, time), time, moment);
    for (let i = 0; i < target.length; i += 1) target[i]! += moment[i]!;
  };

  for (let n = 0; n < frames; n += 1) {
    const time = n - origin;
    const length = pathLength(plan.path, time, plan.exposure);
    const fastest = foreground
      ? Math.hypot(...foreground.motion) * plan.exposure + length * foreground.parallax
      : length;
    const moments = momentsFor(Math.max(length, fastest));
    sum.fill(0);
    for (let k = 0; k < moments; k += 1) add(time + plan.exposure * ((k + 0.5) / moments - 0.5), sum);
    const blur = develop(sum, 1 / moments, plan.sensor, codes, random);
    sum.fill(0);
    add(time, sum);
    yield { blur, sharp: develop(sum, 1, plan.sensor, codes), length };
  }
}
