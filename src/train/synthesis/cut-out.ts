import type { Random } from '../random.js';
import { poseAt, type CameraPath } from './camera-path.js';
import type { FrameSize, LinearPicture, Patch, PatchPose, Place } from './virtual-camera.js';

/** A part of a picture that moves before the scene. */
export interface CutOut {
  readonly patch: Patch;
  /** Its place in the frame at time 0, in pixels from the frame's middle. */
  readonly place: Place;
  /** Its own motion in pixels per frame interval. */
  readonly motion: Place;
  /** Radians at time 0, and per frame interval. */
  readonly angle: number;
  readonly spin: number;
  /** How much faster than the scene it passes when the camera moves, because it is nearer. */
  readonly parallax: number;
}

/** Options of {@link drawCutOut}. */
export interface CutOutOptions {
  /** The frame it moves through. */
  readonly size: FrameSize;
  /** Its own motion is up to this many pixels per frame interval. */
  readonly speed: number;
}

/** Harmonics of an outline. */
const harmonics = 5;
/** Transparent pixels around a patch, for the kernel that samples it. */
const border = 3;

/** Half axes of a shape as parts of the frame: a body, a far thing, or a pole. */
function drawAxes(random: Random, { width, height }: FrameSize): Place {
  const kind = random.unit();
  if (kind < 0.55) return [random.between(0.08, 0.25) * width, random.between(0.15, 0.45) * height];
  if (kind < 0.8) return [random.between(0.03, 0.08) * width, random.between(0.05, 0.15) * height];
  return [random.between(0.006, 0.03) * width, random.between(0.4, 0.9) * height];
}

/** Cuts something with an irregular, soft outline out of a picture, and gives it a motion of its own. */
export function drawCutOut(random: Random, picture: LinearPicture, { size, speed }: CutOutOptions): CutOut {
  const axes = drawAxes(random, size);
  const waves = Array.from({ length: harmonics }, (_, k) => ({
    amplitude: random.between(0, 0.22) / (k + 1),
    phase: random.between(0, 2 * Math.PI),
  }));
  // From a diamond over an ellipse to nearly a rectangle.
  const squareness = random.logBetween(1.6, 6);
  const softness = random.logBetween(0.7, 4);
  const from: Place = [random.between(0.1, 0.9) * picture.width, random.between(0.1, 0.9) * picture.height];
  const direction = random.between(0, 2 * Math.PI);
  const pace = speed * random.between(0, 1);
  return {
    patch: cut(
      picture,
      from,
      axes,
      softness,
      (angle) => waves.reduce((sum, { amplitude, phase }, k) => sum + amplitude * Math.cos((k + 1) * angle + phase), 1),
      squareness,
    ),
    place: [random.between(-0.45, 0.45) * size.width, random.between(-0.45, 0.45) * size.height],
    motion: [pace * Math.cos(direction), pace * Math.sin(direction)],
    angle: random.chance(0.5) ? random.between(-Math.PI, Math.PI) : 0,
    spin: random.normal() * 0.02,
    parallax: random.between(0.8, 1.7),
  };
}

function cut(
  { data, width, height }: LinearPicture,
  from: Place,
  axes: Place,
  softness: number,
  outline: (angle: number) => number,
  squareness: number,
): Patch {
  // The outline's waves reach at most 1 + 0.22 × (1 + 1/2 + … + 1/5).
  const [pw, ph] = axes.map((axis) => 2 * Math.ceil(axis * 1.51 + softness) + 2 * border) as [number, number];
  const patch = new Float32Array(pw * ph * 4);
  const narrow = Math.min(...axes);
  for (let y = border; y < ph - border; y += 1) {
    for (let x = border; x < pw - border; x += 1) {
      const [dx, dy] = [(x - (pw - 1) / 2) / axes[0], (y - (ph - 1) / 2) / axes[1]];
      const distance = (Math.abs(dx) ** squareness + Math.abs(dy) ** squareness) ** (1 / squareness);
      const edge = ((outline(Math.atan2(dy, dx)) - distance) * narrow) / softness + 0.5;
      if (edge <= 0) continue;
      const cover = edge < 1 ? edge * edge * (3 - 2 * edge) : 1;
      const px = Math.round(from[0] + x - pw / 2);
      const py = Math.round(from[1] + y - ph / 2);
      const at = 3 * (folded(py, height) * width + folded(px, width));
      const to = 4 * (y * pw + x);
      patch[to] = cover * data[at]!;
      patch[to + 1] = cover * data[at + 1]!;
      patch[to + 2] = cover * data[at + 2]!;
      patch[to + 3] = cover;
    }
  }
  return { data: patch, width: pw, height: ph };
}

/** An index that turns back at the picture's ends. */
function folded(i: number, size: number): number {
  const at = Math.abs(i) % (2 * size);
  return at < size ? at : 2 * size - 1 - at;
}

/** Where a cut-out is at a time. */
export function cutOutPose(cutOut: CutOut, path: CameraPath, size: FrameSize, time: number): PatchPose {
  const { place, motion, angle, spin, parallax } = cutOut;
  const pose = poseAt(path, time);
  return {
    x: (size.width - 1) / 2 + place[0] + motion[0] * time - pose.x * parallax,
    y: (size.height - 1) / 2 + place[1] + motion[1] * time - pose.y * parallax,
    angle: angle + spin * time,
  };
}
