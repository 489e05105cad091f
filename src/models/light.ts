import { z } from 'zod';
import {
  alongBands,
  alongPath,
  alongShape,
  blurAlong,
  gridOfPath,
  pathOfGrid,
  pathTile,
  type BlurPath,
} from './along-path.js';
import { clamped } from './arithmetic.js';
import { estimatePath } from './blur-path.js';
import { conv, convJoined } from './layers.js';
import type { Network } from './network.js';
import { within, type Ops, type Weights } from './ops.js';
import {
  analysisOfChroma,
  analysisOfLuma,
  analysisOfRgb,
  cell,
  chromaBands,
  lumaBands,
  lumaFromRgb,
  pixelsOfLuma,
  synthesis,
} from './frame-bands.js';

/** Options of {@link light}. */
const lightConfig = z.strictObject({
  /** Channels at a quarter of the frame's size. */
  width: z.int().min(8).max(256).default(32),
  /** Channels at an eighth of it. */
  deepWidth: z.int().min(8).max(512).default(80),
  /** Residual blocks at a quarter of the size, before the deeper level. */
  encoder: z.int().min(0).max(16).default(0),
  /** Residual blocks at an eighth of the size. */
  deep: z.int().min(1).max(32).default(3),
  /** Residual blocks at a quarter of the size, after the deeper level. */
  decoder: z.int().min(0).max(16).default(2),
  /** Frames before the restored one. */
  past: z.int().min(0).max(4).default(1),
  /** Frames after it: each is one frame of latency. */
  future: z.int().min(0).max(4).default(1),
  /** Channels of the gate, which leaves sharp places as they are; 0: there is none. */
  gate: z.int().min(0).max(128).default(0),
  /** Channels of the estimate of the blur's path, along which the frame is then seen; 0: there is none. */
  path: z.int().min(0).max(128).default(0),
  /**
   * What the first layer sees: `all` frames and what is seen along the path, or the restored frame alone, and each
   * place's own of what is seen along the path. The deeper level sees everything in either case.
   */
  entry: z.enum(['all', 'frame']).default('all'),
  /** Whether what is seen along the path is added to the result as well, each band by as much as its place is told. */
  sharpen: z.boolean().default(false),
  /**
   * How much a result takes of the one before it, for a network that was trained without a count of flicker: see
   * {@link TemporalFilter}. It is no part of the network's own function.
   */
  temporalFilter: z.number().min(0).max(1).default(0),
});

/** Options of {@link light}. */
export type LightConfig = z.input<typeof lightConfig>;
type Config = z.output<typeof lightConfig>;

const pathPrefix = 'path.';
const slope = 0.1;
/** Differences are a few times smaller than what they are added to; the last layer then works near 1 too. */
const outputScale = 0.25;

/**
 * This project's light network: a small two-level U-Net of plain 3×3 convolutions over the frequency bands of a
 * frame and its neighbours, whose result is added to the frame. It works on 4:2:0 planes in cells of 4×4 pixels: the
 * discrete cosine transform of a cell, each band scaled to a variance near one, is what the first convolution sees
 * and the last one gives. (Plain pixels are nearly alike; what blur takes from them is small beside what they share.)
 *
 * A gate judges from a place's wide surroundings and from the whole frame whether it is blurred at all. Where it is
 * shut the difference is zero to the bit: a sharp frame comes out as the very copy.
 *
 * With `path`, the blur's path is estimated first, and the frame seen along it goes in beside the frames: see
 * {@link alongPath}.
 *
 * Parameters: `path.*` (see {@link estimatePath}), `along` (see {@link alongPath}), `input`, `encoder.N.{0,1}`, `down`, `deep.N.{0,1}`, `up`, `decoder.N.{0,1}`, `output`, `gate.{0,1,2,3,all}`.
 */
