import { readFile } from 'node:fs/promises';
import type * as tfjs from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Network } from '../../src/models/network.js';
import { readPth } from '../../src/models/weights/pth.js';
import { openBackend } from '../../src/runtime/tensorflow/backend.js';
import { TensorflowOps } from '../../src/runtime/tensorflow/tf-ops.js';
import { differentiate } from '../../src/train/gradients.js';
import { combineLosses, lossKinds, type Loss, type LossKind, type LossTerm } from '../../src/train/losses.js';
import { Parameters } from '../../src/train/parameters.js';
import { Random } from '../../src/train/random.js';
import { fixture, maxDifference, readNpy, type Picture } from '../runtime/parity/interpreters.js';

const { tf } = await openBackend('tensorflow');
const folder = 'blur2blur-losses';

async function vgg(depth: 16 | 19) {
  const file = `vgg${depth}_tiny.pth`;
  return { depth, weights: readPth(await readFile(fixture(`${folder}/${file}`)), file) };
}

/** A picture of the fixtures, NCHW, as the losses take it. */
function nhwc({ shape, data }: Picture): tfjs.Tensor4D {
  return tf.transpose(tf.tensor4d(data, [...shape] as [number, number, number, number]), [0, 2, 3, 1]);
}

/** Value of a loss and its gradient with regard to the prediction, NCHW. */
function differentiated(loss: Loss, prediction: Picture, target: Picture): { value: number; gradient: Picture } {
  return tf.tidy(() => {
    const truth = nhwc(target);
    const { value, grad } = tf.valueAndGrad((x: tfjs.Tensor) => loss(x as tfjs.Tensor4D, truth))(nhwc(prediction));
    const gradient = tf.transpose(grad, [0, 3, 1, 2]);
    return {
      value: value.dataSync()[0] ?? NaN,
      gradient: { shape: gradient.shape, data: Float32Array.from(gradient.dataSync()) },
    };
  });
}

