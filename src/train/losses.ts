import type * as tfjs from '@tensorflow/tfjs';
import { parametersUsed } from '../models/network.js';
import { blur2blurFeatures, vggFeatures, vggWidths, type VggDepth } from '../models/vgg.js';
import { checkParameters, type Tensors } from '../models/weights/tensors.js';
import { channelsLast, valueOf, type Tfjs } from '../runtime/tensorflow/tensor.js';
import { TensorflowOps } from '../runtime/tensorflow/tf-ops.js';
import { TensorflowWeights } from '../runtime/tensorflow/weights.js';

/**
 * How far pictures are from their truth, as one number that can be differentiated.
 *
 * @param prediction RGB `[N, H, W, 3]`, about [0, 1].
 * @param target RGB of the same shape.
 * @param input the blurry frame that the prediction was made of, of the same shape; `gain` alone asks for it.
 */
export type Loss = (prediction: tfjs.Tensor4D, target: tfjs.Tensor4D, input?: tfjs.Tensor4D) => tfjs.Scalar;

/** A loss and how much it counts. */
export interface LossTerm {
  /**
   * `l1`, `l2`; `charbonnier`: mean of `√(d² + ε²)`; `charbonnier-color`: of `√(mean over channels of d² + ε²)`
   * (ESTRNN); `psnr`: `10/ln 10 · ln(MSE + 1e-8)` per picture (NAFNet); `fft`: L1 of the unnormalised 2-D Fourier
   * transforms (MIMO-UNet); `perceptual`: L1 of VGG features (Blur2Blur); `gain`: decibels lost against the input,
   * see {@link gainLoss}.
   */
  readonly kind: LossKind;
  /** Default 1. */
  readonly weight?: number;
  /** For `gain`: how many times as much as a gain a picture counts that comes out worse than it went in. Default 10. */
  readonly harm?: number | undefined;
}

/** Names of the losses. */
export const lossKinds = ['l1', 'l2', 'charbonnier', 'charbonnier-color', 'psnr', 'fft', 'perceptual', 'gain'] as const;
/** A loss's name. */
export type LossKind = (typeof lossKinds)[number];

const charbonnierEpsilon = 1e-3;
const psnrEpsilon = 1e-8;
/** 60 dB: below this an error is none, and neither it nor its removal counts. */
const gainEpsilon = 1e-6;

/** Weights of the five VGG features in Blur2Blur's perceptual loss. */
const featureWeights = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1] as const;

