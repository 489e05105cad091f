import type { Margins, Ops, PadMode, Shape, Weights } from './ops.js';
import { ShapeOps } from './shape-ops.js';

/** Which picture sizes a network takes, and how others are padded to them. */
export interface NetworkSizes {
  /** Height and width must be multiples of this. */
  readonly multiple: number;
  /** What is written into the margins. */
  readonly padding: PadMode;
  /** Where the margins lie: all at the bottom and right, or on both sides, the odd sample at the bottom and right. */
  readonly placement: 'bottom-right' | 'centre';
}

/** A frame in 4:2:0. */
export interface Planes<T> {
  /** `[N, 1, H, W]`, black 0 and white 1. */
  readonly luma: T;
  /** Blue and red difference, `[N, 2, H/2, W/2]`, from -0.5 to 0.5. */
  readonly chroma: T;
}

/** How a network estimates a frame's blur. */
export interface PathEstimate {
  /** Beginning of the names of its parameters. */
  readonly prefix: string;
  /** Side of the tiles of which each has one path, in pixels. */
  readonly tile: number;
  /**
   * The path in each tile, right and down in pixels: `[N, 2, ⌈H/tile⌉, ⌈W/tile⌉]`. Its sign has no meaning; it is the one by which it goes
   * right.
   *
   * @param frames as for {@link Network.forward}.
   */
  estimate<T>(ops: Ops<T>, weights: Weights<T>, frames: readonly T[]): T;
}

/** A network: one function, and what a runtime must know to call it. */
export interface Network {
  /** The family's name, for instance `nafnet`. */
  readonly name: string;
  /** The options that it was made with, defaults included: with them and its name it can be made again. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly sizes: NetworkSizes;
  /** Neighbouring frames the function takes before and after the one it restores. */
  readonly window: { readonly past: number; readonly future: number };
  /**
   * How many pixels away an input can still change an output pixel, or `global` when statistics over the
   * whole picture enter, or when it is too far for tiles to overlap by it (they then only come close to the
   * whole picture's result).
   */
  readonly reach: number | 'global';
  /**
   * Overlap of neighbouring tiles, in pixels, that hides their borders.
   */
  readonly overlap: number;
  /**
   * The network. `inputs` are RGB frames `[N, 3, H, W]` in [0, 1] in order of time, `past + 1 + future` of
   * them; the first output is the restored frame of the same shape, not clamped. A network that is trained on
   * several scales gives the smaller ones after it, largest first.
   *
   * @param path for networks that have {@link path}: what it estimates, where that is known already.
   */
  forward<T>(ops: Ops<T>, weights: Weights<T>, inputs: readonly T[], path?: T): T[];
  /**
   * For recurrent networks: restores the frames of a sequence from the one after `past` to the one before the last
   * `future`, each once, with a state that goes through all of them.
   */
  forwardSequence?<T>(ops: Ops<T>, weights: Weights<T>, frames: readonly T[]): T[];
  /** How much a result takes of the one before it, 0 to 1, unless the user says otherwise: see {@link TemporalFilter}. Default 0. */
  readonly temporalFilter?: number;
  /** For networks that estimate the way that things go while the shutter is open. */
  readonly path?: PathEstimate;
  /**
   * For networks that estimate how a frame is blurred: its truth blurred so, and the frame, both in one form
   * whatever that is. They are equal where the estimate is right.
   *
   * @param frames as for `forward`.
   * @param sharp the truth of the frame that is restored, `[N, 3, H, W]`.
   */
  blurAgain?<T>(ops: Ops<T>, weights: Weights<T>, frames: readonly T[], sharp: T): { blurred: T; wanted: T };
  /** How training begins: a number, or drawn by the fan-in. Default: scales of normalisations 1, all else by the fan-in. */
  initial?(name: string): number | 'fan-in' | undefined;
  /**
   * The same network on 4:2:0 planes as a decoder gives them, for networks that work on these. The result is what
   * has to be *added* to the planes of the restored frame, not clamped.
   */
  forwardPlanes?<T>(ops: Ops<T>, weights: Weights<T>, frames: readonly Planes<T>[]): Planes<T>;
}