/** The largest absolute difference, as a part of the largest value. */
function relativeDifference(found: Picture, official: Picture): number {
  return maxDifference(found, official) / official.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

function single(kind: LossKind): Loss {
  const loss = combineLosses(tf, [{ kind }]);
  return (a, b, input) => loss(a, b, input).total;
}

/** A loss that is told the input of the prediction. */
function told(loss: Loss, input: Picture): Loss {
  return (a, b) => loss(a, b, nhwc(input));
}

function random(shape: readonly number[], seed: number): Picture {
  const draw = new Random(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => draw.unit());
  return { shape, data };
}

function scaled({ shape, data }: Picture, factor: number): Picture {
  return { shape, data: data.map((value) => value * factor) };
}

/** The mean of the 2×2 pixels in the middle of each cell: bilinear interpolation to a half and to a quarter. */
function shrunk({ shape, data }: Picture, factor: 2 | 4): Picture {
  const [n = 1, channels = 0, height = 0, width = 0] = shape;
  const [rows, columns] = [height / factor, width / factor];
  const first = factor / 2 - 1;
  const small = Float32Array.from({ length: n * channels * rows * columns }, (_, i) => {
    const [row, x] = [Math.floor(i / columns), i % columns];
    const [plane, y] = [Math.floor(row / rows), row % rows];
    const corner = (plane * height + y * factor + first) * width + x * factor + first;
    return [0, 1, width, width + 1].reduce((sum, step) => sum + (data[corner + step] ?? NaN) / 4, 0);
  });
  return { shape: [n, channels, rows, columns], data: small };
}

describe('losses', () => {
  it("gives NAFNet's PSNR loss", async () => {
    const [prediction, target] = [
      await readNpy(`${folder}/psnrloss_pred.npy`),
      await readNpy(`${folder}/psnrloss_target.npy`),
    ];
    const { value, gradient } = differentiated(single('psnr'), prediction, target);
    expect(value).toBeCloseTo(-9.739561080932617, 5);
    expect(relativeDifference(gradient, await readNpy(`${folder}/grad_psnrloss.npy`))).toBeLessThan(1e-4);
  });

  it("gives MIMO-UNet's loss over three scales", async () => {
    const scales = ['full', 'half', 'quarter'];
    const pictures = await Promise.all(scales.map((scale) => readNpy(`${folder}/fake_${scale}.npy`)));
    const target = await readNpy(`${folder}/realA_full.npy`);
    // A network whose parameters are its outputs.
    const network: Network = {
      name: 'pictures',
      sizes: { multiple: 1, padding: 'reflect', placement: 'bottom-right' },
      window: { past: 0, future: 0 },
      reach: 0,
      overlap: 0,
      forward: (_, weights) => scales.map((scale, i) => weights.get(scale, pictures[i]?.shape ?? [])),
    };
    using parameters = new Parameters(tf, new Map(scales.map((scale, i) => [scale, pictures[i] ?? target])));
    using loss = combineLosses(tf, [{ kind: 'l1' }, { kind: 'fft', weight: 0.1 }]);
    const batch = { batch: 1, crop: 128, blur: [], sharp: [tf.tidy(() => Float32Array.from(nhwc(target).dataSync()))] };
    const settings = { tf, ops: new TensorflowOps(tf), clip: 1 };
    const { total, parts, gradients } = differentiate(network, parameters, loss, batch, settings);
    expect(total).toBeCloseTo(2.3432607650756836, 5);
    expect(parts.map(([name]) => name)).toEqual(['l1', 'fft']);
    expect(parts[0]?.[1]).toBeCloseTo(0.7118053436279297, 5);
    expect(parts[1]?.[1]).toBeCloseTo(16.314552307128906, 4);
    for (const [i, scale] of scales.entries()) {
      const gradient = gradients[i];
      if (scale === 'full' || !gradient) continue;
      const plain = tf.tidy(() => tf.transpose(gradient, [3, 2, 0, 1]));
      const found = { shape: plain.shape, data: Float32Array.from(plain.dataSync()) };
      plain.dispose();
      const official = await readNpy(`${folder}/grad_mimo_loss_${scale}.npy`);
      expect(relativeDifference(found, official)).toBeLessThan(1e-4);
    }
    tf.dispose([...gradients]);
  });

  it("gives Blur2Blur's perceptual loss on VGG16", async () => {
    using loss = combineLosses(tf, [{ kind: 'perceptual', weight: 0.8 }], await vgg(16));
    const target = await readNpy(`${folder}/realA_full.npy`);
    const [quarter, half, full] = [0.19917044043540955, 0.3038754165172577, 0.29048073291778564];
    const cases = [
      ['quarter', shrunk(target, 4), quarter],
      ['half', shrunk(target, 2), half],
      ['full', target, full],
    ] as const;
    for (const [scale, truth, expected] of cases) {
      const prediction = await readNpy(`${folder}/fake_${scale}.npy`);
      const { value, gradient } = differentiated((a, b) => loss(a, b).total, prediction, truth);
      expect(value).toBeCloseTo(0.8 * expected, 5);
      if (scale === 'full') continue;
      expect(relativeDifference(gradient, await readNpy(`${folder}/grad_vgg_${scale}.npy`))).toBeLessThan(1e-4);
    }
  });

  it('gives the perceptual loss on VGG19', async () => {
    using loss = combineLosses(tf, [{ kind: 'perceptual' }], await vgg(19));
    const target = shrunk(await readNpy(`${folder}/realA_full.npy`), 2);
    const prediction = await readNpy(`${folder}/fake_half.npy`);
    const { value, gradient } = differentiated((a, b) => loss(a, b).total, prediction, target);
    expect(value).toBeCloseTo(0.09889813512563705, 5);
    expect(relativeDifference(gradient, await readNpy(`${folder}/grad_vgg19_half.npy`))).toBeLessThan(1e-4);
  });

  it('refuses weights that are not those of the VGG', async () => {
    const { weights } = await vgg(16);
    const some = new Map([...weights].filter(([name]) => name !== 'features.7.bias'));
    expect(() => combineLosses(tf, [{ kind: 'perceptual' }], { weights: some })).toThrow(/has no features\.7\.bias/);
  });

  it('computes differences by their formulas', () => {
    const [a, b] = [random([2, 3, 4, 6], 1), random([2, 3, 4, 6], 2)];
    const differences = a.data.map((value, i) => value - (b.data[i] ?? NaN));
    const mean = (values: Iterable<number>) => [...values].reduce((x, y) => x + y, 0) / [...values].length;
    const squares = differences.map((d) => d * d);
    const colours = Array.from({ length: 48 }, (_, i) => {
      const [n, pixel] = [Math.floor(i / 24), i % 24];
      return Math.sqrt(mean([0, 1, 2].map((c) => squares[n * 72 + c * 24 + pixel] ?? NaN)) + 1e-6);
    });
    const value = (kind: LossKind) => differentiated(single(kind), a, b).value;
    expect(value('l1')).toBeCloseTo(mean(differences.map(Math.abs)), 6);
    expect(value('l2')).toBeCloseTo(mean(squares), 6);
    expect(value('charbonnier')).toBeCloseTo(mean(squares.map((d) => Math.sqrt(d + 1e-6))), 6);
    expect(value('charbonnier-color')).toBeCloseTo(mean(colours), 6);
  });

  it('counts decibels that are lost against the input, and a loss more than a gain', () => {
    const shape = [2, 3, 4, 6];
    const target = { shape, data: new Float32Array(144) };
    const flat = (values: readonly number[]) => ({
      shape,
      data: Float32Array.from({ length: 144 }, (_, i) => values[Math.floor(i / 72)] ?? NaN),
    });
    const value = (prediction: readonly number[], input: readonly number[], harm?: number) => {
      const loss = combineLosses(tf, [{ kind: 'gain', harm }]);
      return differentiated(
        told((...pictures) => loss(...pictures).total, flat(input)),
        flat(prediction),
        target,
      ).value;
    };
    // Half the error is a gain of 20·log10(2) decibels; twice the error is a loss of as many.
    const decibels = 20 * Math.log10(2);
    expect(value([0.1, 0.1], [0.2, 0.2])).toBeCloseTo(-decibels, 2);
    expect(value([0.2, 0.2], [0.1, 0.1])).toBeCloseTo(10 * decibels, 2);
    expect(value([0.1, 0.2], [0.2, 0.1], 4)).toBeCloseTo((4 * decibels - decibels) / 2, 2);
    // An error that no 8-bit picture shows is none.
    expect(value([1e-4, 1e-4], [0, 0])).toBeLessThan(0.5);
    expect(() => differentiated(single('gain'), flat([0, 0]), target)).toThrow(/told against an input/);
  });

  it('takes the Fourier transform of pictures of any size', () => {
    const [height, width] = [3, 5];
    const [a, b] = [random([1, 1, height, width], 3), random([1, 1, height, width], 4)];
    let sum = 0;
    for (let v = 0; v < height; v += 1) {
      for (let u = 0; u < width; u += 1) {
        let [real, imaginary] = [0, 0];
        a.data.forEach((value, i) => {
          const angle = 2 * Math.PI * ((v * Math.floor(i / width)) / height + (u * (i % width)) / width);
          real += (value - (b.data[i] ?? NaN)) * Math.cos(angle);
          imaginary -= (value - (b.data[i] ?? NaN)) * Math.sin(angle);
        });
        sum += Math.abs(real) + Math.abs(imaginary);
      }
    }
    expect(differentiated(single('fft'), a, b).value).toBeCloseTo(sum / (2 * height * width), 5);
  });

  it.each(lossKinds.filter((kind) => kind !== 'perceptual'))('%s has the gradient of finite differences', (kind) => {
    const [a, b] = [random([2, 3, 4, 6], 5), random([2, 3, 4, 6], 6)];
    const loss = told(single(kind), random([2, 3, 4, 6], 10));
    const { gradient } = differentiated(loss, a, b);
    const direction = random(a.shape, 7).data.map((value) => value - 0.5);
    const step = 1e-3;
    const moved = (by: number) => ({
      shape: a.shape,
      data: a.data.map((value, i) => value + by * (direction[i] ?? 0)),
    });
    const slope =
      (differentiated(loss, moved(step), b).value - differentiated(loss, moved(-step), b).value) / (2 * step);
    const expected = gradient.data.reduce((total, value, i) => total + value * (direction[i] ?? 0), 0);
    expect(Math.abs(slope - expected)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected)));
  });

  it('weighs its terms, tells each of them, and keeps no tensors once disposed', async () => {
    const before = tf.memory().numTensors;
    const terms: LossTerm[] = [{ kind: 'l1', weight: 2 }, { kind: 'perceptual', weight: 3 }, { kind: 'l2' }];
    const loss = combineLosses(tf, terms, await vgg(16));
    const [a, b] = [random([1, 3, 32, 32], 8), scaled(random([1, 3, 32, 32], 9), 0.5)];
    const [total = NaN, ...parts] = tf.tidy(() => {
      const result = loss(nhwc(a), nhwc(b));
      return [result.total, ...result.parts].map((scalar) => scalar.dataSync()[0] ?? NaN);
    });
    expect(parts).toHaveLength(3);
    expect(total).toBeCloseTo(2 * (parts[0] ?? 0) + 3 * (parts[1] ?? 0) + (parts[2] ?? 0), 5);
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    loss[Symbol.dispose]();
    expect(tf.memory().numTensors).toBe(before);
  });
});
