import { expect, it } from 'vitest';
import { soften } from '../../../src/train/synthesis/lens.js';

const size = { width: 31, height: 25 };

function point(x: number, y: number): Float32Array {
  const light = new Float32Array(size.width * size.height * 3);
  light.fill(1, 3 * (y * size.width + x), 3 * (y * size.width + x) + 3);
  return light;
}

it('spreads a point over a Gaussian of the deviation asked for, and keeps its light', () => {
  const deviation = 1.7;
  const light = point(15, 12);
  soften(light, size, deviation);
  let [sum, across, down] = [0, 0, 0];
  for (let y = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1) {
      const value = light[3 * (y * size.width + x) + 1] ?? NaN;
      sum += value;
      across += value * (x - 15) ** 2;
      down += value * (y - 12) ** 2;
    }
  }
  expect(sum).toBeCloseTo(1, 5);
  expect(Math.sqrt(across)).toBeCloseTo(deviation, 1);
  expect(Math.sqrt(down)).toBeCloseTo(deviation, 1);
});

it('leaves an even picture as it is, to its border', () => {
  const light = new Float32Array(size.width * size.height * 3).fill(0.25);
  soften(light, size, 2);
  for (const value of light) expect(value).toBeCloseTo(0.25, 6);
});

it('does nothing in focus', () => {
  const light = point(3, 3);
  soften(light, size, 0);
  expect(light).toEqual(point(3, 3));
});
