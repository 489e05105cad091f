import type { Random } from '../random.js';
import { frameTimes, poseAt, reachOf, wayLength, type CameraPath, type Pose } from './camera-path.js';
import { cameraResponse, codeTable, linearTable } from './camera-response.js';
import { cutOutPose, drawCutOut, type CutOut } from './cut-out.js';
import { momentsFor, type Film, type FilmOptions, type SynthesisedFrame } from './film.js';
import { detailAt, readGreen, readPhoto, type GreenPhoto } from './linear-photo.js';
import { soften } from './lens.js';
import type { PhotoPlan, SequencePlan } from './plan.js';
import { develop } from './sensor.js';
import { layPatch, seeScene, seenAt, type FrameSize, type LinearPicture, type Place } from './virtual-camera.js';

/** Views that are tried for one with enough detail. */
const views = 8;

/** Where the camera looks at time 0, so that it stays on the photo and sees something. */
function chooseView(
  random: Random,
  photo: GreenPhoto,
  size: FrameSize,
  path: CameraPath,
  { frames, sharpness }: Pick<FilmOptions, 'frames' | 'sharpness'>,
): Place {
  const { left, right, up, down } = reachOf(path, frames);
  const within = (half: number, before: number, after: number, whole: number) => {
    const [low, high] = [1.05 * half + before, whole - 1.05 * half - after];
    return low < high ? random.between(low, high) : (low + high) / 2;
  };
  let best: { centre: Place; detail: number } | undefined;
  for (let i = 0; i < views; i += 1) {
    const centre: Place = [
      within(size.width / 2, left, right, photo.width),
      within(size.height / 2, up, down, photo.height),
    ];
    const detail = detailAt(photo, size, centre);
    if (!best || detail > best.detail) best = { centre, detail };
    if (detail >= sharpness) return centre;
  }
  if (!best) throw new RangeError('no view was drawn');
  return best.centre;
}

/** Columns and rows of the points whose ways are measured. */
const grid: Place = [7, 5];

/** Mean and greatest length of what the points of the picture pass during an exposure. */
function wayLengths(
  path: CameraPath,
  cutOuts: readonly CutOut[],
  { width, height }: FrameSize,
  time: number,
  exposure: number,
): { mean: number; greatest: number } {
  const lengths: number[] = [];
  for (let row = 0; row < grid[1]; row += 1) {
    for (let column = 0; column < grid[0]; column += 1) {
      const du = ((column + 0.5) / grid[0] - 0.5) * width;
      const dv = ((row + 0.5) / grid[1] - 0.5) * height;
      const over = cutOuts.findLast((cutOut) => covers(cutOut, path, { width, height }, time, du, dv));
      const place = over
        ? (at: number): Place => {
            const { x, y } = cutOutPose(over, path, { width, height }, at);
            return [x, y];
          }
        : (at: number) => seenAt(poseAt(path, at), [0, 0], du, dv);
      lengths.push(wayLength(place, time, exposure));
    }
  }
  return { mean: lengths.reduce((sum, length) => sum + length, 0) / lengths.length, greatest: Math.max(...lengths) };
}

function covers(cutOut: CutOut, path: CameraPath, size: FrameSize, time: number, du: number, dv: number): boolean {
  const { x, y, angle } = cutOutPose(cutOut, path, size, time);
  const [dx, dy] = [du + (size.width - 1) / 2 - x, dv + (size.height - 1) / 2 - y];
  const { data, width, height } = cutOut.patch;
  const px = Math.round((width - 1) / 2 + Math.cos(angle) * dx + Math.sin(angle) * dy);
  const py = Math.round((height - 1) / 2 - Math.sin(angle) * dx + Math.cos(angle) * dy);
  return px >= 0 && py >= 0 && px < width && py < height && data[4 * (py * width + px) + 3]! > 0.5;
}

/** Pixels of the photo to a frame's pixel: a cubic kernel samples what the optics leave of it without error. */
const density = 2;

/** A photo as the camera's optics show it, `density` pixels to a frame's, and where the camera looks at time 0. */
interface Projected {
  readonly photo: LinearPicture;
  readonly centre: Place;
}

