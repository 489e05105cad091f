import type * as tfjs from '@tensorflow/tfjs';
import type { Tfjs } from '../../runtime/tensorflow/tensor.js';
import type { TensorflowOps } from '../../runtime/tensorflow/tf-ops.js';
import { gradientsOf, translations, type Opponents } from './adversarial-step.js';
import { pyramid } from './pyramid.js';
import { matchingSize } from './spectrum.js';

/** Options of {@link imitationStep}. */
export interface ImitationOptions {
  readonly tf: Tfjs;
  readonly ops: TensorflowOps;
  /** The filter, of {@link matchingSize}² taps. */
  readonly kernel: Float32Array;
  /** Scales that are compared. */
  readonly scales: number;
}

/**
 * Differentiates how far the translator is from a linear filter: the mean absolute difference, summed over the scales.
 *
 * @param unknown pictures `[N, H, W, 3]`, RGB in [0, 1].
 * @returns one gradient per variable of the generator, in order; the caller disposes them.
 */
export function imitationStep(
  opponents: Opponents,
  unknown: tfjs.Tensor4D,
  { tf, ops, kernel, scales }: ImitationOptions,
): { readonly loss: number; readonly gradients: tfjs.Tensor[] } {
  const parameters = opponents.generatorParameters;
  let loss = NaN;
  const gradients = tf.tidy(() => {
    const targets = pyramid(tf, filtered(tf, unknown, kernel), scales);
    const { value, grads } = tf.variableGrads(() => {
      const distances = translations(tf, ops, opponents, unknown)
        .slice(0, scales)
        .map((fake, i) => tf.mean(tf.abs(tf.sub(fake, targets[i] ?? unknown))));
      return tf.addN(distances) as tfjs.Scalar;
    }, [...parameters.variables]);
    loss = value.dataSync()[0] ?? NaN;
    return gradientsOf(tf, parameters, grads);
  });
  return { loss, gradients };
}

/** Pictures after the filter, whose borders are mirrored, in [0, 1]. */
function filtered(tf: Tfjs, pictures: tfjs.Tensor4D, kernel: Float32Array): tfjs.Tensor4D {
  const half = (matchingSize - 1) / 2;
  const padded = tf.mirrorPad(
    pictures,
    [
      [0, 0],
      [half, half],
      [half, half],
      [0, 0],
    ],
    'reflect',
  );
  const taps = tf.tensor4d(
    Float32Array.from({ length: 3 * kernel.length }, (_, i) => kernel[Math.floor(i / 3)] ?? 0),
    [matchingSize, matchingSize, 3, 1],
  );
  return tf.clipByValue(tf.depthwiseConv2d(padded, taps, 1, 'valid'), 0, 1);
}
