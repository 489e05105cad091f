import { readFile } from 'node:fs/promises';
import type * as tfjs from '@tensorflow/tfjs';
import { describe, expect, it, vi } from 'vitest';
import { patchGan } from '../../../src/models/patchgan.js';
import { mimoUnet } from '../../../src/models/mimo-unet.js';
import { readPth } from '../../../src/models/weights/pth.js';
import type { Tensors } from '../../../src/models/weights/tensors.js';
import { channelsLast, tensorIn, valueOf } from '../../../src/runtime/tensorflow/tensor.js';
import { TensorflowOps } from '../../../src/runtime/tensorflow/tf-ops.js';
import { Adam } from '../../../src/train/adam.js';
import { hingeOfDiscriminator, hingeOfGenerator } from '../../../src/train/blur2blur/adversarial-loss.js';
import { adversarialStep, type StepLosses } from '../../../src/train/blur2blur/adversarial-step.js';
import { gradientPenalty } from '../../../src/train/blur2blur/gradient-penalty.js';
import { pyramid } from '../../../src/train/blur2blur/pyramid.js';
import { combineLosses } from '../../../src/train/losses.js';
import { Parameters } from '../../../src/train/parameters.js';
import { fixture, maxDifference, readNpy, type Picture } from '../../runtime/parity/interpreters.js';
import { testBackend } from '../../support/tensorflow.js';
import { hasAvx512 } from '../../../bench/processor.js';

// The faster convolutions of oneDNN round so much more that ReLUs change sides: gradients then differ by up to 3e-4.
vi.hoisted(() => {
  process.env['TF_ENABLE_ONEDNN_OPTS'] = '0';
});

const { tf } = await testBackend();
const ops = new TensorflowOps(tf);
const folder = 'blur2blur-losses';
const scaleNames = ['full', 'half', 'quarter'];
const discriminator = { features: 8, layers: 3 };

const checkpoint = async (file: string) => readPth(await readFile(fixture(file)), file);
const discriminatorWeights = await checkpoint('blur2blur-d/weights.pth');

/** A picture of the fixtures, NCHW, with its channels last. */
function nhwc({ shape, data }: Picture): tfjs.Tensor4D {
  return tf.transpose(tf.tensor4d(data, [...shape] as [number, number, number, number]), [0, 2, 3, 1]);
}

function nchw(tensor: tfjs.Tensor): Picture {
  const plain = tf.transpose(tensor, [0, 3, 1, 2]);
  return { shape: plain.shape, data: Float32Array.from(plain.dataSync()) };
}

const picture = async (name: string) => nhwc(await readNpy(`${folder}/${name}.npy`));

function judge(parameters: Parameters) {
  return (image: tfjs.Tensor4D) =>
    tensorIn(tf, patchGan(ops, parameters, valueOf(image, channelsLast), discriminator), channelsLast) as tfjs.Tensor4D;
}

