import { tightPlanes, type Frame } from '../io/frame.js';
import { planarFormat, planeSize, type PixelFormat } from '../io/pixel-format.js';
import type { Gray } from '../metrics/gray.js';
import { pyramidOf } from '../metrics/patch-search.js';
import type { PictureGeometry } from '../runtime/frame-session.js';
import { checkGeometry, planeRows } from '../runtime/plane-samples.js';
import { GridSampler, motionGrid } from './motion-grid.js';
import { Places } from './places.js';
import { PlaneMover, type Samples } from './plane-mover.js';

/** Side of a cell in luma samples: each is moved as a whole, and told how much of the frame before it takes. */
const cell = 8;
/**
 * Mean difference to the result beside, in 8-bit codes, at which a cell that hardly changed takes 1/e of what it would; one
 * that changed fully may differ by twice that.
 */
const tolerance = 7;
/** Mean change by the network, in 8-bit codes, from which a cell is filtered in full: the more was restored, the more of it is wrong. */
const fullChange = 7;

/** How much a result takes of the one after it, as a part of what it takes of the one before. */
const ofNext = 0.25;
/** The same for a shot's first, which has none before. */
const ofNextAtFirst = 0.6;

/** Options of {@link TemporalFilter}. */
export interface TemporalFilterOptions {
  /** How much a steady cell takes of the one before it, 0 to 1. */
  readonly strength: number;
  /** Whether a result waits for the one after it, and takes a part of that as well. Default false. */
  readonly lookAhead?: boolean;
}

/** Frames' size and format. */
type FilteredGeometry = Omit<PictureGeometry, 'color'>;

/** A frame, as far as its neighbours need it. */
interface Seen {
  /** Luma at half the size, and smaller. */
  readonly pyramid: readonly Gray[];
  readonly planes: readonly Samples[];
}

/** A frame that is not out yet. */
interface Present extends Seen {
  /** How much the network changed each cell, 0 to 1. */
  readonly changes: Float32Array;
  /** The planes with what they take of the frame before. */
  readonly mixed: readonly Samples[];
}

/** One plane's cells. */
interface PlaneCells {
  readonly mover: PlaneMover;
  readonly width: number;
  /** Between which cells' middles each column and row lies. */
  readonly columns: Places;
  readonly rows: Places;
  /** The first column of each run of columns between the same two middles, and the width. */
  readonly runs: readonly number[];
  /** Luma samples per sample. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/**
 * Steadies what a network restores: each result takes a part of the one before it, moved along with the things that it
 * shows (motion-compensated temporal filtering), and of the one after it. What a network restores differs from frame to
 * frame, because what blur took differs; the mean of what it restored in several frames is nearer the truth and does not
 * flicker.
 *
 * Cells that the network left as they are stay so to the bit, and a cell that looks otherwise than before, because
 * something else came into view or its motion was not found, takes little. Alpha stays as it is.
 *
 * A cell of 8×8 pixels takes `strength · c · exp(-(d / 7(1 + c))²)` of the one before, where `d` is the mean difference to
 * that and `c = min(1, e / 7)` for a mean change by the network of `e`, in 8-bit codes of luma (green where there is none).
 */
export class TemporalFilter {
  /** Results that it keeps back for those after them: 0 or 1. */
  readonly lookAhead: number;
  readonly #geometry: FilteredGeometry;
  readonly #strength: number;
  readonly #format: PixelFormat;
  /** 8-bit codes of a sample's step. */
  readonly #codes: number;
  readonly #across: number;
  readonly #down: number;
  readonly #planes: readonly (PlaneCells | undefined)[];
  /** Middles of the cells at half the size. */
  readonly #middles: readonly [x: readonly number[], y: readonly number[]];
  /** What each cell takes. */
  readonly #shares: Float32Array;
  #past: Seen | undefined;
  #present: Present | undefined;

