import { describe, expect, it } from 'vitest';
import { tileMotion } from '../../../src/models/tile-motion.js';
import type { Ops } from '../../../src/models/ops.js';
import { Random } from '../../../src/train/random.js';
import { interpreters, type Picture } from './interpreters.js';

const [height, width] = [72, 104];

/** A texture of details of 8 pixels and more, seen from another place. */
function texture(dx: number, dy: number): Picture {
  const random = new Random(4);
  const waves = Array.from({ length: 40 }, () => [0, 1, 2].map(() => random.between(-0.6, 0.6)));
  const data = Float32Array.from({ length: height * width }, (_, i) => {
    const [x, y] = [(i % width) + dx, Math.floor(i / width) + dy];
    return 0.5 + 0.03 * waves.reduce((sum, [u = 0, v = 0, phase = 0]) => sum + Math.sin(u * x + v * y + 9 * phase), 0);
  });
  return { shape: [1, 1, height, width], data };
}

describe('the motion of tiles', () => {
  it.each(interpreters)('is told to a fraction of a pixel on $name', async (interpreter) => {
    const errors: number[] = [];
    for (const [dx, dy] of [
      [0, 0],
      [1.3, -0.6],
      [-7.25, 4.5],
      [9, 10],
    ] as const) {
      const inputs = [texture(0, 0), texture(-dx, -dy)];
      const [vectors, firmness] = await interpreter.run(
        new Map(),
        inputs,
        <T>(ops: Ops<T>, _: unknown, [frame, other]: readonly T[]) => {
          return tileMotion(ops, frame!, [other!]).flatMap(({ vectors, firmness }) => [vectors, firmness]);
        },
      );
      expect(vectors?.shape).toEqual([12, 2]);
      expect(firmness?.shape).toEqual([12, 3]);
      // Those at the right and the bottom lie partly outside, and see things come in.
      for (const tile of [0, 1, 4, 5]) {
        const [ex, ey] = [vectors!.data[2 * tile]! - dx, vectors!.data[2 * tile + 1]! - dy];
        errors.push(Math.hypot(ex, ey));
      }
      expect(interpreter.live()).toBe(0);
    }
    expect(Math.max(...errors)).toBeLessThan(0.4);
    expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeLessThan(0.16);
  });

  it.each(interpreters)('is none where there is nothing to see, and that is told, on $name', async (interpreter) => {
    const flat = { shape: [1, 1, 32, 32], data: new Float32Array(1024).fill(0.3) };
    const [vectors, firmness] = await interpreter.run(
      new Map(),
      [flat, flat],
      <T>(ops: Ops<T>, _: unknown, [frame, other]: readonly T[]) => {
        return tileMotion(ops, frame!, [other!]).flatMap(({ vectors, firmness }) => [vectors, firmness]);
      },
    );
    expect(Math.hypot(...vectors!.data)).toBeLessThan(0.1);
    for (const value of firmness!.data) expect(value).toBeLessThan(-5);
  });
});
