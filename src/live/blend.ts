import type { Frame, Plane } from '../io/frame.js';
import { tightPlanes } from '../io/frame.js';
import { av, constants as c } from '../io/node-av/binding.js';
import { nativePicture } from '../io/node-av/native-frame.js';
import type { Scaler } from '../io/node-av/scaler.js';

/** What is added to differences so that bytes can hold them. */
const zero = 128;

/** What {@link blend} is made from. */
export interface BlendParts {
  /** The picture as it is shown. */
  readonly original: Frame;
  /** The picture as the network saw it: the original itself, or smaller. */
  readonly seen: Frame;
  /** The network's planes, of the size of `seen`. */
  readonly result: readonly Uint8Array[];
  /** 0 to 1. */
  readonly strength: number;
  /** Enlarges differences. */
  readonly scaler: Scaler;
}

/**
 * The original with the network's difference added, by `strength`. A network that worked on a smaller picture gives a
 * smaller difference, which is enlarged: the original's own detail stays. All pictures are 8-bit 4:2:0. (These are the
 * live path's only loops over samples in JavaScript: a few hundred thousand bytes a frame, about a millisecond. In the
 * network's graph the strength would be a constant, and a slider would build graphs.)
 *
 * @returns planes of the original's size; undefined for the original itself.
 */
export async function blend({ original, seen, result, strength, scaler }: BlendParts): Promise<Plane[] | undefined> {
  if (strength === 0) return undefined;
  const source = original.planes();
  if (seen.properties.width === original.properties.width && seen.properties.height === original.properties.height) {
    const own = tightPlanes(seen.properties, result).planes();
    return strength === 1 ? [...own] : source.map((plane, i) => mixed(plane, planeOf(own, i), strength));
  }
  const small = seen.planes();
  const differences = tightPlanes(seen.properties, result)
    .planes()
    .map((plane, i) => difference(planeOf(small, i), plane));
  using carrier = seen.withPlanes(differences);
  using picture = nativePicture(carrier);
  const { width, height } = original.properties;
  using enlarged = await scaler.convert(picture, { format: c.AV_PIX_FMT_YUV420P, width, height });
  return source.map((plane, i) => added(plane, nativePlane(enlarged, i, plane), strength));
}

function planeOf(planes: readonly Plane[], i: number): Plane {
  const plane = planes[i];
  if (!plane) throw new RangeError(`there is no plane ${i}`);
  return plane;
}

function nativePlane(picture: av.Frame, i: number, { width, height }: Plane): Plane {
  const [data, stride] = [picture.data?.[i], picture.linesize[i]];
  if (!data || stride === undefined) throw new RangeError(`there is no plane ${i}`);
  return { data, stride, width, height };
}

/** `source + strength × (result − source)`. */
function mixed(source: Plane, result: Plane, strength: number): Plane {
  const { width, height } = source;
  const out = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y += 1) {
    const [from, to, at] = [y * source.stride, y * result.stride, y * width];
    for (let x = 0; x < width; x += 1) {
      const sample = source.data[from + x] ?? 0;
      out[at + x] = sample + strength * ((result.data[to + x] ?? 0) - sample);
    }
  }
  return { data: new Uint8Array(out.buffer), stride: width, width, height };
}

/** `result − source + 128`, within a byte. */
function difference(source: Plane, result: Plane): Uint8Array {
  const { width, height } = source;
  const out = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y += 1) {
    const [from, to, at] = [y * source.stride, y * result.stride, y * width];
    for (let x = 0; x < width; x += 1) {
      out[at + x] = (result.data[to + x] ?? 0) - (source.data[from + x] ?? 0) + zero;
    }
  }
  return new Uint8Array(out.buffer);
}

/** `source + strength × (difference − 128)`. */
function added(source: Plane, by: Plane, strength: number): Plane {
  const { width, height } = source;
  const out = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y += 1) {
    const [from, to, at] = [y * source.stride, y * by.stride, y * width];
    for (let x = 0; x < width; x += 1) {
      out[at + x] = (source.data[from + x] ?? 0) + strength * ((by.data[to + x] ?? zero) - zero);
    }
  }
  return { data: new Uint8Array(out.buffer), stride: width, width, height };
}