/** The modules of torchvision's `features` that are compared: Blur2Blur's, and relu1_1 to relu5_1 of VGG19. */
const comparedFeatures: Readonly<Record<VggDepth, readonly number[]>> = {
  16: blur2blurFeatures,
  19: [1, 6, 11, 20, 29],
};

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
  // Its gradient is the difference over the root, which is known already: left to itself TensorFlow.js computes
  // the derivative of each part anew, in eight passes over the picture.
  const operator = tf.customGrad((...args) => {
    const [difference, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    const root = tf.sqrt(tf.add(tf.square(difference), charbonnierEpsilon ** 2));
    save([difference, root]);
    return {
      value: tf.mean(root),
      gradFunc: (gradient: tfjs.Tensor, saved: tfjs.Tensor[]) => {
        const [numerator = difference, denominator = root] = saved;
        return tf.mul(tf.div(numerator, denominator), tf.div(gradient, numerator.size));
      },
    };
  });
  return (a, b) => operator(tf.sub(a, b)) as tfjs.Scalar;
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
 * Decibels of PSNR that each picture has less than the input it was made of, meaned; those that have more are negative.
 * A loss counts `harm` times as much as a gain: what learns by it acts only where it is sure to help.
 */
export function gainLoss(tf: Tfjs, harm = 10): Loss {
  return (a, b, input) => {
    if (!input) throw new TypeError('a gain is told against an input');
    const error = (x: tfjs.Tensor4D) => tf.add(tf.mean(tf.square(tf.sub(x, b)), [1, 2, 3]), gainEpsilon);
    const lost = tf.mul(tf.log(tf.div(error(a), error(input))), 10 / Math.LN10);
    return tf.mean(tf.add(lost, tf.mul(tf.relu(lost), harm - 1)));
  };
}

/**
 * L1 between full unnormalised 2-D Fourier transforms, meaned over real and imaginary parts (Cho et al., ICCV 2021).
 * TensorFlow.js can't differentiate its FFT, so the transform is a product with cosines and sines along both sides.
 */
export function fftLoss(tf: Tfjs): Loss {
  const tables = new Map<number, FourierTable>();
  const tableOf = (size: number) => {
    const table = tables.get(size) ?? fourierTable(size);
    tables.set(size, table);
    return (['cosines', 'sines'] as const).map((part) => tf.tensor3d(table[part], [1, size, size]));
  };
  return (a, b) => {
    const difference = tf.sub(a, b);
    const [n, height, width, channels] = difference.shape as [number, number, number, number];
    const rows = tf.reshape(difference, [n * height, width, channels]);
    const [across, down] = [tableOf(width), tableOf(height)];
    const alongRows = across.map((table) => tf.reshape(tf.matMul(table, rows), [n, height, width * channels]));
    // (c - is)(C - iS) = cC - sS - i(sC + cS); the sign of the imaginary part does not matter.
    const products = down.map((table) => alongRows.map((transformed) => tf.matMul(table, transformed)));
    const [[cC, cS] = [], [sC, sS] = []] = products;
    if (!cC || !cS || !sC || !sS) throw new TypeError('a transform has two parts');
    return tf.mul(tf.add(tf.mean(tf.abs(tf.sub(cC, sS))), tf.mean(tf.abs(tf.add(cS, sC)))), 0.5);
  };
}

interface FourierTable {
  readonly cosines: Float32Array;
  readonly sines: Float32Array;
}

/** `cos` and `sin` of `2π·j·k / size`, row by row. */
function fourierTable(size: number): FourierTable {
  const [cosines, sines] = [new Float32Array(size * size), new Float32Array(size * size)];
  for (let j = 0; j < size; j += 1) {
    for (let k = 0; k < size; k += 1) {
      const angle = (2 * Math.PI * ((j * k) % size)) / size;
      cosines[j * size + k] = Math.cos(angle);
      sines[j * size + k] = Math.sin(angle);
    }
  }
  return { cosines, sines };
}

/** Options of {@link perceptualLoss}. */
export interface PerceptualOptions {
  /** Parameters under torchvision's keys; others than those of the features are left alone. The widths are read from them. */
  readonly weights: Tensors;
  /** Default 16. */
  readonly depth?: VggDepth | undefined;
  /** Modules of torchvision's `features` that are compared. Default: Blur2Blur's of VGG16, relu1_1 to relu5_1 of VGG19. */
  readonly layers?: readonly number[] | undefined;
  /** How much each counts. Default: Blur2Blur's 1/32, 1/16, 1/8, 1/4, 1. */
  readonly layerWeights?: readonly number[] | undefined;
}

/** A loss that holds tensors until it is disposed. */
export type HoldingLoss = Loss & Disposable;

/**
 * L1 between VGG features (Johnson et al., ECCV 2016; layers and weights as in Blur2Blur). Pictures go in as they are,
 * in [0, 1].
 *
 * @throws DeblurError `CHECKPOINT_INVALID` that names the first parameter that is missing.
 */
export function perceptualLoss(tf: Tfjs, options: PerceptualOptions): HoldingLoss {
  const { depth = 16, layers = comparedFeatures[depth], layerWeights = featureWeights } = options;
  const widths = vggWidths(options.weights, depth);
  const vgg = { depth, layers, widths };
  const expected = parametersUsed((ops, weights) => vggFeatures(ops, weights, [1, 3, 32, 32], vgg));
  const tensors = new Map([...options.weights].filter(([name]) => expected.has(name)));
  checkParameters(tensors, expected, `The checkpoint of VGG${depth}`);
  const ops = new TensorflowOps(tf);
  const parameters = new TensorflowWeights(tf, tensors);
  const features = (picture: tfjs.Tensor4D) => vggFeatures(ops, parameters, valueOf(picture, channelsLast), vgg);
  const loss: Loss = (a, b) => {
    const wanted = features(b);
    const distances = features(a).map((feature, i) => {
      const difference = tf.sub(feature.tensor, wanted[i]?.tensor ?? feature.tensor);
      return tf.mul(tf.mean(tf.abs(difference)), layerWeights[i] ?? 1);
    });
    return tf.addN(distances) as tfjs.Scalar;
  };
  return Object.assign(loss, {
    [Symbol.dispose]: () => {
      parameters.dispose();
    },
  });
}

/** A weighted sum of losses. Holds tensors until it is disposed. */
export interface CombinedLoss extends Disposable {
  /** The losses' names, in order. */
  readonly kinds: readonly LossKind[];
  /**
   * @returns the sum, and the single terms' values (before their weights) in the order of the terms, for the log.
   */
  (...pictures: Parameters<Loss>): { total: tfjs.Scalar; parts: tfjs.Scalar[] };
}

/** Combines losses. `perceptual` needs the weights of a VGG. */
export function combineLosses(tf: Tfjs, terms: readonly LossTerm[], perceptual?: PerceptualOptions): CombinedLoss {
  const losses = terms.map((term) => ({ weight: term.weight ?? 1, loss: createLoss(tf, term, perceptual) }));
  const combined = (...pictures: Parameters<Loss>) => {
    const parts = losses.map(({ loss }) => loss(...pictures));
    const weighted = parts.map((part, i) => tf.mul(part, losses[i]?.weight ?? 1));
    return { total: tf.addN(weighted) as tfjs.Scalar, parts };
  };
  return Object.assign(combined, {
    kinds: terms.map(({ kind }) => kind),
    [Symbol.dispose]: () => {
      for (const { loss } of losses) loss[Symbol.dispose]?.();
    },
  });
}

function createLoss(
  tf: Tfjs,
  { kind, harm }: LossTerm,
  perceptual: PerceptualOptions | undefined,
): Loss & Partial<Disposable> {
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
    case 'gain':
      return gainLoss(tf, harm);
  }
}
