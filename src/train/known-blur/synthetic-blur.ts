import type { Random } from '../random.js';
import type { DecodedPicture } from '../sets/picture-cache.js';
import { drawPath, poseAt, wayLength, type CameraPath } from '../synthesis/camera-path.js';
import { cameraResponse, codeOf, codeTable, linearTable } from '../synthesis/camera-response.js';
import { momentsFor } from '../synthesis/film.js';
import { linearLight } from '../synthesis/linear-photo.js';
import { seeScene, type LinearPicture } from '../synthesis/virtual-camera.js';
import { exposeAlongFlow } from './flow-exposure.js';
import type { KnownBlur } from './known-blur.js';
import type { MotionField } from './motion-fields.js';
import { addMissingNoise, noiseLevel } from './noise-level.js';

/** Options of {@link syntheticBlur}. */
export interface SyntheticBlurOptions {
  /** Motion of real clips. Default: none, and the camera always moves as a hand does. */
  readonly fields?: readonly MotionField[];
  /** Part of the pictures that a hand's movement blurs in place of a clip's motion. Default 0.4 with fields. */
  readonly hand?: number;
  /** Middle length of the blur over a picture, in pixels: lengths are drawn evenly in their logarithm. Default 3 to 24. */
  readonly length?: { readonly min: number; readonly max: number };
  /** How the camera turns light into code values, a name of `cameraResponses`. Default `srgb`. */
  readonly response?: string;
  /** Part of the pictures in which white is light that was brighter than the camera could store. Default 0.4. */
  readonly highlights?: number;
  /** Part of the pictures that a shutter reads row by row, where a hand moves the camera. Default 0.3. */
  readonly rollingShutter?: number;
}

/**
 * Blurs pictures as this project's own data is made: the moments of an exposure are averaged in linear light, along
 * the motion of real clips or the movement of a hand. Blur takes noise away, so as much is added as the sharp picture
 * has: noise would otherwise tell pictures with this blur from the camera's own.
 */
export function syntheticBlur(options: SyntheticBlurOptions = {}): KnownBlur {
  const { fields = [], hand = 0.4, length: { min, max } = { min: 3, max: 24 } } = options;
  const { response: name = 'srgb', highlights = 0.4, rollingShutter = 0.3 } = options;
  const response = cameraResponse(name);
  const [linear, codes] = [linearTable(response), codeTable(response)];
  const blurred = (picture: DecodedPicture, random: Random): DecodedPicture => {
    const { width, height } = picture;
    const gain = random.chance(highlights) ? random.logBetween(1.2, 4) : 1;
    const light = { data: linearLight(picture.data, { linear, highlights: gain }), width, height };
    const length = random.logBetween(min, max);
    const byHand = fields.length === 0 || random.chance(hand);
    const exposed = byHand
      ? exposeByHand(light, length, rollingShutter, random)
      : exposeAlongFlow(light, {
          field: random.pick(fields),
          length,
          mirror: [random.chance(0.5), random.chance(0.5)],
        });
    const result = { data: Uint8Array.from(exposed, (value) => Math.round(codeOf(codes, value))), width, height };
    addMissingNoise(result, noiseLevel(picture), random);
    return result;
  };
  return {
    name: fields.length > 0 ? `synthesis along ${fields.length} motions of clips` : 'synthesis by hand',
    blur: (picture, random) => Promise.resolve(blurred(picture, random)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Fewest moments of an exposure. */
const leastMoments = 7;
/** Part of an interval between frames that the shutter is open: with it the movement is as curved as a hand's. */
const shortestExposure = 0.3;

/** Averages what a camera sees of the picture while a hand moves it. */
function exposeByHand(picture: LinearPicture, length: number, rollingShutter: number, random: Random): Float32Array {
  const { width, height } = picture;
  const exposure = random.between(shortestExposure, 1);
  const path = drawPath(random, { frames: 1, exposure, blur: length });
  const readout = random.chance(rollingShutter) ? random.between(0.1, 0.6) : 0;
  const still = centred(path);
  const moments = momentsFor(longestWay(still, exposure, picture), leastMoments);
  const light = new Float32Array(width * height * 3);
  const sum = new Float32Array(light.length);
  for (let k = 0; k < moments; k += 1) {
    const time = exposure * ((k + 0.5) / moments - 0.5);
    const poseOf = (row: number) => still(time + readout * ((row + 0.5) / height - 0.5));
    const whole = still(time);
    seeScene(
      picture,
      { width, height },
      [(width - 1) / 2, (height - 1) / 2],
      readout === 0 ? () => whole : poseOf,
      light,
    );
    for (let i = 0; i < sum.length; i += 1) sum[i]! += light[i]!;
  }
  for (let i = 0; i < sum.length; i += 1) sum[i]! /= moments;
  return sum;
}

/** The path moved so that the camera sees the picture as it is in the middle of the exposure. */
function centred(path: CameraPath): (time: number) => ReturnType<typeof poseAt> {
  const middle = poseAt(path, 0);
  return (time) => {
    const { x, y, roll, yaw, pitch, zoom } = poseAt(path, time);
    return {
      x: x - middle.x,
      y: y - middle.y,
      roll: roll - middle.roll,
      yaw: yaw - middle.yaw,
      pitch: pitch - middle.pitch,
      zoom: zoom / middle.zoom,
    };
  };
}

/** Length of the way of a corner of the picture, turns included. */
function longestWay(
  poseOf: (time: number) => ReturnType<typeof poseAt>,
  exposure: number,
  { width, height }: LinearPicture,
): number {
  const corner = Math.hypot(width, height) / 2;
  const place = (time: number): [number, number] => {
    const { x, y, roll, zoom } = poseOf(time);
    return [x + corner * (Math.cos(roll) / zoom - 1), y + corner * (Math.sin(roll) / zoom)];
  };
  return wayLength(place, 0, exposure);
}
