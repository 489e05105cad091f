import { expect, it } from 'vitest';
import { laplacianVariance } from '../../src/metrics/sharpness.js';

const whole = { left: 0, top: 0, width: 4, height: 3, stride: 4 };

it('is the variance of the Laplacian over the inner samples', () => {
  // Laplacians of the two inner samples: 4·8 - 0 = 32 and 0 - 8 = -8; their variance is 20².
  expect(laplacianVariance([0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0], whole)).toBe(400);
});

it('is 0 for an even picture and for a slope', () => {
  expect(laplacianVariance(new Uint8Array(12).fill(9), whole)).toBe(0);
  expect(laplacianVariance([0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5], whole)).toBe(0);
});
