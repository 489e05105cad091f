import type * as tfjs from '@tensorflow/tfjs';
import { DeblurError } from '../errors.js';
import type { Network } from '../models/network.js';
import { windowLength } from '../runtime/picture/frame-stage.js';
import { channelsLast, tensorIn, valueOf, type Tfjs, type TfValue } from '../runtime/tensorflow/tensor.js';
import type { TensorflowOps } from '../runtime/tensorflow/tf-ops.js';
import type { CombinedLoss } from './losses.js';
import type { Parameters } from './parameters.js';
import type { PairBatch } from './sets/pair-sampler.js';
import { reblurLoss } from './reblur-loss.js';
import { correspondence, type Correspondence } from './correspondence.js';
import { steadied } from './steadied.js';
import { temporalLoss } from './temporal-loss.js';

/** Options of {@link differentiate}. */
export interface DifferentiateOptions {
  readonly tf: Tfjs;
  readonly ops: TensorflowOps;
  /** Restored frames of a sample. */
  readonly clip: number;
  /** How much flicker counts beside the loss: see {@link temporalLoss}. Default 0. */
  readonly temporal?: number;
  /** Whether each frame but the first is judged as {@link steadied} by the one before it, and the first not at all. Default false. */
  readonly steady?: boolean;
  /** How much the estimate of the blur counts: see {@link reblurLoss}. Default 0. */
  readonly reblur?: number;
}

/** A loss and its gradients. */
export interface Gradients {
  readonly total: number;
  /**
   * Each term of the loss that counts, before its weight, meaned over the restored frames: the losses under their kinds,
   * `temporal`: how much the restored frames flicker, and `reblur`: how wrong the estimate of the blur is.
   */
  readonly parts: readonly (readonly [name: string, value: number])[];
  /** One per variable, in the parameters' order; the caller disposes them. */
  readonly gradients: readonly tfjs.Tensor[];
}

/** Value and gradients of the loss of a batch. */
export function differentiate(
  network: Network,
  parameters: Parameters,
  loss: CombinedLoss,
  batch: PairBatch,
  { tf, ops, clip, temporal = 0, steady = false, reblur = 0 }: DifferentiateOptions,
): Gradients {
  const { batch: samples, crop } = batch;
  const parts: [string, number][] = [];
  const { value, grads } = tf.tidy(() => {
    const picture = (data: Float32Array) => tf.tensor4d(data, [samples, crop, crop, 3]);
    const frames = batch.blur.map((data) => valueOf(picture(data), channelsLast));
    const targets = batch.sharp.map(picture);
    const paths = batch.paths?.map((data) => pathsOf(tf, data, samples));
    return tf.variableGrads(() => {
      const terms: tfjs.Scalar[] = [];
      const count = (name: string, value: tfjs.Scalar, weight: number) => {
        parts.push([name, value.dataSync()[0] ?? NaN]);
        terms.push(tf.mul(value, weight));
      };
      // Without a loss of theirs the restored frames are not asked for.
      const restored = loss.kinds.length > 0 ? restoredFrames(ops, network, parameters, { frames, clip, paths }) : [];
      // Of each frame but the first to the one before, for whatever compares the two.
      const motions = temporal > 0 || steady ? restored.slice(1).map((_, i) => correspondence(batch, i + 1)) : [];
      if (restored.length > 0) {
        const input = (i: number) => frames[network.window.past + i]?.tensor as tfjs.Tensor4D | undefined;
        const judged = restored.flatMap((outputs, i) => {
          if (!steady) return [{ i, outputs }];
          const motion = motions[i - 1];
          return motion ? [{ i, outputs: steadiedOutputs(tf, { restored, targets, input: input(i), motion }, i) }] : [];
        });
        const losses = judged.map(({ i, outputs }) => lossOfScales(tf, loss, outputs, targets[i], input(i)));
        const sums = sumOfParts(losses.map((each) => each.parts));
        loss.kinds.forEach((kind, k) => parts.push([kind, (sums[k] ?? NaN) / losses.length]));
        terms.push(
          meanOf(
            tf,
            losses.map((each) => each.total),
          ),
        );
      }
      if (temporal > 0) {
        const errors = restored.map(([output], i) => errorOf(tf, output, targets[i]));
        const each = motions.map((motion, i) => temporalLoss(tf, errors[i]!, errors[i + 1]!, motion));
        count('temporal', meanOf(tf, each), temporal);
      }
      if (reblur > 0) {
        const each = targets.map((target, i) =>
          reblurLoss(tf, ops, network, parameters, {
            frames: windowAt(network, frames, i),
            sharp: valueOf(target, channelsLast),
          }),
        );
        count('reblur', meanOf(tf, each), reblur);
      }
      return tf.addN<tfjs.Scalar>(terms);
    }, [...parameters.variables]);
  });
  const total = value.dataSync()[0] ?? NaN;
  value.dispose();
  const gradients = parameters.variables.map((variable) => {
    const gradient = grads[variable.name];
    if (!gradient) {
      throw new DeblurError('USAGE', 'The loss does not depend on all parameters that are learned.', {
        hint: 'Name those that it can teach, for instance "learn": ["path."] where "reblur" alone counts.',
      });
    }
    return gradient;
  });
  return { total, parts, gradients };
}

