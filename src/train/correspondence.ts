import type * as tfjs from '@tensorflow/tfjs';
import { sampleAt, type Gray } from '../metrics/gray.js';
import { opticalFlow, type Flow } from '../metrics/optical-flow.js';
import { lumaOfRgb } from '../models/frame-bands.js';
import type { Tfjs } from '../runtime/tensorflow/tensor.js';
import type { PairBatch } from './sets/pair-sampler.js';

/** A pixel whose luma differs by more than this along the motion has another thing before it. */
const sameThing = 0.06;

/** Where the pixels of a batch's frames were in the frames before. */
export interface Correspondence {
  /** For each pixel of the batch the four around its place before, pixels counted through all samples: `[4, pixels]`. */
  readonly places: Int32Array;
  /** What each of the four counts, `[4, pixels]`: they sum to 1, or to 0 where the pixel was not seen before. */
  readonly shares: Float32Array;
  /** How many pixels were seen before. */
  readonly seen: number;
}

/**
 * The motion between two of a batch's consecutive sharp frames.
 *
 * @param index the later one's place in `batch.sharp`, from 1.
 */
export function correspondence({ batch, crop, sharp }: PairBatch, index: number): Correspondence {
  const [before, frame] = [sharp[index - 1], sharp[index]];
  if (!before || !frame) throw new RangeError(`a batch of ${sharp.length} frames has none before frame ${index}`);
  const area = crop * crop;
  const places = new Int32Array(4 * batch * area);
  const shares = new Float32Array(4 * batch * area);
  let seen = 0;
  for (let sample = 0; sample < batch; sample += 1) {
    const [from, to] = [lumaOf(frame, sample, crop), lumaOf(before, sample, crop)];
    seen += follow(
      { from, to, flow: opticalFlow(from, to), first: sample * area, pixels: batch * area },
      places,
      shares,
    );
  }
  return { places, shares, seen };
}

/** The luma of one sample, in codes from 0 to 255. */
function lumaOf(pictures: Float32Array, sample: number, size: number): Gray {
  const data = new Float32Array(size * size);
  const [red, green, blue] = lumaOfRgb;
  for (let i = 0, at = 3 * sample * data.length; i < data.length; i += 1, at += 3) {
    data[i] = 255 * (red * pictures[at]! + green * pictures[at + 1]! + blue * pictures[at + 2]!);
  }
  return { data, width: size, height: size };
}

interface Followed {
  readonly from: Gray;
  readonly to: Gray;
  readonly flow: Flow;
  /** The sample's first pixel among those of the batch. */
  readonly first: number;
  readonly pixels: number;
}

/** Writes one sample's places and shares, and gives how many of its pixels were seen before. */
function follow({ from, to, flow, first, pixels }: Followed, places: Int32Array, shares: Float32Array): number {
  const { width, height } = from;
  let seen = 0;
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const [px, py] = [x + flow.u[i]!, y + flow.v[i]!];
      if (px < 0 || py < 0 || px > width - 1 || py > height - 1) continue;
      const [x0, y0] = [Math.min(Math.floor(px), width - 2), Math.min(Math.floor(py), height - 2)];
      const [fx, fy] = [px - x0, py - y0];
      const around = [0, 1, width, width + 1];
      const weights = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
      const corner = y0 * width + x0;
      if (Math.abs(sampleAt(to, px, py) - from.data[i]!) > 255 * sameThing) continue;
      for (let k = 0; k < 4; k += 1) {
        places[k * pixels + first + i] = first + corner + around[k]!;
        shares[k * pixels + first + i] = weights[k]!;
      }
      seen += 1;
    }
  }
  return seen;
}

/** A frame's values along the motion. */
export interface Moved {
  /** Where the pixels of the later frame were before, `[pixels, 3]`; nothing where they were not seen. */
  readonly values: tfjs.Tensor2D;
  /** 1 where they were seen, else 0, `[pixels, 1]`. */
  readonly visible: tfjs.Tensor2D;
}

/**
 * Moves what belongs to a batch's earlier frames onto the later ones.
 *
 * @param before `[N, H, W, 3]`.
 */
export function alongMotion(tf: Tfjs, before: tfjs.Tensor4D, { places, shares }: Correspondence): Moved {
  const pixels = places.length / 4;
  const picked = tf.gather(tf.reshape(before, [pixels, 3]), tf.tensor1d(places, 'int32'));
  const values = tf.sum<tfjs.Tensor2D>(
    tf.mul(tf.reshape(picked, [4, pixels, 3]), tf.tensor3d(shares, [4, pixels, 1])),
    0,
  );
  const visible = Float32Array.from({ length: pixels }, (_, i) =>
    shares[i]! + shares[pixels + i]! + shares[2 * pixels + i]! + shares[3 * pixels + i]! > 0 ? 1 : 0,
  );
  return { values, visible: tf.tensor2d(visible, [pixels, 1]) };
}