  /** @param geometry of all frames. */
  constructor(geometry: FilteredGeometry, { strength, lookAhead = false }: TemporalFilterOptions) {
    const { width, height, format: name } = geometry;
    const format = planarFormat(name);
    if (!format) throw new TypeError(`${name} is not a planar format`);
    this.lookAhead = lookAhead ? 1 : 0;
    [this.#geometry, this.#strength, this.#format] = [geometry, strength, format];
    this.#codes = 2 ** (8 - format.depth);
    [this.#across, this.#down] = [Math.ceil(width / cell), Math.ceil(height / cell)];
    const middles = (count: number, side: number) => Array.from({ length: count }, (_, i) => i * side + (side - 1) / 2);
    this.#middles = [middles(this.#across, cell / 2), middles(this.#down, cell / 2)];
    this.#shares = new Float32Array(this.#across * this.#down);
    this.#planes = format.planes.map((layout) => {
      if (layout.component === 'a') return undefined;
      const [w, h] = planeSize(layout, width, height);
      const [scaleX, scaleY] = [2 ** layout.shiftX, 2 ** layout.shiftY];
      const columns = new Places(middles(this.#across, cell / scaleX), [...Array(w).keys()]);
      const starts = [...columns.before.keys()].filter((x) => x === 0 || columns.before[x] !== columns.before[x - 1]);
      return {
        columns,
        runs: [...starts, w],
        mover: new PlaneMover(w, h, cell / scaleX, cell / scaleY),
        ...{ width: w, scaleX, scaleY },
        rows: new Places(middles(this.#down, cell / scaleY), [...Array(h).keys()]),
      };
    });
  }

  /** A filter, or none where it would take nothing. */
  static where(geometry: FilteredGeometry, options: TemporalFilterOptions): TemporalFilter | undefined {
    return options.strength > 0 ? new TemporalFilter(geometry, options) : undefined;
  }

  /**
   * Takes the next result of a shot.
   *
   * @param source as the network saw it.
   * @param result the network's planes, of the source's size and format; they are kept, and must not be written to any more.
   * @returns the planes of the results that are done now, none or one, in order; not to be written to.
   * @throws DeblurError `FORMAT_UNSUPPORTED` when the source is not of the filter's geometry.
   */
  push(source: Frame, result: readonly Uint8Array[]): (readonly Uint8Array[])[] {
    checkGeometry(source, this.#geometry);
    const planes = this.#samplesOf(tightPlanes(this.#geometry, result).planes());
    const [luma] = this.#samplesOf(source.planes().slice(0, 1));
    // What was restored tells the motion better than what was blurred.
    const next = { pyramid: pyramidOf(this.#half(planes[0]!)), planes };
    const done = this.#present ? [this.#finish(this.#present, next)] : [];
    const present = { ...next, changes: this.#changesOf(luma!, planes[0]!), mixed: planes };
    const mixed = this.#past ? this.#mix(present, this.#past, this.#strength) : planes;
    if (this.lookAhead > 0) {
      this.#present = { ...present, mixed };
      return done;
    }
    this.#past = { ...next, planes: mixed };
    return [bytesOf(mixed)];
  }

  /**
   * Ends a shot: what comes next does not continue it.
   *
   * @returns the planes of the results that were kept back, none or one.
   */
  end(): (readonly Uint8Array[])[] {
    const present = this.#present;
    this.#past = undefined;
    this.#present = undefined;
    return present ? [bytesOf(present.mixed)] : [];
  }

  /** A frame with what it takes of the one after it. */
  #finish(present: Present, next: Seen): readonly Uint8Array[] {
    const planes = this.#mix(present, next, this.#strength * (this.#past ? ofNext : ofNextAtFirst));
    this.#past = { pyramid: present.pyramid, planes };
    return bytesOf(planes);
  }

  #samplesOf(planes: ReturnType<Frame['planes']>): Samples[] {
    const { bytesPerSample } = this.#format;
    return planes.map((plane) => planeRows(plane, bytesPerSample, plane.width, plane.height));
  }

  /** Luma at half the size, in 8-bit codes; a last odd row or column counts twice. */
  #half(luma: Samples): Gray {
    const { width, height } = this.#geometry;
    const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const scale = this.#codes / 4;
    const data = new Float32Array(w * h);
    for (let y = 0, i = 0; y < h; y += 1) {
      const above = 2 * y * width;
      const below = Math.min(2 * y + 1, height - 1) * width;
      for (let x = 0; x < w; x += 1, i += 1) {
        const [left, right] = [2 * x, Math.min(2 * x + 1, width - 1)];
        data[i] = scale * (luma[above + left]! + luma[above + right]! + luma[below + left]! + luma[below + right]!);
      }
    }
    return { data, width: w, height: h };
  }

  /** How much the network changed each cell, 0 to 1. */
  #changesOf(source: Samples, result: Samples): Float32Array {
    const scale = this.#codes / fullChange;
    const changes = new Float32Array(this.#across * this.#down);
    this.#eachCell((at, edges) => {
      changes[at] = Math.min(1, scale * meanDifference(source, result, this.#geometry.width, edges));
    });
    return changes;
  }

  /** A frame's planes with a part of a neighbour's. */
  #mix({ pyramid, planes, changes, mixed }: Present, neighbour: Seen, strength: number): readonly Samples[] {
    if (changes.every((change) => change === 0)) return mixed;
    const motion = new GridSampler(motionGrid(pyramid, neighbour.pyramid), ...this.#middles);
    this.#shares.set(changes);
    this.#move(0, neighbour.planes[0]!, motion);
    const scale = this.#codes / tolerance;
    const { moved } = this.#planes[0]!.mover;
    this.#eachCell((at, edges) => {
      const change = changes[at]!;
      if (change === 0) return;
      const difference = (scale * meanDifference(planes[0]!, moved, this.#geometry.width, edges)) / (1 + change);
      this.#shares[at] = strength * change * Math.exp(-(difference ** 2));
    });
    return mixed.map((samples, p) => {
      if (!this.#planes[p]) return samples;
      if (p > 0) this.#move(p, neighbour.planes[p]!, motion);
      return this.#blend(samples, this.#planes[p]);
    });
  }

  /** Moves a plane to this frame, wherever something is taken of it. */
  #move(p: number, samples: Samples, motion: GridSampler): void {
    const { mover, scaleX, scaleY } = this.#planes[p]!;
    this.#eachCell((at, edges, c, r) => {
      if (!this.#wanted(c, r)) return;
      motion.take(c, r);
      mover.move(samples, c, r, (2 * motion.u) / scaleX, (2 * motion.v) / scaleY);
    });
  }

  /** Whether a cell or one beside it takes anything. */
  #wanted(c: number, r: number): boolean {
    for (let y = Math.max(r - 1, 0); y <= Math.min(r + 1, this.#down - 1); y += 1) {
      for (let x = Math.max(c - 1, 0); x <= Math.min(c + 1, this.#across - 1); x += 1) {
        if (this.#shares[y * this.#across + x]! > 0) return true;
      }
    }
    return false;
  }

  /** A plane with its part of what was moved. */
  #blend(samples: Samples, { mover, width, columns, runs, rows }: PlaneCells): Samples {
    const { moved } = mover;
    const highest = 2 ** this.#format.depth - 1;
    const out = samples.slice();
    const line = new Float32Array(this.#across);
    for (let y = 0; y < rows.part.length; y += 1) {
      const [above, below, part] = [rows.before[y]! * this.#across, rows.after[y]! * this.#across, rows.part[y]!];
      let any = false;
      for (let c = 0; c < line.length; c += 1) {
        const [upper, lower] = [this.#shares[above + c]!, this.#shares[below + c]!];
        line[c] = upper + part * (lower - upper);
        any ||= line[c]! > 0;
      }
      if (!any) continue;
      // Between two cells' middles the share goes evenly from one to the other.
      for (let k = 0; k + 1 < runs.length; k += 1) {
        const [first, end] = [runs[k]!, runs[k + 1]!];
        const [left, right] = [line[columns.before[first]!]!, line[columns.after[first]!]!];
        if (left === 0 && right === 0) continue;
        for (let x = first, at = y * width + first; x < end; x += 1, at += 1) {
          const value = samples[at]!;
          const mixed = value + (left + columns.part[x]! * (right - left)) * (moved[at]! - value) + 0.5;
          out[at] = mixed < 0 ? 0 : mixed > highest ? highest : mixed;
        }
      }
    }
    return out;
  }

  #eachCell(visit: (at: number, edges: Edges, c: number, r: number) => void): void {
    const { width, height } = this.#geometry;
    const edges = { left: 0, top: 0, right: 0, bottom: 0 };
    for (let r = 0, at = 0; r < this.#down; r += 1) {
      edges.top = r * cell;
      edges.bottom = Math.min(edges.top + cell, height);
      for (let c = 0; c < this.#across; c += 1, at += 1) {
        edges.left = c * cell;
        edges.right = Math.min(edges.left + cell, width);
        visit(at, edges, c, r);
      }
    }
  }
}

/** Where a cell lies; right and bottom are outside. */
interface Edges {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function bytesOf(planes: readonly Samples[]): readonly Uint8Array[] {
  return planes.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
}

/** Mean absolute difference of two planes within a cell. */
function meanDifference(
  a: Samples,
  b: Samples | Float32Array,
  width: number,
  { left, top, right, bottom }: Edges,
): number {
  let sum = 0;
  for (let y = top; y < bottom; y += 1) {
    for (let at = y * width + left; at < y * width + right; at += 1) sum += Math.abs(a[at]! - b[at]!);
  }
  return sum / ((right - left) * (bottom - top));
}
