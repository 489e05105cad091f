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
  const half = (kernel.length - 1) / 2;
  const along = (source: Float32Array, target: Float32Array, step: 'x' | 'y') => {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        let [r, g, b] = [0, 0, 0];
        for (let k = -half; k <= half; k += 1) {
          const sx = step === 'x' ? Math.min(width - 1, Math.max(0, x + k)) : x;
          const sy = step === 'y' ? Math.min(height - 1, Math.max(0, y + k)) : y;
          const [at, weight] = [3 * (sy * width + sx), kernel[k + half]!];
          r += weight * source[at]!;
          g += weight * source[at + 1]!;
          b += weight * source[at + 2]!;
        }
        target.set([r, g, b], 3 * (y * width + x));
      }
    }
  };
  const between = new Float32Array(light.length);
  along(light, between, 'x');
  along(between, light, 'y');
}

function gaussian(deviation: number): Float32Array {
  const half = Math.ceil(reach * deviation);
  const kernel = Float32Array.from({ length: 2 * half + 1 }, (_, i) => Math.exp(-0.5 * ((i - half) / deviation) ** 2));
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}