function meanOf(tf: Tfjs, values: readonly tfjs.Scalar[]): tfjs.Scalar {
  return tf.mul(tf.addN([...values]), 1 / values.length);
}

/** Square grids of paths, as a network takes them. */
function pathsOf(tf: Tfjs, data: Float32Array, samples: number): TfValue {
  const side = Math.sqrt(data.length / (2 * samples));
  return valueOf(tf.tensor4d(data, [samples, side, side, 2]), channelsLast);
}

/** Samples of consecutive frames. */
interface Samples {
  readonly frames: readonly TfValue[];
  /** Frames to restore. */
  readonly clip: number;
  /** The blur's paths in each of these, where they are known. */
  readonly paths: readonly TfValue[] | undefined;
}

/** The outputs (largest scale first) of each restored frame. */
function restoredFrames(
  ops: TensorflowOps,
  network: Network,
  parameters: Parameters,
  { frames, clip, paths }: Samples,
): TfValue[][] {
  if (network.forwardSequence && clip > 1) {
    return network.forwardSequence(ops, parameters, frames).map((frame) => [frame]);
  }
  return Array.from({ length: clip }, (_, i) =>
    network.forward(ops, parameters, windowAt(network, frames, i), paths?.[i]),
  );
}

/** The frames that the network looks at for a restored one. */
function windowAt(network: Network, frames: readonly TfValue[], restored: number): readonly TfValue[] {
  return frames.slice(restored, restored + windowLength(network));
}

/** What a batch's restored frames are judged by. */
interface JudgedFrames {
  readonly restored: readonly (readonly TfValue[])[];
  readonly targets: readonly tfjs.Tensor4D[];
  readonly input: tfjs.Tensor4D | undefined;
  /** To the frame before. */
  readonly motion: Correspondence;
}

/** The outputs of a restored frame, the largest with its part of the frame before. */
function steadiedOutputs(tf: Tfjs, { restored, targets, input, motion }: JudgedFrames, i: number): TfValue[] {
  const [before, frame] = [restored[i - 1]?.[0], restored[i]?.[0]];
  const [truthBefore, truth] = [targets[i - 1], targets[i]];
  if (!before || !frame || !truthBefore || !truth || !input) throw new TypeError('a restored frame has no truth');
  const tensor = (value: TfValue) => tensorIn(tf, value, channelsLast) as tfjs.Tensor4D;
  const frames = { predictions: [tensor(before), tensor(frame)], truths: [truthBefore, truth], input } as const;
  const own = valueOf(steadied(tf, frames, motion), channelsLast);
  return [own, ...(restored[i]?.slice(1) ?? [])];
}

function errorOf(tf: Tfjs, output: TfValue | undefined, target: tfjs.Tensor4D | undefined): tfjs.Tensor4D {
  if (!output || !target) throw new TypeError('a restored frame has no truth');
  return tf.sub(tensorIn(tf, output, channelsLast), target);
}

/** The loss summed over a network's scales; smaller targets and inputs by bilinear interpolation, as MIMO-UNet's. */
function lossOfScales(
  tf: Tfjs,
  loss: CombinedLoss,
  outputs: readonly TfValue[],
  target: tfjs.Tensor4D | undefined,
  input: tfjs.Tensor4D | undefined,
): { total: tfjs.Scalar; parts: number[] } {
  if (!target) throw new TypeError('a restored frame has no truth');
  const results = outputs.map((output) => {
    const picture = tensorIn(tf, output, channelsLast) as tfjs.Tensor4D;
    const [, height, width] = picture.shape;
    const sized = (whole: tfjs.Tensor4D) =>
      height === whole.shape[1] ? whole : tf.image.resizeBilinear(whole, [height, width], false, true);
    return loss(picture, sized(target), input && sized(input));
  });
  return {
    total: tf.addN(results.map(({ total }) => total)),
    parts: sumOfParts(results.map(({ parts }) => parts.map((part) => part.dataSync()[0] ?? NaN))),
  };
}

function sumOfParts(lists: readonly (readonly number[])[]): number[] {
  return (lists[0] ?? []).map((_, i) => lists.reduce((sum, list) => sum + (list[i] ?? 0), 0));
}
