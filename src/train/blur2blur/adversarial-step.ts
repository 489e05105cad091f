import type * as tfjs from '@tensorflow/tfjs';
import type { Network } from '../../models/network.js';
import { patchGan, type PatchGanConfig } from '../../models/patchgan.js';
import { channelsLast, tensorIn, valueOf, type Tfjs } from '../../runtime/tensorflow/tensor.js';
import type { TensorflowOps } from '../../runtime/tensorflow/tf-ops.js';
import type { CombinedLoss } from '../losses.js';
import type { Parameters } from '../parameters.js';
import { hingeOfDiscriminator, hingeOfGenerator } from './adversarial-loss.js';
import { gradientPenalty } from './gradient-penalty.js';
import { pyramid } from './pyramid.js';

/** What {@link adversarialStep} trains. */
export interface Opponents {
  /** Translates unknown blur into known blur. Gives `scales` pictures, the largest first. */
  readonly generator: Network;
  readonly generatorParameters: Parameters;
  /** The discriminator, which tells translated pictures from such with known blur, at every scale with the same parameters. */
  readonly discriminator: PatchGanConfig;
  readonly discriminatorParameters: Parameters;
}

/** Options of {@link adversarialStep}. */
export interface AdversarialStepOptions {
  readonly tf: Tfjs;
  readonly ops: TensorflowOps;
  /** Distance of a translated picture from its source at one scale. */
  readonly reconstruction: CombinedLoss;
  /** Weight of the distance at each scale, the largest first. Their number is the number of scales, 1 to 3. */
  readonly scaleWeights: readonly number[];
  /** Weight of the adversarial loss beside the reconstruction's own. */
  readonly adversarialWeight: number;
  /** Weight of the gradient penalty; 0 leaves it out. */
  readonly penaltyWeight: number;
  /** Part of the scores that the generator's loss keeps, the best; 1 keeps all. */
  readonly share: number;
  /** What the part is chosen among. */
  readonly topKOf: 'patches' | 'samples';
  /** Weight of {@link StepPictures.moved}'s loss; 0 leaves it out. */
  readonly temporalWeight: number;
  /** Updates the discriminator, before the generator's loss looks at it. The gradients are its parameters', in order. */
  readonly updateDiscriminator: (gradients: readonly tfjs.Tensor[]) => void;
}

/** The pictures of a step, `[N, H, W, 3]`, RGB in [0, 1]. */
export interface StepPictures {
  /** With unknown blur. */
  readonly unknown: tfjs.Tensor4D;
  /** With known blur, of the same size. */
  readonly known: tfjs.Tensor4D;
  /** The known one's share of each mixture whose gradient is punished: N numbers from 0 to 1. */
  readonly shares: readonly number[];
  /** The unknown ones as a camera that moved would show them: needed where the temporal loss counts. */
  readonly moved?: MovedPictures;
}

/** Pictures from which those of a step can be had by moving them whole pixels. */
export interface MovedPictures {
  /** `[N, H, W, 3]`; the pixel at `(x, y)` shows what is at `(x + right, y + down)` in the unmoved picture. */
  readonly pictures: tfjs.Tensor4D;
  readonly right: number;
  readonly down: number;
}

/** Losses of a step, before their weights. */
export interface StepLosses {
  /** Hinge losses of the discriminator on translated and on known pictures. */
  readonly discriminatorFake: number;
  readonly discriminatorReal: number;
  /** The gradient penalty; 0 where it is left out. */
  readonly penalty: number;
  /** What the discriminator minimised. */
  readonly discriminator: number;
  readonly adversarial: number;
  /** Sum over the scales with the weights of scales and terms. */
  readonly reconstruction: number;
  /** How far the translation of a moved picture is from the moved translation; 0 where it is left out. */
  readonly temporal: number;
  /** What the generator minimised. */
  readonly generator: number;
}

/**
 * One step of Blur2Blur (Pham et al., CVPR 2024) up to the generator's gradients: translate, update the discriminator
 * on the result, and differentiate the generator's loss with the discriminator as it is now.
 *
 * @returns the losses, and one gradient per variable of the generator, in order, which the caller disposes.
 */