export function light(options: LightConfig = {}): Network {
  const config = lightConfig.parse(options);
  const { past, future } = config;
  return {
    name: 'light',
    options: config,
    sizes: { multiple: 8, padding: 'replicate', placement: 'bottom-right' },
    window: { past, future },
    temporalFilter: config.temporalFilter,
    reach: config.gate > 0 || config.path > 0 ? 'global' : reachOf(config),
    overlap: 2 * reachOf(config),
    // A difference of nothing, and a gate that lets most of it through: training begins with a copy of the frame.
    initial: (name) =>
      name === 'gate.3.bias'
        ? 1
        : /^(along$|(output|sharpen|gate\.3|path\.shutter\.last)\.)/.test(name)
          ? 0
          : undefined,
    forward: (ops, weights, frames, path) => {
      const frame = middleOf(frames, config);
      const bands = frames.map((each) => analysisOfRgb(ops, each));
      const views = path
        ? viewsAlong(ops, weights, lumaFromRgb(ops, frame), pathOfGrid(ops, path))
        : viewsOf(ops, weights, () => lumasOf(ops, frames), config);
      return [ops.add(frame, synthesis(ops, restore(ops, weights, { bands, views }, config)).rgb())];
    },
    forwardPlanes: (ops, weights, frames) => {
      const bands = frames.flatMap(({ luma, chroma }) => [analysisOfLuma(ops, luma), analysisOfChroma(ops, chroma)]);
      const views = viewsOf(ops, weights, () => frames.map(({ luma }) => luma), config);
      return synthesis(ops, restore(ops, weights, { bands, views }, config)).planes();
    },
    ...(config.path > 0 && {
      path: {
        prefix: pathPrefix,
        tile: pathTile,
        estimate: (ops, weights, frames) => gridOfPath(ops, pathOf(ops, weights, lumasOf(ops, frames), config)),
      },
      blurAgain: (ops, weights, frames, sharp) => {
        const lumas = lumasOf(ops, frames);
        const path = pathOf(ops, weights, lumas, config);
        return {
          blurred: blurAlong(ops, lumaFromRgb(ops, sharp), path),
          wanted: pixelsOfLuma(ops, middleOf(lumas, config)),
        };
      },
    }),
  };
}

function lumasOf<T>(ops: Ops<T>, frames: readonly T[]): T[] {
  return frames.map((each) => lumaFromRgb(ops, each));
}

function pathOf<T>(ops: Ops<T>, weights: Weights<T>, lumas: readonly T[], { path, past }: Config): BlurPath<T> {
  return estimatePath(ops, within(weights, pathPrefix), lumas, { width: path, middle: past });
}

function middleOf<T>(frames: readonly T[], { past, future }: Config): T {
  const frame = frames[past];
  if (frame === undefined) throw new TypeError(`the light network needs ${past + 1 + future} frames`);
  return frame;
}

/** Pixels that a difference depends on, to each side, but for its gate. */
function reachOf({ encoder, deep, decoder }: Config): number {
  const deepCell = 2 * cell;
  return cell * (2 + 2 * (encoder + decoder)) + deepCell * (2 * deep + 1);
}

/** What the network sees. */
interface Seen<T> {
  /** Of a window's frames, `[N, 24, H/4, W/4]` each, or those of luma and of chroma one after the other. */
  readonly bands: readonly T[];
  /** Of the middle frame along its blur's path, see {@link alongPath}. */
  readonly views: T | undefined;
}

/** The bands of the difference, `[N, 24, H/4, W/4]`. */
function restore<T>(ops: Ops<T>, weights: Weights<T>, { bands, views }: Seen<T>, config: Config): T {
  const { width, deepWidth, encoder, deep, decoder } = config;
  const seen = views === undefined ? bands : [...bands, views];
  let x = ops.leakyRelu(entryOf(ops, weights, { bands, views }, config), slope);
  for (let i = 0; i < encoder; i += 1) x = block(ops, weights, x, `encoder.${i}`);
  const skip = x;
  // The deeper level sees every band itself: there are more of them than a narrow first layer can pass on.
  x = convJoined(ops, weights, [x, ...seen], 'down', deepWidth, { kernel: 2, stride: 2, padding: 0 });
  x = ops.leakyRelu(x, slope);
  for (let i = 0; i < deep; i += 1) x = block(ops, weights, x, `deep.${i}`);
  const opening = config.gate > 0 ? openingOf(ops, weights, x, config) : undefined;
  x = ops.add(skip, ops.pixelShuffle(conv(ops, weights, x, 'up', 4 * width, { kernel: 1 }), 2));
  for (let i = 0; i < decoder; i += 1) x = block(ops, weights, x, `decoder.${i}`);
  let result = conv(ops, weights, x, 'output', lumaBands + chromaBands);
  if (config.sharpen && views !== undefined) {
    const shares = conv(ops, weights, x, 'sharpen', alongBands, { kernel: 1 });
    result = ops.add(result, sumOfViews(ops, ops.mul(views, shares)));
  }
  const difference = ops.scale(result, outputScale);
  return opening === undefined ? difference : ops.mul(difference, opening);
}

