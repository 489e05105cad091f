import type * as tfjs from '@tensorflow/tfjs';
import type { Network } from '../../models/network.js';
import { patchGan, type PatchGanConfig } from '../../models/patchgan.js';
import { channelsLast, tensorIn, valueOf, type Tfjs } from '../../runtime/tensorflow/tensor.js';
import type { TensorflowOps } from '../../runtime/tensorflow/tf-ops.js';
import type { CombinedLoss } from '../losses.js';
import type { Parameters } from '../parameters.js';
import { hingeOfDiscriminator, hingeOfGenerator } from './adversarial-loss.js';
import { detail } from './detail.js';
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
  /** Whether the discriminator sees pictures, or only what {@link detail} leaves of them. */
  readonly sees: 'picture' | 'detail';
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

/** Losses of the discriminator, before their weights. */
export interface DiscriminatorLosses {
  /** Hinge losses on translated and on known pictures. */
  readonly discriminatorFake: number;
  readonly discriminatorReal: number;
  /** The gradient penalty; 0 where it is left out. */
  readonly penalty: number;
  /** What the discriminator minimised. */
  readonly discriminator: number;
}

/** Losses of a step, before their weights. */
export interface StepLosses extends DiscriminatorLosses {
  readonly adversarial: number;
  /** Sum over the scales with the weights of scales and terms. */
  readonly reconstruction: number;
  /** How far the translation of a moved picture is from the moved translation; 0 where it is left out. */
  readonly temporal: number;
  /** What the generator minimised. */
  readonly generator: number;
}

/** How strongly each loss, with its weight, pulls at the translated pictures: the norm of its gradient there. */
export interface Pulls {
  readonly adversarial: number;
  readonly reconstruction: number;
  readonly temporal: number;
}

/** What came of {@link adversarialStep}. */
export interface StepResult {
  readonly losses: StepLosses;
  readonly pulls: Pulls;
  /** One per variable of the generator, in order; the caller disposes them. */
  readonly gradients: tfjs.Tensor[];
}

/** Options of {@link discriminatorStep}. */
export type DiscriminatorStepOptions = Pick<
  AdversarialStepOptions,
  'tf' | 'ops' | 'scaleWeights' | 'penaltyWeight' | 'updateDiscriminator'
>;

/** The discriminator's half of a step, against a translator that stays as it is. */
export function discriminatorStep(
  opponents: Opponents,
  pictures: StepPictures,
  options: DiscriminatorStepOptions,
): DiscriminatorLosses {
  const { tf, ops, scaleWeights } = options;
  let losses: DiscriminatorLosses | undefined;
  tf.tidy(() => {
    const fakes = translations(tf, ops, opponents, pictures.unknown).slice(0, scaleWeights.length);
    losses = trainDiscriminator(opponents, fakes, pictures, options);
  });
  if (!losses) throw new TypeError('a step has losses');
  return losses;
}

/**
 * One step of Blur2Blur (Pham et al., CVPR 2024) up to the generator's gradients: translate, update the discriminator
 * on the result, and differentiate the generator's loss with the discriminator as it is now.
 */
export function adversarialStep(
  opponents: Opponents,
  pictures: StepPictures,
  options: AdversarialStepOptions,
): StepResult {
  const { tf, ops, reconstruction, scaleWeights, adversarialWeight, temporalWeight } = options;
  const { unknown } = pictures;
  const moved = temporalWeight > 0 ? pictures.moved : undefined;
  const scales = scaleWeights.length;
  const parameters = opponents.generatorParameters;
  let measured: Omit<StepResult, 'gradients'> | undefined;
  const gradients = tf.tidy(() => {
    const { grads } = tf.variableGrads(() => {
      const fakes = translations(tf, ops, opponents, unknown).slice(0, scales);
      const [movedFake] = moved ? translations(tf, ops, opponents, moved.pictures) : [];
      const ofDiscriminator = trainDiscriminator(opponents, fakes, pictures, options);

      const adversarial = pullOf(tf, fakes, adversarialWeight, (...outputs) =>
        hingeOfGenerator(
          tf,
          outputs.map((output) => judge(tf, ops, opponents, look(tf, ops, opponents, output))),
          options.share,
          options.topKOf,
        ),
      );
      const sources = pyramid(tf, unknown, scales);
      const reconstructed = pullOf(tf, fakes, 1, (...outputs) => {
        const distances = outputs.flatMap((output, i) => {
          const [source = output, weight = 0] = [sources[i], scaleWeights[i]];
          return weight > 0 ? [tf.mul(reconstruction(output, source).total, weight)] : [];
        });
        return tf.addN([tf.scalar(0), ...distances]);
      });
      const [fake = unknown] = fakes;
      const temporal =
        moved && movedFake
          ? pullOf(tf, [fake, movedFake], temporalWeight, (still = fake, other = fake) =>
              distanceOfMoved(tf, still, other, moved),
            )
          : undefined;

      measured = {
        losses: {
          ...ofDiscriminator,
          ...{ adversarial: adversarial.loss, reconstruction: reconstructed.loss, temporal: temporal?.loss ?? 0 },
          generator: adversarialWeight * adversarial.loss + reconstructed.loss + temporalWeight * (temporal?.loss ?? 0),
        },
        pulls: { adversarial: adversarial.norm, reconstruction: reconstructed.norm, temporal: temporal?.norm ?? 0 },
      };
      const pulls = [adversarial, reconstructed, ...(temporal ? [temporal] : [])];
      return tf.addN(pulls.map(({ linear }) => linear));
    }, [...parameters.variables]);
    return gradientsOf(tf, parameters, grads);
  });
  if (!measured) throw new TypeError('a step has losses');
  return { ...measured, gradients };
}