/** Reads the part of a photo that the camera passes over, and softens it as lens and pixels do. */
async function project(
  plan: SequencePlan & { readonly photo: PhotoPlan },
  photo: GreenPhoto,
  centre: Place,
  linear: Float32Array,
  { size, frames }: FilmOptions,
): Promise<Projected> {
  const { path, optics, highlights } = plan.photo;
  const { left, right, up, down } = reachOf(path, frames);
  // A tenth more than the frame, for turns and zoom, and some pixels for the kernels.
  const span = (middle: number, half: number, before: number, after: number, whole: number) => {
    const first = Math.max(0, Math.floor(middle - 1.1 * half - before) - 8);
    return [first, Math.min(whole, Math.ceil(middle + 1.1 * half + after) + 8) - first] as const;
  };
  const [x, width] = span(centre[0], size.width / 2, left, right, photo.width);
  const [y, height] = span(centre[1], size.height / 2, up, down, photo.height);
  const region = { left: density * x, top: density * y, width: density * width, height: density * height };
  const whole = { width: density * photo.width, height: density * photo.height };
  const dense = await readPhoto(plan.source.path, { ...whole, region, linear, highlights });
  soften(dense.data, dense, density * optics);
  // Pixels are told by their middles: the middle of the photo's first pixel lies half way between its first two here.
  const at = (place: number, first: number) => density * (place - first) + (density - 1) / 2;
  return { photo: dense, centre: [at(centre[0], x), at(centre[1], y)] };
}

/** A pose on the photo as one on what the optics show of it. */
function dense(pose: Pose): Pose {
  return { ...pose, x: density * pose.x, y: density * pose.y, zoom: pose.zoom / density };
}

/** Films a photo with a virtual camera. */
export async function filmPhoto(
  random: Random,
  plan: SequencePlan & { readonly photo: PhotoPlan },
  options: FilmOptions,
): Promise<Film> {
  const { path, photoWidth, optics, highlights, foregrounds } = plan.photo;
  const { size } = options;
  const response = cameraResponse(plan.response);
  const linear = linearTable(response);
  const photo = await readGreen(plan.source.path, { width: photoWidth });
  const centre = chooseView(random, photo, size, path, options);
  const cutOuts: CutOut[] = [];
  for (const { path: file, width } of foregrounds) {
    const other = await readPhoto(file, { width: Math.min(width, photoWidth), linear, highlights });
    soften(other.data, other, optics);
    cutOuts.push(drawCutOut(random, other, { size, speed: (1.2 * plan.blur) / plan.exposure }));
  }
  const projected = await project(plan, photo, centre, linear, options);
  return {
    frames: expose(random, plan, { ...projected, cutOuts, codes: codeTable(response) }, options),
    decisions: { centre: centre.map(Math.round) },
  };
}

interface Scene extends Projected {
  readonly cutOuts: readonly CutOut[];
  /** See {@link codeTable}. */
  readonly codes: Float32Array;
}

// eslint-disable-next-line @typescript-eslint/require-await -- a film is read frame by frame, whatever it is made of
async function* expose(
  random: Random,
  plan: SequencePlan & { readonly photo: PhotoPlan },
  { photo, centre, cutOuts, codes }: Scene,
  { size, frames }: FilmOptions,
): AsyncGenerator<SynthesisedFrame> {
  const { exposure, sensor } = plan;
  const { path, readout } = plan.photo;
  const light = new Float32Array(size.width * size.height * 3);
  const sum = new Float32Array(light.length);

  const see = (time: number) => {
    const timeOf = (row: number) => time + readout * ((row + 0.5) / size.height - 0.5);
    const still = dense(poseAt(path, time));
    seeScene(photo, size, centre, readout === 0 ? () => still : (row) => dense(poseAt(path, timeOf(row))), light);
    for (const cutOut of cutOuts) {
      const there = cutOutPose(cutOut, path, size, time);
      const poseOf = readout === 0 ? () => there : (row: number) => cutOutPose(cutOut, path, size, timeOf(row));
      layPatch(cutOut.patch, size, poseOf, light);
    }
  };

  for (const time of frameTimes(frames)) {
    const { mean, greatest } = wayLengths(path, cutOuts, size, time, exposure);
    const moments = momentsFor(greatest, plan.leastMoments);
    sum.fill(0);
    for (let k = 0; k < moments; k += 1) {
      see(time + exposure * ((k + 0.5) / moments - 0.5));
      for (let i = 0; i < sum.length; i += 1) sum[i]! += light[i]!;
    }
    soften(sum, size, plan.defocus ?? 0);
    const blur = develop(sum, 1 / moments, sensor, codes, random);
    see(time);
    yield { blur, sharp: develop(light, 1, sensor, codes), length: mean, moments };
  }
}