/** The margins that make a picture's size one that the network takes. */
export function marginsFor(sizes: NetworkSizes, height: number, width: number): Margins {
  const total = (size: number) => Math.ceil(size / sizes.multiple) * sizes.multiple - size;
  const before = (size: number) => (sizes.placement === 'centre' ? Math.floor(total(size) / 2) : 0);
  const [top, left] = [before(height), before(width)];
  return { top, left, bottom: total(height) - top, right: total(width) - left };
}

/**
 * Runs a network on frames of any size: pads them as its official evaluation does, and crops the result.
 *
 * @param frames RGB `[N, 3, H, W]` in [0, 1].
 * @returns the restored frame, `[N, 3, H, W]`, not clamped.
 */
export function applyNetwork<T>(ops: Ops<T>, network: Network, weights: Weights<T>, frames: readonly T[]): T {
  const [first] = frames;
  if (first === undefined) throw new TypeError('a network needs a frame');
  const shape = ops.shape(first);
  const [height = 0, width = 0] = shape.slice(2);
  const margins = marginsFor(network.sizes, height, width);
  const exact = Object.values(margins).every((margin) => margin === 0);
  const padded = exact ? frames : frames.map((frame) => ops.pad(frame, margins, network.sizes.padding));
  const [result] = network.forward(ops, weights, padded);
  if (result === undefined) throw new TypeError(`${network.name} gave no output`);
  return exact ? result : cropped(ops, result, margins, height, width);
}

/**
 * Runs a network that works on 4:2:0 planes on frames of any even size: pads them and crops the result.
 *
 * @returns what has to be added to the planes of the restored frame.
 */
export function applyToPlanes<T>(
  ops: Ops<T>,
  network: Network,
  weights: Weights<T>,
  frames: readonly Planes<T>[],
): Planes<T> {
  const [first] = frames;
  if (first === undefined || !network.forwardPlanes) throw new TypeError(`${network.name} does not work on planes`);
  const [height = 0, width = 0] = ops.shape(first.luma).slice(2);
  const margins = marginsFor(network.sizes, height, width);
  const { top, left, bottom, right } = margins;
  const half = { top: top / 2, left: left / 2, bottom: bottom / 2, right: right / 2 };
  const exact = Object.values(margins).every((margin) => margin === 0);
  const { padding } = network.sizes;
  const padded = exact
    ? frames
    : frames.map(({ luma, chroma }) => ({
        luma: ops.pad(luma, margins, padding),
        chroma: ops.pad(chroma, half, padding),
      }));
  const difference = network.forwardPlanes(ops, weights, padded);
  if (exact) return difference;
  return {
    luma: cropped(ops, difference.luma, margins, height, width),
    chroma: cropped(ops, difference.chroma, half, height / 2, width / 2),
  };
}

/** Takes margins off again. */
function cropped<T>(ops: Ops<T>, x: T, margins: Margins, height: number, width: number): T {
  const rows = ops.slice(x, { axis: 2, start: margins.top, end: margins.top + height });
  return ops.slice(rows, { axis: 3, start: margins.left, end: margins.left + width });
}

/** Every parameter that a function of weights asks for, with its shape, in the order of first use. */
export function parametersUsed(run: (ops: Ops<Shape>, weights: Weights<Shape>) => void): Map<string, Shape> {
  const parameters = new Map<string, Shape>();
  const recorder: Weights<Shape> = {
    get: (name, shape) => {
      parameters.set(name, shape);
      return shape;
    },
  };
  run(new ShapeOps(), recorder);
  return parameters;
}

/** Every parameter of a network with its shape, in the order of first use. */
export function parametersOf(network: Network): Map<string, Shape> {
  const { past, future } = network.window;
  const frame: Shape = [1, 3, network.sizes.multiple, network.sizes.multiple];
  return parametersUsed((ops, weights) => {
    network.forward(ops, weights, Array<Shape>(past + 1 + future).fill(frame));
  });
}
