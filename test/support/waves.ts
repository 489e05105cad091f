import type { Gray } from '../../src/metrics/gray.js';

/** A wave of a length in pixels that goes in a direction, from -1 to 1. */
export function wave(x: number, y: number, length: number, angle: number): number {
  return Math.sin((2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle))) / length);
}

/** A scene with structure at several scales, everywhere defined, in codes from 0 to 255. */
export function scene(x: number, y: number): number {
  return (
    128 + 30 * wave(x, y, 37, 0.3) + 25 * wave(x, y, 23, 1.9) + 20 * wave(x, y, 11, 1.1) + 15 * wave(x, y, 71, 2.6)
  );
}

/** What is at each of a picture's places. */
export function picture(width: number, height: number, at: (x: number, y: number) => number): Gray {
  return {
    width,
    height,
    data: Float32Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width))),
  };
}
