import { describe, expect, it } from 'vitest';
import { estimatePath } from '../../src/models/blur-path.js';
import { lumaFromRgb } from '../../src/models/frame-bands.js';
import { light } from '../../src/models/light.js';
import { within, type Weights } from '../../src/models/ops.js';
import { openBackend } from '../../src/runtime/tensorflow/backend.js';
import { channelsLast, valueOf, type TfValue } from '../../src/runtime/tensorflow/tensor.js';
import { TensorflowOps } from '../../src/runtime/tensorflow/tf-ops.js';
import { Adam } from '../../src/train/adam.js';
import { initialParameters, Parameters } from '../../src/train/parameters.js';
import { Random } from '../../src/train/random.js';
import { reblurLoss } from '../../src/train/reblur-loss.js';

const { tf } = await openBackend('tensorflow');
const ops = new TensorflowOps(tf);
const side = 64;

/** A texture, seen while it goes along a way, some frames later. */
function texture(seed: number, [vx, vy]: readonly [number, number], later = 0): number[] {
  const random = new Random(seed);
  const waves = Array.from({ length: 24 }, () => [0, 1, 2].map(() => random.between(-1.2, 1.2)));
  const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x) / x);
  return Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [(i % side) - later * vx, Math.floor(i / side) - later * vy];
    const sum = waves.reduce(
      (total, [u = 0, v = 0, phase = 0]) => total + sinc((u * vx + v * vy) / 2) * Math.sin(u * x + v * y + 9 * phase),
      0,
    );
    return 0.5 + 0.04 * sum;
  });
}

const ways: readonly (readonly [number, number])[] = [
  [5, 1],
  [-2, 4],
  [0.5, 0],
];

function pictures(values: readonly number[][]): Float32Array {
  return Float32Array.from(values.flatMap((picture) => picture.flatMap((value) => [value, value, value])));
}

describe('the loss of what is blurred again', () => {
  it('teaches a network the paths, without their truth, in either direction', () => {
    const network = light({ width: 8, deepWidth: 8, deep: 1, decoder: 0, path: 8 });
    const all = initialParameters(network, new Random(2));
    const learned = new Map([...all].filter(([name]) => name.startsWith('path.')));
    using parameters = new Parameters(tf, learned);
    using adam = new Adam(tf, parameters, {
      betas: [0.9, 0.99],
      epsilon: 1e-8,
      weightDecay: 0,
      average: 0.9,
      clip: 1,
    });
    const shape: [number, number, number, number] = [ways.length, side, side, 3];
    const value = (data: Float32Array) => valueOf(tf.tensor4d(data, shape), channelsLast);
    const frames = () => [-1, 0, 1].map((later) => value(pictures(ways.map((way, i) => texture(i, way, later)))));
    const lossOf = () => {
      const sharp = value(pictures(ways.map((_, i) => texture(i, [0, 0]))));
      return reblurLoss(tf, ops, network, parameters, { frames: frames(), sharp });
    };
    let first = NaN;
    let last = NaN;
    for (let step = 0; step < 200; step += 1) {
      const { value: loss, grads } = tf.tidy(() => tf.variableGrads(lossOf, [...parameters.variables]));
      last = loss.dataSync()[0] ?? NaN;
      if (step === 0) first = last;
      const gradients = parameters.variables.map(({ name }) => grads[name]!);
      adam.update(gradients, 0.01);
      tf.dispose([loss, ...gradients]);
    }
    expect(last).toBeLessThan(first - 1);
    const [x, y] = tf.tidy(() => {
      const lumas = frames().map((frame) => lumaFromRgb(ops, frame));
      const weights: Weights<TfValue> = within(parameters, 'path.');
      const path = estimatePath(ops, weights, lumas, { width: 8, middle: 1 });
      return [path.x.tensor.dataSync(), path.y.tensor.dataSync()];
    });
    for (const [i, [vx, vy]] of ways.entries()) {
      const error = (sign: number) => Math.hypot(x[i]! - sign * vx, y[i]! - sign * vy);
      expect(Math.min(error(1), error(-1))).toBeLessThan(0.8);
    }
  });

  it('refuses a network that estimates no blur', () => {
    const frame = tf.zeros([1, 8, 8, 3]);
    const value = valueOf(frame, channelsLast);
    const weights: Weights<TfValue> = { get: () => value };
    const refused = () => reblurLoss(tf, ops, light(), weights, { frames: [value], sharp: value });
    expect(refused).toThrow(/light estimates no blur/);
    expect(refused).toThrow(expect.objectContaining({ code: 'USAGE' }));
    frame.dispose();
  });
});