/** The largest absolute difference, as a part of the largest value. */
function relativeDifference(found: Picture, official: Picture): number {
  return maxDifference(found, official) / official.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

const numberOf = (tensor: tfjs.Tensor) => tensor.dataSync()[0] ?? NaN;

/** Parameters or gradients that a run gave beside the official ones, in L2. Biases before a normalisation have no gradient but noise. */
function compareTensors(found: Tensors, official: Tensors, tolerance: number): void {
  for (const [name, { data }] of official) {
    if (/^model\.[258]\.bias$/.test(name)) continue;
    const values = found.get(name)?.data ?? new Float32Array();
    // The penalty does not depend on the last bias, whose derivative is zero.
    const norm = Math.max(Math.hypot(...data), 1e-9);
    expect(Math.hypot(...data.map((value, i) => value - (values[i] ?? NaN))) / norm, name).toBeLessThan(tolerance);
  }
}

function unpacked(parameters: Parameters, gradients: readonly tfjs.Tensor[]): Tensors {
  const flat = tf.tidy(() => tf.concat1d(gradients.map((each) => each.flatten())));
  const tensors = parameters.unpack(flat);
  flat.dispose();
  return tensors;
}

/**
 * What gradients of the translator may differ by: absolute differences and rectifiers have kinks, and where kernels of another processor
 * round otherwise, a value that is nearly zero may be on the kink's other side (3e-4 of a gradient with AVX2).
 */
const ofKinks = hasAvx512() ? 2e-5 : 1e-3;
/** The same of a picture after the step that they make. */
const afterKinks = hasAvx512() ? 2e-5 : 1e-4;

describe('the adversarial losses', () => {
  it("are the released code's over three scales, in value and gradient", async () => {
    using parameters = new Parameters(tf, discriminatorWeights);
    const fakes = await Promise.all(scaleNames.map((scale) => picture(`fake_${scale}`)));
    const real = await picture('real_full');
    const score = judge(parameters);
    const reals = pyramid(tf, real, 3);
    expect(maxDifference(nchw(reals[1]!), await readNpy(`${folder}/real_half_bilinear.npy`))).toBeLessThan(1e-6);
    expect(maxDifference(nchw(reals[2]!), await readNpy(`${folder}/real_quarter_bilinear.npy`))).toBeLessThan(1e-6);

    const bothHalves = (list: readonly tfjs.Tensor[]) =>
      hingeOfDiscriminator(
        tf,
        list.map((fake, i) => score(tf.concat([fake as tfjs.Tensor4D, reals[i]!], 0))),
      );
    const { fake, real: onReal } = bothHalves(fakes);
    expect(numberOf(fake)).toBeCloseTo(0.925425112247467, 5);
    expect(numberOf(onReal)).toBeCloseTo(1.2852622270584106, 5);
    const generator = (...list: tfjs.Tensor[]) =>
      hingeOfGenerator(
        tf,
        list.map((each) => score(each as tfjs.Tensor4D)),
      );
    expect(numberOf(generator(...fakes))).toBeCloseTo(0.09081882238388062, 5);

    const cases = [
      ['grad_hinge_D_fake', tf.grads((...list) => bothHalves(list).fake)(fakes)],
      ['grad_hinge_G', tf.grads(generator)(fakes)],
    ] as const;
    for (const [name, gradients] of cases) {
      for (const [i, scale] of scaleNames.entries()) {
        const official = await readNpy(`${folder}/${name}_${scale}.npy`);
        expect(relativeDifference(nchw(gradients[i]!), official), `${name} ${scale}`).toBeLessThan(1e-4);
      }
    }
  });

  it('give a single map the released values and gradients', async () => {
    const map = await picture('pred_map');
    const both = (x: tfjs.Tensor) => hingeOfDiscriminator(tf, [tf.concat([x as tfjs.Tensor4D, x as tfjs.Tensor4D], 0)]);
    const cases = [
      ['D_real', 1.1896005868911743, (x: tfjs.Tensor) => both(x).real],
      ['D_fake', 1.0744414329528809, (x: tfjs.Tensor) => both(x).fake],
      ['G', 0.049168627709150314, (x: tfjs.Tensor) => hingeOfGenerator(tf, [x as tfjs.Tensor4D])],
    ] as const;
    for (const [name, expected, loss] of cases) {
      const { value, grad } = tf.valueAndGrad(loss)(map);
      expect(numberOf(value)).toBeCloseTo(expected, 5);
      expect(maxDifference(nchw(grad), await readNpy(`${folder}/grad_pred_map_${name}.npy`))).toBeLessThan(1e-6);
    }
  });

  it('keep the best-scored part alone where one is asked for', () => {
    const scores = tf.tensor4d([1, 5, 2, 4, -3, 7, 0, 6], [2, 2, 2, 1]);
    const loss = (share: number, of: 'patches' | 'samples') => (x: tfjs.Tensor) =>
      hingeOfGenerator(tf, [x as tfjs.Tensor4D], share, of);
    // Three of eight patches, then the second of two pictures only.
    const patches = tf.valueAndGrad(loss(0.3, 'patches'))(scores);
    expect(numberOf(patches.value)).toBeCloseTo(-6, 6);
    const gradient = [0, -1, 0, 0, 0, -1, 0, -1].map((part) => Math.fround(part / 3));
    patches.grad.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(gradient[i] ?? NaN, 6);
    });
    const samples = tf.valueAndGrad(loss(0.5, 'samples'))(scores);
    expect(numberOf(samples.value)).toBeCloseTo(-3, 6);
    expect(numberOf(loss(1, 'patches')(scores))).toBeCloseTo(-2.75, 6);
  });
});

describe('the gradient penalty', () => {
  it("is the released code's, in value and in both gradients", async () => {
    using parameters = new Parameters(tf, discriminatorWeights);
    const [fake, real] = [await picture('fake_full'), await picture('real_full')];
    const penalty = (made: tfjs.Tensor) =>
      tf.mul<tfjs.Scalar>(
        1e-4,
        gradientPenalty(tf, {
          scores: judge(parameters),
          real,
          fake: made as tfjs.Tensor4D,
          shares: [0.2236519455909729],
        }),
      );
    const { value, grad } = tf.valueAndGrad(penalty)(fake);
    expect(numberOf(value)).toBeCloseTo(0.31389492750167847, 5);
    expect(relativeDifference(nchw(grad), await readNpy(`${folder}/grad_gp_fake_full.npy`))).toBeLessThan(1e-4);
    const { grads } = tf.variableGrads(() => penalty(fake), [...parameters.variables]);
    const found = parameters.variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable));
    compareTensors(unpacked(parameters, found), await checkpoint(`${folder}/grad_gp_d_params.pth`), 1e-5);
  });

  it('of a batch is the mean of its samples’, in value and gradient', async () => {
    using parameters = new Parameters(tf, discriminatorWeights);
    const [fake, real, other] = [await picture('fake_full'), await picture('real_full'), await picture('realA_full')];
    const of = (fakes: tfjs.Tensor4D[], reals: tfjs.Tensor4D[], shares: number[]) => {
      const { value, grads } = tf.variableGrads(
        () =>
          gradientPenalty(tf, { scores: judge(parameters), real: tf.concat(reals), fake: tf.concat(fakes), shares }),
        [...parameters.variables],
      );
      return {
        value: numberOf(value),
        gradient: unpacked(
          parameters,
          parameters.variables.map((each) => grads[each.name] ?? tf.zerosLike(each)),
        ),
      };
    };
    const single = [of([fake], [real], [0.2]), of([other], [fake], [0.9]), of([real], [other], [0.5])];
    const batch = of([fake, other, real], [real, fake, other], [0.2, 0.9, 0.5]);
    expect(batch.value).toBeCloseTo(single.reduce((sum, { value }) => sum + value, 0) / 3, 2);
    const mean = new Map(
      [...batch.gradient].map(([name, { shape, data }]) => {
        const values = data.map(
          (_, i) => single.reduce((sum, each) => sum + (each.gradient.get(name)?.data[i] ?? NaN), 0) / 3,
        );
        return [name, { shape, data: values }];
      }),
    );
    compareTensors(batch.gradient, mean, 1e-5);
  });
});

