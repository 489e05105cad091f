/** How a camera turns light into code values: both directions between linear light and [0, 1]. */
export interface CameraResponse {
  readonly name: string;
  /** Linear light of a code value in [0, 1]. */
  toLinear(code: number): number;
  /** The code value in [0, 1] of linear light. */
  fromLinear(light: number): number;
}

const srgb = {
  toLinear: (v: number) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4),
  fromLinear: (v: number) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055),
};

/** How far a camera's contrast curve departs from a straight line: 0 not at all, 1 a full smooth step. */
const contrast = 0.45;

function curved(v: number): number {
  return v + contrast * (v * v * (3 - 2 * v) - v);
}

/** The inverse of {@link curved}, which rises everywhere, by halving the interval. */
function straightened(code: number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 40; i += 1) {
    const middle = (low + high) / 2;
    if (curved(middle) < code) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The responses a sequence is drawn from: the sRGB curve, a power of 2.2, BT.709's camera curve, and `contrast`, the
 * S-shaped curve with a toe and a shoulder that measured responses of consumer cameras have on top of sRGB.
 */
export const cameraResponses: readonly CameraResponse[] = [
  { name: 'srgb', ...srgb },
  { name: 'gamma2.2', toLinear: (v) => v ** 2.2, fromLinear: (v) => v ** (1 / 2.2) },
  {
    name: 'bt709',
    toLinear: (v) => (v < 0.081 ? v / 4.5 : ((v + 0.099) / 1.099) ** (1 / 0.45)),
    fromLinear: (v) => (v < 0.018 ? v * 4.5 : 1.099 * v ** 0.45 - 0.099),
  },
  {
    name: 'contrast',
    toLinear: (v) => srgb.toLinear(straightened(v)),
    fromLinear: (v) => curved(srgb.fromLinear(v)),
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
