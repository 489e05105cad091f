import { describe, expect, it } from 'vitest';
import { judge } from '../../src/pipeline/guard.js';

const cells = 48;
const ramp = Float32Array.from({ length: cells }, (_, i) => 0.2 + (0.6 * i) / cells);
const textured = new Float32Array(cells).fill(0.05);

function health(resultMean: Float32Array, resultFlat = textured, sourceMean = ramp, sourceFlat = textured) {
  return judge({ cell: 16, sourceMean, resultMean, sourceFlat, resultFlat });
}

describe('guard', () => {
  it('lets a sharpened picture pass', () => {
    expect(health(ramp.map((v, i) => v + (i % 2 ? 0.03 : -0.03)))).toBeUndefined();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('finds %f in a single cell', (value) => {
    const broken = ramp.slice();
    broken[7] = value;
    expect(health(broken)).toBe('nan');
  });

  it('finds an all-black result, but not of a black source', () => {
    const black = new Float32Array(cells);
    expect(health(black)).toBe('black');
    expect(health(black, textured, black)).toBeUndefined();
  });

  it('finds cells that hold other light than the source', () => {
    expect(health(ramp.slice().reverse())).toBe('mosaic');
  });

  it('finds a pixelated result whose means are right, but not in a flat source', () => {
    const flat = new Float32Array(cells).fill(0.9);
    expect(health(ramp, flat)).toBe('mosaic');
    expect(health(ramp, flat, ramp, flat)).toBeUndefined();
  });
});
