import { describe, expect, it } from 'vitest';
import { matchingKernel, matchingSize } from '../../../src/train/blur2blur/spectrum.js';
import { Random } from '../../../src/train/random.js';
import { soften } from '../../../src/train/synthesis/lens.js';
import { testBackend } from '../../support/tensorflow.js';

const { tf } = await testBackend();
const [batch, crop] = [4, 32];

/** Grey pictures of blocks at random: edges in all places, and a spectrum that falls. */
function pictures(count: number, random: Random, deviation: number): Float32Array[] {
  return Array.from({ length: count }, () => {
    const data = new Float32Array(batch * crop * crop * 3);
    for (let n = 0; n < batch; n += 1) {
      const picture = data.subarray(n * crop * crop * 3, (n + 1) * crop * crop * 3);
      for (let k = 0; k < 40; k += 1) {
        const [x, y, w, h] = [random.below(crop), random.below(crop), 2 + random.below(12), 2 + random.below(12)];
        const value = random.unit();
        for (let v = y; v < Math.min(crop, y + h); v += 1) {
          picture.fill(value, 3 * (v * crop + x), 3 * (v * crop + Math.min(crop, x + w)));
        }
      }
      soften(picture, { width: crop, height: crop }, deviation);
    }
    return data;
  });
}

function gainAt(kernel: Float32Array, frequency: number): number {
  const half = (matchingSize - 1) / 2;
  let sum = 0;
  kernel.forEach((value, i) => (sum += value * Math.cos(2 * Math.PI * frequency * ((i % matchingSize) - half))));
  return sum;
}

describe('the kernel that matches spectra', () => {
  it('undoes a soft lens that only one kind of pictures has, without pairs', () => {
    const before = tf.memory().numTensors;
    const unknown = pictures(60, new Random(1), 1);
    const known = pictures(60, new Random(2), 0.5);
    const kernel = matchingKernel(tf, { batch, crop, unknown, known });
    expect(kernel.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    // Gaussians of deviations 1 and 0.5: exp(2π²f²(1 - 0.25)).
    for (const frequency of [0.15, 0.2, 0.25]) {
      const wanted = Math.exp(2 * Math.PI ** 2 * frequency ** 2 * 0.75);
      expect(gainAt(kernel, frequency) / wanted).toBeGreaterThan(0.75);
      expect(gainAt(kernel, frequency) / wanted).toBeLessThan(1.25);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is a copy where both kinds are alike', () => {
    const kernel = matchingKernel(tf, {
      ...{ batch, crop },
      unknown: pictures(60, new Random(3), 0.7),
      known: pictures(60, new Random(4), 0.7),
    });
    for (const frequency of [0.1, 0.2, 0.3, 0.4]) {
      expect(gainAt(kernel, frequency)).toBeGreaterThan(0.85);
      expect(gainAt(kernel, frequency)).toBeLessThan(1.2);
    }
  });
});
