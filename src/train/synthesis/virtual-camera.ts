import type { Pose } from './camera-path.js';

/** A picture in linear light, interleaved RGB, row by row. */
export interface LinearPicture {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A part of another picture that moves before the scene. */
export interface Foreground {
  readonly picture: LinearPicture;
  /** Middle of the patch on its own picture. */
  readonly centre: readonly [number, number];
  /** Its place in the frame at time 0, in pixels from the frame's middle. */
  readonly place: readonly [number, number];
  /** Half axes of its elliptic shape in pixels. */
  readonly radius: readonly [number, number];
  /** Width in pixels of its soft edge. */
  readonly softness: number;
  /** Its motion in pixels per frame interval, on top of the camera's times `parallax`. */
  readonly motion: readonly [number, number];
  readonly parallax: number;
}

/** A frame's size in pixels. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** Where a frame's pixel lies on a photograph: a homography by small angles. */
interface Projection {
  readonly cos: number;
  readonly sin: number;
  readonly x: number;
  readonly y: number;
  readonly yaw: number;
  readonly pitch: number;
}

function projection(pose: Pose, centre: readonly [number, number]): Projection {
  return {
    cos: Math.cos(pose.roll) / pose.zoom,
    sin: Math.sin(pose.roll) / pose.zoom,
    x: centre[0] + pose.x,
    y: centre[1] + pose.y,
    yaw: pose.yaw,
    pitch: pose.pitch,
  };
}

/** Entries of the table of cubic weights. */
const phases = 1024;
/** Weights of Catmull and Rom's cubic at each phase. */
const cubic = (() => {
  const table = new Float32Array((phases + 1) * 4);
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

/** An index mirrored into a row of `size` samples. */
function mirrored(i: number, size: number): number {
  const period = 2 * size - 2;
  const phase = ((i % period) + period) % period;
  return phase < size ? phase : period - phase;
}

/**
 * Adds what the camera sees to `sum`, sampled with a cubic kernel; outside the photograph is its mirror image.
 *
 * @param sum interleaved RGB of the frame, of which rows `from` to `to` are written.
 * @param poseOf the camera's pose for a row: with a rolling shutter each row has its own.
 */
export function addScene(
  photo: LinearPicture,
  { width, height }: FrameSize,
  centre: readonly [number, number],
  poseOf: (row: number) => Pose,
  sum: Float32Array,
): void {
  const { data, width: pw, height: ph } = photo;
  const columns = new Int32Array(4);
  for (let v = 0; v < height; v += 1) {
    const { cos, sin, x, y, yaw, pitch } = projection(poseOf(v), centre);
    const dv = v - (height - 1) / 2;
    for (let u = 0; u < width; u += 1) {
      const du = u - (width - 1) / 2;
      const depth = 1 / (1 + yaw * du + pitch * dv);
      const px = x + (cos * du - sin * dv) * depth;
      const py = y + (sin * du + cos * dv) * depth;
      const ix = Math.floor(px);
      const iy = Math.floor(py);
      const wx = Math.round((px - ix) * phases) * 4;
      const wy = Math.round((py - iy) * phases) * 4;
      const inside = ix >= 1 && iy >= 1 && ix + 2 < pw && iy + 2 < ph;
      for (let i = 0; i < 4; i += 1) columns[i] = 3 * (inside ? ix - 1 + i : mirrored(ix - 1 + i, pw));
      let r = 0;
      let g = 0;
      let b = 0;
      for (let j = 0; j < 4; j += 1) {
        const row = 3 * pw * (inside ? iy - 1 + j : mirrored(iy - 1 + j, ph));
        const w = cubic[wy + j]!;
        for (let i = 0; i < 4; i += 1) {
          const at = row + columns[i]!;
          const weight = w * cubic[wx + i]!;
          r += weight * data[at]!;
          g += weight * data[at + 1]!;
          b += weight * data[at + 2]!;
        }
      }
      const out = 3 * (v * width + u);
      sum[out]! += r > 0 ? r : 0;
      sum[out + 1]! += g > 0 ? g : 0;
      sum[out + 2]! += b > 0 ? b : 0;
    }
  }
}

/**
 * Lays a moving patch over one rendered moment of a frame, in place.
 *
 * @param time in frame intervals.
 */
export function layForeground(
  { picture, centre, place, radius, softness, motion, parallax }: Foreground,
  { width, height }: FrameSize,
  pose: Pose,
  time: number,
  frame: Float32Array,
): void {
  const { data, width: pw, height: ph } = picture;
  const mx = width / 2 + place[0] + motion[0] * time - pose.x * parallax;
  const my = height / 2 + place[1] + motion[1] * time - pose.y * parallax;
  const soft = softness / Math.min(...radius);
  const top = Math.max(0, Math.floor(my - radius[1] * (1 + soft)));
  const bottom = Math.min(height, Math.ceil(my + radius[1] * (1 + soft)));
  const left = Math.max(0, Math.floor(mx - radius[0] * (1 + soft)));
  const right = Math.min(width, Math.ceil(mx + radius[0] * (1 + soft)));
  for (let v = top; v < bottom; v += 1) {
    for (let u = left; u < right; u += 1) {
      const distance = Math.hypot((u - mx) / radius[0], (v - my) / radius[1]);
      const cover = Math.min(1, Math.max(0, (1 - distance) / soft + 0.5));
      if (cover === 0) continue;
      const px = centre[0] + u - mx;
      const py = centre[1] + v - my;
      const ix = Math.floor(px);
      const iy = Math.floor(py);
      const fx = px - ix;
      const fy = py - iy;
      const x0 = 3 * mirrored(ix, pw);
      const x1 = 3 * mirrored(ix + 1, pw);
      const y0 = 3 * pw * mirrored(iy, ph);
      const y1 = 3 * pw * mirrored(iy + 1, ph);
      const out = 3 * (v * width + u);
      for (let c = 0; c < 3; c += 1) {
        const upper = data[y0 + x0 + c]! * (1 - fx) + data[y0 + x1 + c]! * fx;
        const lower = data[y1 + x0 + c]! * (1 - fx) + data[y1 + x1 + c]! * fx;
        frame[out + c] = frame[out + c]! * (1 - cover) + cover * (upper * (1 - fy) + lower * fy);
      }
    }
  }
}
