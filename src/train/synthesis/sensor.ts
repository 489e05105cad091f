import type { Random } from '../random.js';
import { codeOf } from './camera-response.js';

/** What a sensor adds to light, and the gains of the white balance. */
export interface Sensor {
  /** Variance of the noise in linear light: `shot · light + read`. */
  readonly shot: number;
  readonly read: number;
  /** Gains of red, green and blue. */
  readonly gains: readonly [number, number, number];
}

/** Linear light of a middle grey, at which a noise level is told. */
const grey = 0.18;
/** Slope of the code value over linear light at middle grey. */
const slopeAtGrey = 1.2;

/** A sensor whose noise at middle grey has the given standard deviation in code values from 0 to 1. */
export function drawSensor(random: Random, noise: number, whiteBalance: number): Sensor {
  const variance = (noise / slopeAtGrey) ** 2;
  const shot = random.between(0.5, 0.95);
  const gain = random.between(1 - whiteBalance, 1 + whiteBalance / 2);
  const channel = () => gain * random.between(1 - whiteBalance / 2, 1 + whiteBalance / 2);
  return {
    shot: (variance * shot) / grey,
    read: variance * (1 - shot),
    gains: [channel(), gain, channel()],
  };
}

/**
 * What the camera stores of linear light: gains, noise, response, 8 bits.
 *
 * @param light interleaved linear RGB.
 * @param scale factor of `light`, for a sum of moments one over their number.
 * @param random draws the noise; without it there is none.
 * @returns interleaved RGB.
 */
export function develop(
  light: Float32Array,
  scale: number,
  { gains, shot, read }: Sensor,
  codes: Float32Array,
  random?: Random,
): Uint8Array {
  const picture = new Uint8Array(light.length);
  const noisy = random !== undefined && shot + read > 0;
  for (let i = 0; i < light.length; i += 1) {
    let value = light[i]! * scale * gains[i % 3]!;
    if (noisy) value += Math.sqrt(shot * value + read) * random.normal();
    picture[i] = codeOf(codes, value) + 0.5;
  }
  return picture;
}
