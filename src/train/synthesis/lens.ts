import type { FrameSize } from './virtual-camera.js';

/** Deviations of the kernel to each side. */
const reach = 3;

/**
 * Softens a picture as a lens out of focus does: a Gaussian, whose borders are repeated.
 *
 * @param light interleaved linear RGB, overwritten.
 * @param deviation of the Gaussian in pixels.
 */
export function soften(light: Float32Array, { width, height }: FrameSize, deviation: number): void {
  if (deviation <= 0) return;
  const kernel = gaussian(deviation);
  const between = new Float32Array(light.length);
  filterAlong(light, between, { lines: height, size: width, lineStride: 3 * width, stride: 3 }, kernel);
  filterAlong(between, light, { lines: width, size: height, lineStride: 3, stride: 3 * width }, kernel);
}

/** Where the samples of lines lie: lines of `size` pixels, `stride` numbers from pixel to pixel. */
interface Lines {
  readonly lines: number;
  readonly size: number;
  readonly lineStride: number;
  readonly stride: number;
}

function filterAlong(
  source: Float32Array,
  target: Float32Array,
  { lines, size, lineStride, stride }: Lines,
  kernel: Float32Array,
): void {
  const half = (kernel.length - 1) / 2;
  for (let line = 0; line < lines; line += 1) {
    const first = line * lineStride;
    for (let i = 0; i < size; i += 1) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = -half; k <= half; k += 1) {
        const at = first + stride * Math.min(size - 1, Math.max(0, i + k));
        const weight = kernel[k + half]!;
        r += weight * source[at]!;
        g += weight * source[at + 1]!;
        b += weight * source[at + 2]!;
      }
      const to = first + stride * i;
      target[to] = r;
      target[to + 1] = g;
      target[to + 2] = b;
    }
  }
}

function gaussian(deviation: number): Float32Array {
  const half = Math.ceil(reach * deviation);
  const kernel = Float32Array.from({ length: 2 * half + 1 }, (_, i) => Math.exp(-0.5 * ((i - half) / deviation) ** 2));
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}
