import { describe, expect, it } from 'vitest';
import { lpipsParameters } from '../../src/models/lpips.js';
import { elements } from '../../src/models/ops.js';
import { PerceptualMeter } from '../../src/train/evaluate/perceptual-meter.js';
import { Random } from '../../src/train/random.js';
import { liveSessions } from '../../src/runtime/onnx/session.js';

/** Weights of AlexNet's sizes, drawn. */
const weights = new Map(
  [...lpipsParameters()].map(([name, shape]) => {
    const draw = new Random(name.length).fork(name);
    const bound = 1 / Math.sqrt(elements(shape.slice(1)));
    const low = name.startsWith('lin') ? 0 : -bound;
    return [
      name,
      { shape, data: Float32Array.from({ length: elements(shape) }, () => draw.between(low, bound)) },
    ] as const;
  }),
);

function noise(width: number, height: number, seed: number) {
  const draw = new Random(seed);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => draw.below(256)) };
}

type Map3 = number[][][];

/** The definition, written down once more in loops. */
function reference(a: ReturnType<typeof noise>, b: ReturnType<typeof noise>): number {
  const features = (picture: ReturnType<typeof noise>): Map3[] => {
    const { width, height, data } = picture;
    const [shift, scale] = [
      [-0.03, -0.088, -0.188],
      [0.458, 0.448, 0.45],
    ];
    let x: Map3 = [0, 1, 2].map((c) =>
      Array.from({ length: height }, (_, y) =>
        Array.from({ length: width }, (_, i) => (data[3 * (y * width + i) + c]! / 127.5 - 1 - shift[c]!) / scale[c]!),
      ),
    );
    return [
      [0, 4, 2],
      [3, 1, 2],
      [6, 1, 1],
      [8, 1, 1],
      [10, 1, 1],
    ].map(([index = 0, stride = 1, padding = 0]) => {
      if (index === 3 || index === 6) x = x.map(pooled);
      const { shape, data: w } = weights.get(`features.${index}.weight`)!;
      const bias = weights.get(`features.${index}.bias`)!.data;
      const [outputs = 0, inputs = 0, kernel = 0] = shape;
      const size = (n: number) => Math.floor((n + 2 * padding - kernel) / stride) + 1;
      x = Array.from({ length: outputs }, (_, o) =>
        Array.from({ length: size(x[0]!.length) }, (_, r) =>
          Array.from({ length: size(x[0]![0]!.length) }, (_, c) => {
            let sum = bias[o]!;
            for (let i = 0; i < inputs; i += 1)
              for (let v = 0; v < kernel; v += 1)
                for (let u = 0; u < kernel; u += 1)
                  sum +=
                    (x[i]![r * stride + v - padding]?.[c * stride + u - padding] ?? 0) *
                    w[((o * inputs + i) * kernel + v) * kernel + u]!;
            return Math.max(0, sum);
          }),
        ),
      );
      return x;
    });
  };
  const pooled = (plane: number[][]) =>
    Array.from({ length: Math.floor((plane.length - 3) / 2) + 1 }, (_, r) =>
      Array.from({ length: Math.floor((plane[0]!.length - 3) / 2) + 1 }, (_, c) =>
        Math.max(...[0, 1, 2].flatMap((v) => plane[2 * r + v]!.slice(2 * c, 2 * c + 3))),
      ),
    );
  const [fa, fb] = [features(a), features(b)];
  return fa.reduce((total, layer, l) => {
    const lin = weights.get(`lin${l}.weight`)!.data;
    const [rows, columns] = [layer[0]!.length, layer[0]![0]!.length];
    let sum = 0;
    for (let r = 0; r < rows; r += 1)
      for (let c = 0; c < columns; c += 1) {
        const length = (map: Map3) => Math.sqrt(map.reduce((s, plane) => s + plane[r]![c]! ** 2, 0)) + 1e-10;
        const [la, lb] = [length(layer), length(fb[l]!)];
        layer.forEach((plane, k) => (sum += lin[k]! * (plane[r]![c]! / la - fb[l]![k]![r]![c]! / lb) ** 2));
      }
    return total + sum / (rows * columns);
  }, 0);
}

describe('LPIPS', () => {
  it('is what its definition says', async () => {
    await using meter = new PerceptualMeter(weights);
    const [a, b] = [noise(40, 35, 1), noise(40, 35, 2)];
    const expected = reference(a, b);
    expect(expected).toBeGreaterThan(1e-3);
    expect(await meter.measure(a, b)).toBeCloseTo(expected, 5);
    expect(await meter.measure(a, a)).toBe(0);
  });

  it('takes pictures of changing size, but none that is too small', async () => {
    {
      await using meter = new PerceptualMeter(weights);
      expect(await meter.measure(noise(31, 50, 1), noise(31, 50, 2))).toBeGreaterThan(0);
      expect(await meter.measure(noise(64, 31, 1), noise(64, 31, 2))).toBeGreaterThan(0);
      expect(await meter.measure(noise(30, 64, 1), noise(30, 64, 2))).toBeNaN();
    }
    expect(liveSessions()).toBe(0);
  });
});
