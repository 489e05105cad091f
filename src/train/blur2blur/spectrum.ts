import type * as tfjs from '@tensorflow/tfjs';
import { lumaOfRgb } from '../../models/frame-bands.js';
import type { Tfjs } from '../../runtime/tensorflow/tensor.js';

/** Side of a kernel that {@link matchingKernel} gives. */
export const matchingSize = 15;

/** Crops of two kinds of pictures, each `[batch, crop, crop, 3]`, RGB in [0, 1]. */
export interface SpectrumSamples {
  readonly batch: number;
  readonly crop: number;
  readonly unknown: readonly Float32Array[];
  readonly known: readonly Float32Array[];
}

/** Least and greatest natural logarithm of what a frequency is multiplied by: noise is not raised without end. */
const [least, most] = [-0.5, 1.6];
/** Frequencies, in cycles per crop, that are to stay as they are in the mean: kinds of pictures differ in contrast, too. */
const unchanged = [1, 2, 3] as const;
/** Keeps the logarithm of an empty frequency finite. */
const tiny = 1e-8;

/**
 * The linear filter that gives pictures with unknown blur the mean spectrum of pictures with known blur. What pictures
 * show cancels out in the mean of many; what stays is what the two blurs do to each frequency. Directions are averaged,
 * so the filter is alike in all of them. No pairs are needed, and nothing is learnt.
 *
 * @returns a kernel of {@link matchingSize}² taps, row by row, whose sum is 1.
 */
export function matchingKernel(tf: Tfjs, { batch, crop, unknown, known }: SpectrumSamples): Float32Array {
  const [ofUnknown, ofKnown] = [unknown, known].map((pictures) => logSpectrum(tf, pictures, batch, crop));
  const radius = (u: number, v: number) => Math.round(Math.hypot(Math.min(u, crop - u), Math.min(v, crop - v)));
  const longest = radius(crop >> 1, crop >> 1);
  const sums = Array.from({ length: longest + 1 }, () => ({ sum: 0, count: 0 }));
  for (let u = 0; u < crop; u += 1) {
    for (let v = 0; v < crop; v += 1) {
      const ring = sums[radius(u, v)];
      if (!ring) continue;
      // Half of it: of amplitudes, not of powers.
      ring.sum += 0.5 * ((ofKnown?.[u * crop + v] ?? 0) - (ofUnknown?.[u * crop + v] ?? 0));
      ring.count += 1;
    }
  }
  const raw = sums.map(({ sum, count }) => sum / Math.max(1, count));
  const smooth = raw.map((value, i) => 0.25 * (raw[i - 1] ?? value) + 0.5 * value + 0.25 * (raw[i + 1] ?? value));
  const level = unchanged.reduce((sum, i) => sum + (smooth[i] ?? 0), 0) / unchanged.length;
  const gains = smooth.map((value, i) => (i === 0 ? 1 : Math.exp(Math.min(most, Math.max(least, value - level)))));
  return kernelOf((u, v) => gains[radius(u, v)] ?? 1, crop);
}

/** The mean over all pictures of the logarithm of the luma's power spectrum, `crop × crop`. */
function logSpectrum(tf: Tfjs, pictures: readonly Float32Array[], batch: number, crop: number): Float32Array {
  const mean = tf.tidy(() => {
    const angles = Float32Array.from({ length: crop * crop }, (_, i) => {
      return (2 * Math.PI * ((Math.floor(i / crop) * (i % crop)) % crop)) / crop;
    });
    const [cosines, sines] = [
      tf.tensor2d(angles.map(Math.cos), [crop, crop]),
      tf.tensor2d(angles.map(Math.sin), [crop, crop]),
    ];
    const hann = Float32Array.from({ length: crop }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / crop));
    const taper = tf.outerProduct(tf.tensor1d(hann), tf.tensor1d(hann));
    const times = (x: tfjs.Tensor, matrix: tfjs.Tensor2D) =>
      tf.reshape(tf.matMul(tf.reshape<tfjs.Rank.R2>(x, [-1, crop]), matrix), [batch, crop, crop]);
    const spectra = pictures.map((data) =>
      tf.tidy(() => {
        const luma = tf.sum(tf.mul(tf.tensor4d(data, [batch, crop, crop, 3]), [...lumaOfRgb]), 3);
        const tapered = tf.mul(tf.sub(luma, tf.mean(luma, [1, 2], true)), taper);
        const [c, s] = [cosines, sines].map((matrix) => tf.transpose(times(tapered, matrix), [0, 2, 1]));
        if (!c || !s) throw new TypeError('there are two parts');
        const real = tf.sub(times(c, cosines), times(s, sines));
        const imaginary = tf.add(times(c, sines), times(s, cosines));
        return tf.mean(tf.log(tf.add(tf.add(tf.square(real), tf.square(imaginary)), tiny)), 0);
      }),
    );
    return tf.mul(tf.addN(spectra), 1 / pictures.length);
  });
  const values = mean.dataSync<'float32'>();
  mean.dispose();
  return values;
}

/** The middle of the kernel whose transform is real and given. */
function kernelOf(gain: (u: number, v: number) => number, crop: number): Float32Array {
  const half = (matchingSize - 1) / 2;
  const cosine = Float64Array.from({ length: crop }, (_, i) => Math.cos((2 * Math.PI * i) / crop));
  const kernel = Float32Array.from({ length: matchingSize ** 2 }, (_, i) => {
    const [y, x] = [Math.floor(i / matchingSize) - half, (i % matchingSize) - half];
    let sum = 0;
    for (let u = 0; u < crop; u += 1) {
      for (let v = 0; v < crop; v += 1) sum += gain(u, v) * cosine[(((u * y + v * x) % crop) + crop) % crop]!;
    }
    return sum;
  });
  const sum = kernel.reduce((total, value) => total + value, 0);
  return kernel.map((value) => value / sum);
}
