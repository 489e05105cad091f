import type { Pose } from './camera-path.js';

/** A picture in linear light, interleaved RGB, row by row. */
export interface LinearPicture {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A frame's size in pixels. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** A place on a picture: x and y in pixels. */
export type Place = readonly [number, number];

/** Where a frame's pixels lie on a photograph: a homography by small angles. */
interface Projection {
  readonly cos: number;
  readonly sin: number;
  readonly x: number;
  readonly y: number;
  readonly yaw: number;
  readonly pitch: number;
}

function projection(pose: Pose, centre: Place): Projection {
  return {
    cos: Math.cos(pose.roll) / pose.zoom,
    sin: Math.sin(pose.roll) / pose.zoom,
    x: centre[0] + pose.x,
    y: centre[1] + pose.y,
    yaw: pose.yaw,
    pitch: pose.pitch,
  };
}

/** Where on the photograph a camera in that pose sees a point, which is told from the frame's middle. */
export function seenAt(pose: Pose, centre: Place, du: number, dv: number): Place {
  const { cos, sin, x, y, yaw, pitch } = projection(pose, centre);
  const depth = 1 / (1 + yaw * du + pitch * dv);
  return [x + (cos * du - sin * dv) * depth, y + (sin * du + cos * dv) * depth];
}

/** Entries of the table of cubic weights. */
const phases = 1024;
/** Weights of Catmull and Rom's cubic at each phase. */
const cubic = (() => {
  const table = new Float64Array((phases + 1) * 4);
  for (let i = 0; i <= phases; i += 1) {
    const t = i / phases;
    table.set(
      [
        ((-t + 2) * t - 1) * t * 0.5,
        ((3 * t - 5) * t * t + 2) * 0.5,
        ((-3 * t + 4) * t + 1) * t * 0.5,
        (t - 1) * t * t * 0.5,
      ],
      i * 4,
    );
  }
  return table;
})();

/** The offset of a phase's weights in the table, for a place between two samples. */
function phaseAt(fraction: number): number {
  return Math.round(fraction * phases) * 4;
}

/** An index mirrored into a row of `size` samples. */
function mirrored(i: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * size - 2;
  const at = ((i % period) + period) % period;
  return at < size ? at : period - at;
}

/**
 * What a camera sees of a photograph at one moment, sampled with a cubic kernel. Outside the photograph is its mirror
 * image.
 *
 * @param poseOf the camera's pose for a row: with a rolling shutter each row has its own.
 * @param out interleaved linear RGB of the frame, which is overwritten.
 */
export function seeScene(
  photo: LinearPicture,
  { width, height }: FrameSize,
  centre: Place,
  poseOf: (row: number) => Pose,
  out: Float32Array,
): void {
  out.fill(0);
  let at = 0;
  for (let v = 0; v < height; v += 1) {
    const { cos, sin, x, y, yaw, pitch } = projection(poseOf(v), centre);
    const dv = v - (height - 1) / 2;
    for (let u = 0; u < width; u += 1, at += 3) {
      const du = u - (width - 1) / 2;
      const depth = 1 / (1 + yaw * du + pitch * dv);
      addPoint(photo, x + (cos * du - sin * dv) * depth, y + (sin * du + cos * dv) * depth, out, at);
    }
  }
}

/**
 * Adds what a picture shows at places of its own, sampled with the same kernel. Outside is its mirror image.
 *
 * @param places x and y of each pixel of `out`, in pixels.
 * @param out interleaved linear RGB, which is added to.
 */
export function addSeen(picture: LinearPicture, places: Float32Array, out: Float32Array): void {
  for (let at = 0, k = 0; at < out.length; at += 3, k += 2) addPoint(picture, places[k]!, places[k + 1]!, out, at);
}

/** Adds what a picture shows at one place, by the cubic kernel. */
function addPoint(picture: LinearPicture, px: number, py: number, out: Float32Array, at: number): void {
  const { data, width, height } = picture;
  const ix = Math.floor(px);
  const iy = Math.floor(py);
  if (ix < 1 || iy < 1 || ix + 2 >= width || iy + 2 >= height) {
    addPointBeyond(picture, px, py, out, at);
    return;
  }
  const stride = 3 * width;
  const wx = phaseAt(px - ix);
  const wy = phaseAt(py - iy);
  const a = cubic[wx]!;
  const b = cubic[wx + 1]!;
  const c = cubic[wx + 2]!;
  const d = cubic[wx + 3]!;
  let r = 0;
  let g = 0;
  let bl = 0;
  let from = (iy - 1) * stride + 3 * (ix - 1);
  for (let j = 0; j < 4; j += 1, from += stride) {
    const w = cubic[wy + j]!;
    r += w * (a * data[from]! + b * data[from + 3]! + c * data[from + 6]! + d * data[from + 9]!);
    g += w * (a * data[from + 1]! + b * data[from + 4]! + c * data[from + 7]! + d * data[from + 10]!);
    bl += w * (a * data[from + 2]! + b * data[from + 5]! + c * data[from + 8]! + d * data[from + 11]!);
  }
  out[at]! += r > 0 ? r : 0;
  out[at + 1]! += g > 0 ? g : 0;
  out[at + 2]! += bl > 0 ? bl : 0;
}

/** {@link addPoint} where samples lie partly outside the photograph. */
function addPointBeyond({ data, width, height }: LinearPicture, px: number, py: number, out: Float32Array, at: number) {
  const ix = Math.floor(px);
  const iy = Math.floor(py);
  const wx = phaseAt(px - ix);
  const wy = phaseAt(py - iy);
  for (let channel = 0; channel < 3; channel += 1) {
    let sum = 0;
    for (let j = 0; j < 4; j += 1) {
      const row = mirrored(iy - 1 + j, height) * width;
      for (let i = 0; i < 4; i += 1) {
        sum += cubic[wy + j]! * cubic[wx + i]! * data[3 * (row + mirrored(ix - 1 + i, width)) + channel]!;
      }
    }
    out[at + channel]! += sum > 0 ? sum : 0;
  }
}

/** A picture with a transparent surrounding: linear RGB times its cover, and the cover from 0 to 1, interleaved. */
export interface Patch {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Where a patch lies on a frame: its middle in pixels from the frame's top left corner, and its turn in radians. */
export interface PatchPose {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

/**
 * Lays a patch over what the camera sees, in place, sampled with the same kernel.
 *
 * @param poseOf its place for a row: with a rolling shutter each row has its own.
 */
export function layPatch(
  { data, width: pw, height: ph }: Patch,
  { width, height }: FrameSize,
  poseOf: (row: number) => PatchPose,
  frame: Float32Array,
): void {
  const reach = Math.hypot(pw, ph) / 2;
  const stride = 4 * pw;
  for (let v = 0; v < height; v += 1) {
    const { x, y, angle } = poseOf(v);
    const dv = v - y;
    if (Math.abs(dv) > reach) continue;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const last = Math.min(width - 1, Math.floor(x + reach));
    for (let u = Math.max(0, Math.ceil(x - reach)); u <= last; u += 1) {
      const du = u - x;
      const px = (pw - 1) / 2 + cos * du + sin * dv;
      const py = (ph - 1) / 2 - sin * du + cos * dv;
      const ix = Math.floor(px);
      const iy = Math.floor(py);
      // The patch has a transparent border, so what its kernel cuts off is nothing.
      if (ix < 1 || iy < 1 || ix + 2 >= pw || iy + 2 >= ph) continue;
      const wx = phaseAt(px - ix);
      const wy = phaseAt(py - iy);
      let r = 0;
      let g = 0;
      let b = 0;
      let cover = 0;
      for (let j = 0; j < 4; j += 1) {
        const from = (iy - 1 + j) * stride + 4 * (ix - 1);
        for (let i = 0; i < 4; i += 1) {
          const w = cubic[wy + j]! * cubic[wx + i]!;
          const k = from + 4 * i;
          r += w * data[k]!;
          g += w * data[k + 1]!;
          b += w * data[k + 2]!;
          cover += w * data[k + 3]!;
        }
      }
      if (cover <= 0) continue;
      const rest = cover < 1 ? 1 - cover : 0;
      const at = 3 * (v * width + u);
      frame[at] = frame[at]! * rest + (r > 0 ? r : 0);
      frame[at + 1] = frame[at + 1]! * rest + (g > 0 ? g : 0);
      frame[at + 2] = frame[at + 2]! * rest + (b > 0 ? b : 0);
    }
  }
}