export function adversarialStep(
  { generator, generatorParameters, discriminator, discriminatorParameters }: Opponents,
  { unknown, known, shares, moved }: StepPictures,
  options: AdversarialStepOptions,
): { losses: StepLosses; gradients: tfjs.Tensor[] } {
  const { tf, ops, reconstruction, scaleWeights, adversarialWeight, penaltyWeight, temporalWeight } = options;
  const scales = scaleWeights.length;
  const translate = (pictures: tfjs.Tensor4D) =>
    generator
      .forward(ops, generatorParameters, [valueOf(pictures, channelsLast)])
      .slice(0, scales)
      .map((output) => tensorIn(tf, output, channelsLast) as tfjs.Tensor4D);
  const judge = (pictures: tfjs.Tensor4D) => {
    const scores = patchGan(ops, discriminatorParameters, valueOf(pictures, channelsLast), discriminator);
    return tensorIn(tf, scores, channelsLast) as tfjs.Tensor4D;
  };

  const trainDiscriminator = (fakes: readonly tfjs.Tensor4D[]) => {
    const reals = pyramid(tf, known, scales);
    const pairs = fakes.map((fake, i) => tf.concat([fake, reals[i] ?? fake], 0));
    let parts: tfjs.Scalar[] = [];
    const { value, grads } = tf.variableGrads(() => {
      const { fake, real } = hingeOfDiscriminator(tf, pairs.map(judge));
      const penalty =
        penaltyWeight > 0
          ? gradientPenalty(tf, { scores: judge, real: known, fake: fakes[0] ?? known, shares })
          : tf.scalar(0);
      parts = [fake, real, penalty].map((part) => tf.keep(part));
      return tf.add(tf.mul(tf.add(fake, real), 0.5), tf.mul(penalty, penaltyWeight));
    }, [...discriminatorParameters.variables]);
    const [discriminatorFake = NaN, discriminatorReal = NaN, penalty = NaN] = parts.map(numberOf);
    tf.dispose(parts);
    options.updateDiscriminator(gradientsOf(tf, discriminatorParameters, grads));
    return { discriminatorFake, discriminatorReal, penalty, discriminator: numberOf(value) };
  };

  let losses: StepLosses | undefined;
  const gradients = tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => {
      const fakes = translate(unknown);
      const ofDiscriminator = trainDiscriminator(fakes);
      const adversarial = hingeOfGenerator(tf, fakes.map(judge), options.share, options.topKOf);
      const sources = pyramid(tf, unknown, scales);
      const distances = fakes.flatMap((fake, i) => {
        const [source = fake, weight = 0] = [sources[i], scaleWeights[i]];
        return weight > 0 ? [tf.mul(reconstruction(fake, source).total, weight)] : [];
      });
      const reconstructed = tf.addN([tf.scalar(0), ...distances]);
      const [fake = unknown] = fakes;
      const temporal =
        temporalWeight > 0 && moved
          ? distanceOfMoved(tf, fake, translate(moved.pictures)[0] ?? fake, moved)
          : tf.scalar(0);
      losses = {
        ...ofDiscriminator,
        adversarial: numberOf(adversarial),
        reconstruction: numberOf(reconstructed),
        temporal: numberOf(temporal),
        generator: NaN,
      };
      return tf.addN<tfjs.Scalar>([
        tf.mul(adversarial, adversarialWeight),
        reconstructed as tfjs.Scalar,
        tf.mul(temporal, temporalWeight),
      ]);
    }, [...generatorParameters.variables]);
    if (losses) losses = { ...losses, generator: numberOf(value) };
    return gradientsOf(tf, generatorParameters, grads);
  });
  if (!losses) throw new TypeError('a step has losses');
  return { losses, gradients };
}

/**
 * Mean absolute difference between the translation of a moved picture and the moved translation, where both show the
 * same (Eilertsen et al., "Single-frame Regularization for Temporally Stable CNNs", CVPR 2019).
 */
function distanceOfMoved(
  tf: Tfjs,
  still: tfjs.Tensor4D,
  moved: tfjs.Tensor4D,
  { right, down }: MovedPictures,
): tfjs.Scalar {
  const [n, height, width, channels] = still.shape;
  const size: [number, number, number, number] = [n, height - Math.abs(down), width - Math.abs(right), channels];
  const ofStill = tf.slice(still, [0, Math.max(0, down), Math.max(0, right), 0], size);
  const ofMoved = tf.slice(moved, [0, Math.max(0, -down), Math.max(0, -right), 0], size);
  return tf.mean<tfjs.Scalar>(tf.abs(tf.sub(ofStill, ofMoved)));
}

/** In the parameters' order. Those of a scale that is left out have no influence. */
function gradientsOf(tf: Tfjs, { variables }: Parameters, found: tfjs.NamedTensorMap): tfjs.Tensor[] {
  return variables.map((variable) => found[variable.name] ?? tf.zerosLike(variable));
}

function numberOf(scalar: tfjs.Tensor): number {
  return scalar.dataSync()[0] ?? NaN;
}