/** The first layer, `[N, width, H/4, W/4]`. */
function entryOf<T>(ops: Ops<T>, weights: Weights<T>, { bands, views }: Seen<T>, config: Config): T {
  const { width, entry } = config;
  if (entry === 'all') return convJoined(ops, weights, views === undefined ? bands : [...bands, views], 'input', width);
  // Luma and chroma of a frame are one tensor, or two one after the other.
  const each = bands.length / (config.past + 1 + config.future);
  const own = convJoined(ops, weights, bands.slice(config.past * each, (config.past + 1) * each), 'input', width);
  if (views === undefined) return own;
  return ops.add(own, conv(ops, weights, views, 'input.views', width, { kernel: 1, bias: false }));
}

/** The middle frame as it is seen along its blur's path, where that is estimated. */
function viewsOf<T>(ops: Ops<T>, weights: Weights<T>, lumas: () => readonly T[], config: Config): T | undefined {
  if (config.path === 0) return undefined;
  const all = lumas();
  return viewsAlong(ops, weights, middleOf(all, config), pathOf(ops, weights, all, config));
}

function viewsAlong<T>(ops: Ops<T>, weights: Weights<T>, luma: T, path: BlurPath<T>): T {
  return alongPath(ops, luma, path, weights.get('along', alongShape));
}

/** The bands of all views together, `[N, 64, h, w]` to `[N, 24, h, w]`: none of chroma. */
function sumOfViews<T>(ops: Ops<T>, views: T): T {
  const all = lumaBands + chromaBands;
  const table = Float32Array.from({ length: all * alongBands }, (_, i) =>
    (i % alongBands) % lumaBands === Math.floor(i / alongBands) ? 1 : 0,
  );
  return ops.linear(views, ops.constant([all, alongBands], table));
}

/** How far the gate is open for each cell, `[N, 1, H/4, W/4]`, from 0 to 1, both of which it reaches; told by the deeper level. */
function openingOf<T>(ops: Ops<T>, weights: Weights<T>, deep: T, { gate }: Config): T {
  const [, , height = 0, width = 0] = ops.shape(deep);
  let x = ops.leakyRelu(conv(ops, weights, deep, 'gate.0', gate, { kernel: 1 }), slope);
  x = ops.leakyRelu(conv(ops, weights, x, 'gate.1', gate, { stride: 2 }), slope);
  // A shutter is the same for the whole frame: what all places say counts beside what each one does.
  const all = conv(ops, weights, ops.globalMean(x), 'gate.all', gate, { kernel: 1 });
  x = ops.leakyRelu(ops.add(conv(ops, weights, x, 'gate.2', gate, { stride: 2 }), all), slope);
  x = ops.resizeBilinear(conv(ops, weights, x, 'gate.3', 1, { kernel: 1 }), 8);
  x = ops.slice(ops.slice(x, { axis: 2, end: 2 * height }), { axis: 3, end: 2 * width });
  // A sigmoid never reaches its ends; stretched by a tenth at each and cut off, it does.
  return clamped(ops, ops.addScalar(ops.scale(ops.sigmoid(x), 1.2), -0.1));
}

function block<T>(ops: Ops<T>, weights: Weights<T>, x: T, name: string): T {
  const [, channels = 0] = ops.shape(x);
  const inner = ops.leakyRelu(conv(ops, weights, x, `${name}.0`, channels), slope);
  return ops.add(x, conv(ops, weights, inner, `${name}.1`, channels));
}