/** The translated pictures at the generator's scales, the largest first. */
export function translations(
  tf: Tfjs,
  ops: TensorflowOps,
  { generator, generatorParameters }: Pick<Opponents, 'generator' | 'generatorParameters'>,
  pictures: tfjs.Tensor4D,
): tfjs.Tensor4D[] {
  return generator
    .forward(ops, generatorParameters, [valueOf(pictures, channelsLast)])
    .map((output) => tensorIn(tf, output, channelsLast) as tfjs.Tensor4D);
}

/** What the discriminator sees of pictures. */
function look(tf: Tfjs, ops: TensorflowOps, { sees }: Opponents, pictures: tfjs.Tensor4D): tfjs.Tensor4D {
  if (sees === 'picture') return pictures;
  return tensorIn(tf, detail(ops, valueOf(pictures, channelsLast)), channelsLast) as tfjs.Tensor4D;
}

/** Scores `[N, h, w, 1]` of what the discriminator sees. */
function judge(
  tf: Tfjs,
  ops: TensorflowOps,
  { discriminator, discriminatorParameters }: Opponents,
  seen: tfjs.Tensor4D,
): tfjs.Tensor4D {
  const scores = patchGan(ops, discriminatorParameters, valueOf(seen, channelsLast), discriminator);
  return tensorIn(tf, scores, channelsLast) as tfjs.Tensor4D;
}

function trainDiscriminator(
  opponents: Opponents,
  fakes: readonly tfjs.Tensor4D[],
  { known, shares }: StepPictures,
  { tf, ops, penaltyWeight, updateDiscriminator }: DiscriminatorStepOptions,
): DiscriminatorLosses {
  const { discriminatorParameters: parameters } = opponents;
  const scores = (seen: tfjs.Tensor4D) => judge(tf, ops, opponents, seen);
  const seen = (pictures: readonly tfjs.Tensor4D[]) => pictures.map((picture) => look(tf, ops, opponents, picture));
  const [seenFakes, seenReals] = [seen(fakes), seen(pyramid(tf, known, fakes.length))];
  const pairs = seenFakes.map((fake, i) => tf.concat([fake, seenReals[i] ?? fake], 0));
  let parts: number[] = [];
  const { value, grads } = tf.variableGrads(() => {
    const { fake, real } = hingeOfDiscriminator(tf, pairs.map(scores));
    const penalty =
      penaltyWeight > 0
        ? gradientPenalty(tf, { scores, real: seenReals[0] ?? known, fake: seenFakes[0] ?? known, shares })
        : tf.scalar(0);
    parts = [fake, real, penalty].map(numberOf);
    return tf.add(tf.mul(tf.add(fake, real), 0.5), tf.mul(penalty, penaltyWeight));
  }, [...parameters.variables]);
  updateDiscriminator(gradientsOf(tf, parameters, grads));
  const [discriminatorFake = NaN, discriminatorReal = NaN, penalty = NaN] = parts;
  return { discriminatorFake, discriminatorReal, penalty, discriminator: numberOf(value) };
}

/** A loss, and how it pulls at pictures. */
interface Pull {
  /** Before its weight. */
  readonly loss: number;
  /** Norm of the weighted loss's gradient. */
  readonly norm: number;
  /** A scalar that has the weighted loss's gradient, and is linear in the pictures: the loss itself need not be kept. */
  readonly linear: tfjs.Scalar;
}

/** Differentiates a loss by the pictures that it looks at. */
function pullOf(
  tf: Tfjs,
  pictures: readonly tfjs.Tensor4D[],
  weight: number,
  loss: (...pictures: tfjs.Tensor4D[]) => tfjs.Tensor,
): Pull {
  const { value, grads } = tf.valueAndGrads((...args: tfjs.Tensor[]) => loss(...(args as tfjs.Tensor4D[])))([
    ...pictures,
  ]);
  // Read and written again, the gradients are constants: they are not differentiated once more.
  const constants = grads.map((gradient) => tf.tensor(gradient.dataSync<'float32'>(), gradient.shape));
  const squares = constants.map((gradient) => numberOf(tf.sum(tf.square(gradient))));
  return {
    loss: numberOf(value),
    norm: weight * Math.sqrt(squares.reduce((sum, square) => sum + square, 0)),
    linear: tf.mul<tfjs.Scalar>(
      tf.addN(pictures.map((picture, i) => tf.sum(tf.mul(picture, constants[i] ?? 0)))),
      weight,
    ),
  };
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
export function gradientsOf(tf: Tfjs, { variables }: Parameters, found: tfjs.NamedTensorMap): tfjs.Tensor[] {
  return variables.map((variable) => found[variable.name] ?? tf.zerosLike(variable));
}

function numberOf(scalar: tfjs.Tensor): number {
  return scalar.dataSync()[0] ?? NaN;
}
