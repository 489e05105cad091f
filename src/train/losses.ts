import type * as tfjs from '@tensorflow/tfjs';
import { blur2blurFeatures, vggFeatures, vggWidths, type VggDepth } from '../models/vgg.js';
import type { Tensors } from '../models/weights/tensors.js';
import { channelsLast, valueOf, type Tfjs } from '../runtime/tensorflow/tensor.js';
import { TensorflowOps } from '../runtime/tensorflow/tf-ops.js';
import { TensorflowWeights } from '../runtime/tensorflow/weights.js';

/**
 * How far pictures are from their truth, as one number that can be differentiated.
 *
 * @param prediction RGB `[N, H, W, 3]`, about [0, 1].
 * @param target RGB of the same shape.
 */
export type Loss = (prediction: tfjs.Tensor4D, target: tfjs.Tensor4D) => tfjs.Scalar;

/** A loss and how much it counts. */
export interface LossTerm {
  /**
   * `l1`, `l2`; `charbonnier`: mean of `√(d² + ε²)`; `charbonnier-color`: of `√(mean over channels of d² + ε²)`
   * (ESTRNN); `psnr`: `10/ln 10 · ln(MSE + 1e-8)` per picture (NAFNet); `fft`: L1 of the unnormalised 2-D Fourier
   * transforms (MIMO-UNet); `perceptual`: L1 of VGG features (Blur2Blur).
   */
  readonly kind: LossKind;
  /** Default 1. */
  readonly weight?: number;
}

/** Names of the losses. */
export const lossKinds = ['l1', 'l2', 'charbonnier', 'charbonnier-color', 'psnr', 'fft', 'perceptual'] as const;
/** A loss's name. */
export type LossKind = (typeof lossKinds)[number];

const charbonnierEpsilon = 1e-3;
const psnrEpsilon = 1e-8;

/** Weights of the five VGG features in Blur2Blur's perceptual loss. */
const featureWeights = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1] as const;

/** Mean absolute difference. */
export function l1(tf: Tfjs): Loss {
  return (a, b) => tf.mean(tf.abs(tf.sub(a, b)));
}

/** Mean squared difference. */
export function l2(tf: Tfjs): Loss {
  return (a, b) => tf.mean(tf.square(tf.sub(a, b)));
}

/** Charbonnier's loss: a difference that is smooth at zero. */
export function charbonnier(tf: Tfjs): Loss {
  return (a, b) => tf.mean(tf.sqrt(tf.add(tf.square(tf.sub(a, b)), charbonnierEpsilon ** 2)));
}

/** Charbonnier's loss of a pixel's colour (Zhong et al., ECCV 2020). */
export function charbonnierColor(tf: Tfjs): Loss {
  return (a, b) => tf.mean(tf.sqrt(tf.add(tf.mean(tf.square(tf.sub(a, b)), 3), charbonnierEpsilon ** 2)));
}

/** Negative PSNR of each picture, meaned (Chen et al., "Simple Baselines for Image Restoration"). */
export function psnrLoss(tf: Tfjs): Loss {
  return (a, b) => {
    const error = tf.mean(tf.square(tf.sub(a, b)), [1, 2, 3]);
    return tf.mul(tf.mean(tf.log(tf.add(error, psnrEpsilon))), 10 / Math.LN10);
  };
}

/**
 * L1 between full unnormalised 2-D Fourier transforms, meaned over real and imaginary parts (Cho et al., ICCV 2021).
 * TensorFlow.js can't differentiate its FFT, so the transform is a product with cosines and sines along both sides.
 */
