import { describe, expect, it } from 'vitest';
import { pyramidOf } from '../../src/metrics/patch-search.js';
import { GridSampler, motionGrid } from '../../src/temporal/motion-grid.js';
import { Places } from '../../src/temporal/places.js';
import { PlaneMover } from '../../src/temporal/plane-mover.js';
import { picture, scene } from '../support/waves.js';

const pyramid = (width: number, height: number, at: (x: number, y: number) => number) =>
  pyramidOf(picture(width, height, at));

describe('places between knots', () => {
  it('lie between two of them, or at an end', () => {
    const { before, after, part } = new Places([2, 4, 8], [0, 2, 3, 4, 7, 8, 9]);
    expect([...before]).toEqual([0, 0, 0, 1, 1, 2, 2]);
    expect([...after]).toEqual([1, 1, 1, 2, 2, 2, 2]);
    expect([...part]).toEqual([0, 0, 0.5, 0, 0.75, 0, 0]);
  });

  it('may have one knot alone', () => {
    const { before, after, part } = new Places([3], [1, 5]);
    expect([[...before], [...after], [...part]]).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });
});

describe('a motion grid', () => {
  it.each([
    [0, 0],
    [0.4, -0.3],
    [3.5, 2],
    [-11, 6.5],
  ])('finds a shift by (%f, %f)', (u, v) => {
    const grid = motionGrid(
      pyramid(165, 99, scene),
      pyramid(165, 99, (x, y) => scene(x - u, y - v)),
    );
    const [columns, rows] = [grid.x.length, grid.y.length];
    // The last patches end with the picture.
    expect([columns, rows, grid.x[columns - 1], grid.y[rows - 1]]).toEqual([21, 13, 160.5, 94.5]);
    let [sum, count] = [0, 0];
    for (let r = 2; r < rows - 2; r += 1) {
      for (let c = 2; c < columns - 2; c += 1) {
        sum += Math.hypot(grid.u[r * columns + c]! - u, grid.v[r * columns + c]! - v);
        count += 1;
      }
    }
    expect(sum / count).toBeLessThan(0.1);
  });

  it('takes pictures smaller than a patch', () => {
    expect(motionGrid(pyramid(3, 2, scene), pyramid(3, 2, scene))).toMatchObject({ x: [1], y: [0.5] });
  });

  it('tells the motion between its patches', () => {
    const grid = { x: [0, 8], y: [0, 8], u: Float32Array.of(0, 4, 8, 12), v: Float32Array.of(1, 1, 3, 3) };
    const sampler = new GridSampler(grid, [-5, 2, 8], [4, 20]);
    const at = (c: number, r: number) => {
      sampler.take(c, r);
      return [sampler.u, sampler.v];
    };
    expect([at(0, 0), at(1, 0), at(2, 1)]).toEqual([
      [4, 2],
      [5, 2],
      [12, 3],
    ]);
  });
});

describe('a plane mover', () => {
  const [width, height] = [22, 13];
  const parabola = (x: number, y: number) => 20 + 0.31 * x * x + 0.4 * y * y - 0.2 * x * y;
  const plane = (at: (x: number, y: number) => number) =>
    Uint16Array.from({ length: width * height }, (_, i) => Math.round(16 * at(i % width, Math.floor(i / width))));

  it('gives back the samples themselves where whole steps are made, and the border outside', () => {
    const source = plane(parabola);
    const mover = new PlaneMover(width, height, 8, 8);
    for (let r = 0; r < 2; r += 1) for (let c = 0; c < 3; c += 1) mover.move(source, c, r, 3, -2);
    const expected = Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [Math.min((i % width) + 3, width - 1), Math.max(Math.floor(i / width) - 2, 0)];
      return source[y * width + x];
    });
    expect([...mover.moved]).toEqual(expected);
  });

  it('follows a parabola between the samples', () => {
    const source = plane(parabola);
    const mover = new PlaneMover(width, height, 8, 8);
    const [dx, dy] = [1.25, -0.5];
    mover.move(source, 1, 0, dx, dy);
    for (let y = 3; y < 8; y += 1) {
      for (let x = 8; x < 16; x += 1) {
        expect(Math.abs(mover.moved[y * width + x]! / 16 - parabola(x + dx, y + dy))).toBeLessThan(0.1);
      }
    }
    // No other cell was written to.
    expect(mover.moved[0]).toBe(0);
    expect(mover.moved[16]).toBe(0);
  });
});
