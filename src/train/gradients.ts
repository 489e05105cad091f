import type * as tfjs from '@tensorflow/tfjs';
import type { Network } from '../models/network.js';
import { channelsLast, tensorIn, valueOf, type Tfjs, type TfValue } from '../runtime/tensorflow/tensor.js';
import type { TensorflowOps } from '../runtime/tensorflow/tf-ops.js';
import type { CombinedLoss } from './losses.js';
import type { Parameters } from './parameters.js';
import type { PairBatch } from './sets/pair-sampler.js';
import { correspondence, temporalLoss } from './temporal-loss.js';

/** Options of {@link differentiate}. */
export interface DifferentiateOptions {
  readonly tf: Tfjs;
  readonly ops: TensorflowOps;
  /** Restored frames of a sample. */
  readonly clip: number;
  /** How much flicker counts beside the loss: see {@link temporalLoss}. Default 0. */
  readonly temporal?: number;
}

/** A loss and its gradients. */
export interface Gradients {
  readonly total: number;
  /** Each term of the loss, before its weight, meaned over the restored frames. */
  readonly parts: readonly number[];
  /** How much the restored frames flicker, before its weight; 0 where it does not count. */
  readonly flicker: number;
  /** One per variable, in the parameters' order; the caller disposes them. */
  readonly gradients: readonly tfjs.Tensor[];
}

/** Value and gradients of the loss of a batch. */
export function differentiate(
  network: Network,
  parameters: Parameters,
  loss: CombinedLoss,
  batch: PairBatch,
  { tf, ops, clip, temporal = 0 }: DifferentiateOptions,
): Gradients {
  const { batch: count, crop } = batch;
  let parts: number[] = [];
  let flicker = 0;
  const { value, grads } = tf.tidy(() => {
    const picture = (data: Float32Array) => tf.tensor4d(data, [count, crop, crop, 3]);
    const frames = batch.blur.map((data) => valueOf(picture(data), channelsLast));
    const targets = batch.sharp.map(picture);
    return tf.variableGrads(() => {
      const restored = restoredFrames(ops, network, parameters, frames, clip);
      const losses = restored.map((outputs, i) =>
        lossOfScales(
          tf,
          loss,
          outputs,
          targets[i],
          frames[network.window.past + i]?.tensor as tfjs.Tensor4D | undefined,
        ),
      );
      parts = sumOfParts(losses.map((each) => each.parts)).map((sum) => sum / losses.length);
      const total = tf.mul(tf.addN(losses.map((each) => each.total)), 1 / losses.length);
      if (temporal === 0) return total as tfjs.Scalar;
      const errors = restored.map(([output], i) => errorOf(tf, output, targets[i]));
      const differences = errors
        .slice(1)
        .map((error, i) => temporalLoss(tf, errors[i]!, error, correspondence(batch, i + 1)));
      const mean = tf.mul(tf.addN(differences), 1 / differences.length);
      flicker = mean.dataSync()[0] ?? NaN;
      return tf.add<tfjs.Scalar>(total, tf.mul(mean, temporal));
    }, [...parameters.variables]);
  });
  const total = value.dataSync()[0] ?? NaN;
  value.dispose();
  const gradients = parameters.variables.map((variable) => {
    const gradient = grads[variable.name];
    if (!gradient) throw new TypeError(`the loss does not depend on ${variable.name}`);
    return gradient;
  });
  return { total, parts, flicker, gradients };
}

/** The outputs (largest scale first) of each restored frame. */
function restoredFrames(
  ops: TensorflowOps,
  network: Network,
  parameters: Parameters,
  frames: readonly TfValue[],
  clip: number,
): TfValue[][] {
  if (network.forwardSequence && clip > 1) {
    return network.forwardSequence(ops, parameters, frames).map((frame) => [frame]);
  }
  const length = network.window.past + 1 + network.window.future;
  return Array.from({ length: clip }, (_, i) => network.forward(ops, parameters, frames.slice(i, i + length)));
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
