/** How a camera turns light into code values: both directions between linear light and [0, 1]. */
export interface CameraResponse {
  readonly name: string;
  /** Linear light of a code value in [0, 1]. */
  toLinear(code: number): number;
  /** The code value in [0, 1] of linear light. */
  fromLinear(light: number): number;
}

/** The responses a sequence is drawn from: the sRGB curve, a power of 2.2, and BT.709's camera curve. */
export const cameraResponses: readonly CameraResponse[] = [
  {
    name: 'srgb',
    toLinear: (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4),
    fromLinear: (v) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055),
  },
  { name: 'gamma2.2', toLinear: (v) => v ** 2.2, fromLinear: (v) => v ** (1 / 2.2) },
  {
    name: 'bt709',
    toLinear: (v) => (v < 0.081 ? v / 4.5 : ((v + 0.099) / 1.099) ** (1 / 0.45)),
    fromLinear: (v) => (v < 0.018 ? v * 4.5 : 1.099 * v ** 0.45 - 0.099),
  },
];

/** The response of that name. */
export function cameraResponse(name: string): CameraResponse {
  const found = cameraResponses.find((response) => response.name === name);
  if (!found) throw new RangeError(`there is no camera response ${name}`);
  return found;
}

const steps = 4096;

/** Linear light of the 256 code values. */
export function linearTable(response: CameraResponse): Float32Array {
  return Float32Array.from({ length: 256 }, (_, i) => response.toLinear(i / 255));
}

/** Code values (0 to 255, with fractions) of linear light from 0 to 1 in 4096 steps of its square root. */
export function codeTable(response: CameraResponse): Float32Array {
  return Float32Array.from({ length: steps + 2 }, (_, i) => 255 * response.fromLinear(Math.min(1, (i / steps) ** 2)));
}

/** Looks linear light up in a {@link codeTable}: a code value with fractions; light beyond 1 is clipped, as a sensor does. */
export function codeOf(table: Float32Array, light: number): number {
  if (light <= 0) return table[0] ?? 0;
  if (light >= 1) return 255;
  const at = Math.sqrt(light) * steps;
  const i = Math.floor(at);
  const low = table[i] ?? 0;
  return low + ((table[i + 1] ?? 255) - low) * (at - i);
}