export function fftLoss(tf: Tfjs): Loss {
  return (a, b) => {
    const difference = tf.sub(a, b);
    const [n, height, width, channels] = difference.shape as [number, number, number, number];
    const table = (size: number, f: (x: number) => number) => {
      const turn = (2 * Math.PI) / size;
      const data = Float32Array.from({ length: size * size }, (_, i) =>
        f(turn * ((Math.floor(i / size) * (i % size)) % size)),
      );
      return tf.tensor3d(data, [1, size, size]);
    };
    const alongWidth = (matrix: tfjs.Tensor3D) =>
      tf.reshape(tf.matMul(matrix, tf.reshape(difference, [n * height, width, channels])), [
        n,
        height,
        width * channels,
      ]);
    const [cosines, sines] = [alongWidth(table(width, Math.cos)), alongWidth(table(width, Math.sin))];
    const [c, s] = [table(height, Math.cos), table(height, Math.sin)];
    const real = tf.sub(tf.matMul(c, cosines), tf.matMul(s, sines));
    const imaginary = tf.add(tf.matMul(s, cosines), tf.matMul(c, sines));
    return tf.mul(tf.add(tf.mean(tf.abs(real)), tf.mean(tf.abs(imaginary))), 0.5);
  };
}

/** Options of {@link perceptualLoss}. */
export interface PerceptualOptions {
  /** Parameters under torchvision's keys. The widths are read from them. */
  readonly weights: Tensors;
  /** Default 16. */
  readonly depth?: VggDepth;
  /** Modules of torchvision's `features` that are compared. Default: Blur2Blur's. */
  readonly layers?: readonly number[];
  /** How much each counts. Default: Blur2Blur's 1/32, 1/16, 1/8, 1/4, 1. */
  readonly layerWeights?: readonly number[];
}

/** L1 between VGG features (Johnson et al., ECCV 2016; layers and weights as in Blur2Blur). Pictures go in as they are, in [0, 1]. */
export function perceptualLoss(tf: Tfjs, options: PerceptualOptions): Loss {
  const { weights, depth = 16, layers = blur2blurFeatures, layerWeights = featureWeights } = options;
  const ops = new TensorflowOps(tf);
  const parameters = new TensorflowWeights(tf, weights);
  const widths = vggWidths(weights, depth);
  const features = (picture: tfjs.Tensor4D) =>
    vggFeatures(ops, parameters, valueOf(picture, channelsLast), { depth, layers, widths });
  return (a, b) => {
    const wanted = features(b);
    const distances = features(a).map(({ tensor }, i) =>
      tf.mul(tf.mean(tf.abs(tf.sub(tensor, wanted[i]?.tensor ?? tensor))), layerWeights[i] ?? 1),
    );
    return tf.addN(distances) as tfjs.Scalar;
  };
}

/** A weighted sum of losses, and each of them for the log. */
/** The sum and the single terms' values (before their weights), in the order of the terms. */
export type CombinedLoss = (
  prediction: tfjs.Tensor4D,
  target: tfjs.Tensor4D,
) => { total: tfjs.Scalar; parts: tfjs.Scalar[] };

/** Combines losses. `perceptual` needs the weights of a VGG. */
export function combineLosses(tf: Tfjs, terms: readonly LossTerm[], perceptual?: PerceptualOptions): CombinedLoss {
  const losses = terms.map(({ kind, weight = 1 }) => ({ weight, loss: createLoss(tf, kind, perceptual) }));
  return (prediction, target) => {
    const parts = losses.map(({ loss }) => loss(prediction, target));
    const weighted = parts.map((part, i) => tf.mul(part, losses[i]?.weight ?? 1));
    return { total: tf.addN(weighted) as tfjs.Scalar, parts };
  };
}

function createLoss(tf: Tfjs, kind: LossKind, perceptual: PerceptualOptions | undefined): Loss {
  switch (kind) {
    case 'l1':
      return l1(tf);
    case 'l2':
      return l2(tf);
    case 'charbonnier':
      return charbonnier(tf);
    case 'charbonnier-color':
      return charbonnierColor(tf);
    case 'psnr':
      return psnrLoss(tf);
    case 'fft':
      return fftLoss(tf);
    case 'perceptual':
      if (!perceptual) throw new TypeError('the perceptual loss needs the weights of a VGG');
      return perceptualLoss(tf, perceptual);
  }
}
