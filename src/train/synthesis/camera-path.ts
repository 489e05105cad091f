import type { Random } from '../random.js';

/** Where the camera looks: offset on the picture in pixels, roll, yaw and pitch in radians, magnification. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly roll: number;
  /** Turn about the upright axis, per pixel of the picture's width. */
  readonly yaw: number;
  /** Turn about the level axis, per pixel of the picture's height. */
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
  /** Pixels per frame interval. */
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
  /** Frames of the sequence; the path is centred on their middle. */
  readonly frames: number;
  /** Part of the frame interval during which the shutter is open. */
  readonly exposure: number;
  /** Mean length, in pixels, of the path of the picture's centre during an exposure. */
  readonly blur: number;
}

/** Frames per second for which the frequencies of a hand are meant. */
const rate = 30;

/** Slow sway (0.3-1.5 Hz), tremor (2-6 Hz) and quick tremor (6-12 Hz) of a hand. */
function waves(random: Random, amplitude: number): Wave[] {
  const wave = (low: number, high: number, strength: number): Wave => ({
    amplitude: amplitude * strength * random.between(0.5, 1.5),
    frequency: random.between(low, high) / rate,
    phase: random.between(0, 2 * Math.PI),
  });
  return [wave(0.3, 1.5, 1), wave(2, 6, 0.12), wave(6, 12, 0.025)];
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

/** Times of a sequence's frames: the middle one looks straight ahead. */
export function frameTimes(frames: number): number[] {
  return Array.from({ length: frames }, (_, n) => n - (frames - 1) / 2);
}

/** Pieces that a path is measured in. */
const pieces = 8;

/** Length of the way of something while the shutter is open around `time`. */
export function wayLength(place: (time: number) => readonly [number, number], time: number, exposure: number): number {
  let length = 0;
  let before = place(time - exposure / 2);
  for (let i = 1; i <= pieces; i += 1) {
    const next = place(time + exposure * (i / pieces - 0.5));
    length += Math.hypot(next[0] - before[0], next[1] - before[1]);
    before = next;
  }
  return length;
}

/** Largest offsets of the camera over a sequence, from its place at time 0: left, right, up, down. */
export function reachOf(path: CameraPath, frames: number): { left: number; right: number; up: number; down: number } {
  const reach = { left: 0, right: 0, up: 0, down: 0 };
  // From half an interval before the first frame to half an interval after the last one.
  for (let time = -frames / 2; time <= frames / 2; time += 0.25) {
    const { x, y } = poseAt(path, time);
    reach.left = Math.max(reach.left, -x);
    reach.right = Math.max(reach.right, x);
    reach.up = Math.max(reach.up, -y);
    reach.down = Math.max(reach.down, y);
  }
  return reach;
}

/** Draws a movement: a pan, the sway and tremor of a hand, or both, scaled to the blur asked for. */
export function drawPath(random: Random, { frames, exposure, blur }: PathOptions): CameraPath {
  const angle = random.between(0, 2 * Math.PI);
  const panning = random.chance(0.5) ? random.between(0.3, 1) : 0;
  const sway = panning > 0 ? random.between(0, 8) : random.between(6, 14);
  const turns = random.logBetween(0.4, 2.5);
  const shape: CameraPath = {
    pan: [panning * Math.cos(angle), panning * Math.sin(angle)],
    x: waves(random, sway),
    y: waves(random, sway * random.between(0.4, 1)),
    roll: waves(random, 0.02 * turns),
    yaw: waves(random, 2e-5 * turns),
    pitch: waves(random, 2e-5 * turns),
    zoom: waves(random, 0.006 * turns),
  };
  let length = 0;
  const place = (time: number) => [poseAt(shape, time).x, poseAt(shape, time).y] as const;
  for (const time of frameTimes(frames)) length += wayLength(place, time, exposure);
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