describe('two steps', () => {
  it('are those of the released code', async () => {
    const steps = 'blur2blur-train-step';
    const { steps: expected } = JSON.parse(await readFile(fixture(`${steps}/config.json`), 'utf8')) as {
      steps: { alpha: number; D_fake: number; D_real: number; D: number; G_GAN: number; G_Perc: number; G: number }[];
    };
    const [unknown, known] = [await picture('realA_full'), await picture('real_full')];
    using generatorParameters = new Parameters(tf, await checkpoint('blur2blur-g/weights.pth'));
    using discriminatorParameters = new Parameters(tf, discriminatorWeights);
    const adam = { betas: [0.5, 0.999], average: 0 } as const;
    using ofGenerator = new Adam(tf, generatorParameters, adam);
    using ofDiscriminator = new Adam(tf, discriminatorParameters, adam);
    using reconstruction = combineLosses(tf, [{ kind: 'perceptual', weight: 0.8 }], {
      weights: await checkpoint(`${folder}/vgg16_tiny.pth`),
    });
    const generator = mimoUnet({ baseChannels: 4 });
    const translated = (index: number) =>
      nchw(
        tensorIn(
          tf,
          generator.forward(ops, generatorParameters, [valueOf(unknown, channelsLast)])[index]!,
          channelsLast,
        ),
      );

    for (const [i, step] of expected.entries()) {
      const { losses, gradients }: { losses: StepLosses; gradients: tfjs.Tensor[] } = adversarialStep(
        { generator, generatorParameters, discriminator, discriminatorParameters, sees: 'picture' },
        { unknown, known, shares: [step.alpha] },
        {
          ...{ tf, ops, reconstruction, scaleWeights: [1, 1, 1], adversarialWeight: 1, penaltyWeight: 1e-4 },
          ...{ share: 1, topKOf: 'patches', temporalWeight: 0 },
          updateDiscriminator: (found) => {
            if (i === 0) officialGradients(discriminatorParameters, found, discriminatorGradients, 1e-5);
            ofDiscriminator.update(found, 2e-4);
          },
        },
      );
      if (i === 0) {
        officialGradients(generatorParameters, gradients, await checkpoint(`${steps}/G_grads_step1.pth`), ofKinks);
        compareTensors(snapshot(discriminatorParameters), await checkpoint(`${steps}/D_after1.pth`), 1e-6);
      }
      ofGenerator.update(gradients, 2e-4);
      tf.dispose(gradients);
      const found = {
        ...{ D_fake: losses.discriminatorFake, D_real: losses.discriminatorReal, D: losses.discriminator },
        ...{ G_GAN: losses.adversarial, G_Perc: losses.reconstruction, G: losses.generator },
      };
      for (const [name, value] of Object.entries(found)) {
        const official = step[name as keyof typeof found];
        expect(Math.abs(value / official - 1), `step ${i + 1} ${name}`).toBeLessThan(1e-5);
      }
      if (i === 0) {
        expect(maxDifference(translated(1), await readNpy(`${steps}/fake_half_after1.npy`))).toBeLessThan(afterKinks);
      }
    }
    // Adam turns rounding where the gradient is nearly zero into whole steps.
    expect(maxDifference(translated(0), await readNpy(`${steps}/fake_full_after2.npy`))).toBeLessThan(2e-3);
  });
});

const discriminatorGradients = await checkpoint('blur2blur-train-step/D_grads_step1.pth');

function officialGradients(
  parameters: Parameters,
  found: readonly tfjs.Tensor[],
  official: Tensors,
  tolerance: number,
) {
  compareTensors(unpacked(parameters, found), official, tolerance);
}

function snapshot(parameters: Parameters): Tensors {
  const flat = parameters.flat();
  const tensors = parameters.unpack(flat);
  flat.dispose();
  return tensors;
}
