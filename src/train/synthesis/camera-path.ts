import type { Random } from '../random.js';

/** Where the camera looks: offset on the picture in pixels, roll, yaw and pitch in radians, magnification. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly roll: number;
  readonly yaw: number;
  readonly pitch: number;
  readonly zoom: number;
}

/** One oscillation of a hand. */
interface Wave {
  readonly amplitude: number;
  /** Cycles per frame interval. */
  readonly frequency: number;
  readonly phase: number;
}

/** A camera's movement over time, which is counted in frame intervals. */
export interface CameraPath {
  readonly pan: readonly [number, number];
  readonly x: readonly Wave[];
  readonly y: readonly Wave[];
  readonly roll: readonly Wave[];
  readonly zoom: readonly Wave[];
  readonly yaw: readonly Wave[];
  readonly pitch: readonly Wave[];
}

/** Options of {@link drawPath}. */
export interface PathOptions {
  /** Frames of the sequence. */
  readonly frames: number;
  /** Part of the frame interval during which the shutter is open. */
  readonly exposure: number;
  /** Mean length, in pixels, of the path of the picture's centre during an exposure. */
  readonly blur: number;
}

/** Slow sway (0.3-1.5 Hz) and tremor (2-6 Hz) of a hand at about 30 frames per second. */
function waves(random: Random, amplitude: number): Wave[] {
  const wave = (low: number, high: number, strength: number): Wave => ({
    amplitude: amplitude * strength * random.between(0.5, 1.5),
    frequency: random.between(low, high) / 30,
    phase: random.between(0, 2 * Math.PI),
  });
  return [wave(0.3, 1.5, 1), wave(2, 6, 0.12)];
}

function at(series: readonly Wave[], time: number): number {
  return series.reduce((sum, w) => sum + w.amplitude * Math.sin(2 * Math.PI * w.frequency * time + w.phase), 0);
}

/** The pose at a time. */
export function poseAt(path: CameraPath, time: number): Pose {
  return {
    x: path.pan[0] * time + at(path.x, time),
    y: path.pan[1] * time + at(path.y, time),
    roll: at(path.roll, time),
    yaw: at(path.yaw, time),
    pitch: at(path.pitch, time),
    zoom: 1 + at(path.zoom, time),
  };
}

/** Length in pixels of the centre's path while the shutter is open around `time`. */
export function pathLength(path: CameraPath, time: number, exposure: number): number {
  const pieces = 8;
  let length = 0;
  let before = poseAt(path, time - exposure / 2);
  for (let i = 1; i <= pieces; i += 1) {
    const next = poseAt(path, time + exposure * (i / pieces - 0.5));
    length += Math.hypot(next.x - before.x, next.y - before.y);
    before = next;
  }
  return length;
}

/** Draws a movement: a pan, the sway and tremor of a hand, or both, scaled to the blur asked for. */
export function drawPath(random: Random, { frames, exposure, blur }: PathOptions): CameraPath {
  const angle = random.between(0, 2 * Math.PI);
  const panning = random.chance(0.5) ? random.between(0.3, 1) : 0;
  const sway = panning > 0 ? random.between(0, 8) : random.between(6, 14);
  const shape: CameraPath = {
    pan: [panning * Math.cos(angle), panning * Math.sin(angle)],
    x: waves(random, sway),
    y: waves(random, sway * random.between(0.4, 1)),
    roll: waves(random, 0.02),
    yaw: waves(random, 2e-5),
    pitch: waves(random, 2e-5),
    zoom: waves(random, 0.006),
  };
  let length = 0;
  for (let n = 0; n < frames; n += 1) length += pathLength(shape, n, exposure);
  const scale = (blur * frames) / Math.max(length, 1e-6);
  const scaled = (series: readonly Wave[], by: number) => series.map((w) => ({ ...w, amplitude: w.amplitude * by }));
  // Turning goes with shaking, but a strong pan does not spin the camera.
  const turning = Math.min(1, scale / 2);
  return {
    pan: [shape.pan[0] * scale, shape.pan[1] * scale],
    x: scaled(shape.x, scale),
    y: scaled(shape.y, scale),
    roll: scaled(shape.roll, turning),
    yaw: scaled(shape.yaw, turning),
    pitch: scaled(shape.pitch, turning),
    zoom: scaled(shape.zoom, turning),
  };
}
