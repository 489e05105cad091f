import { describe, expect, it } from 'vitest';
import { grayOf, halved, type Gray } from '../../src/metrics/gray.js';
import { opticalFlow } from '../../src/metrics/optical-flow.js';
import { continuation, warpingError } from '../../src/metrics/warping-error.js';
import { picture, scene } from '../support/waves.js';

const rgb = ({ data }: Gray) =>
  Uint8Array.from({ length: 3 * data.length }, (_, i) => Math.round(data[Math.floor(i / 3)]!));

/** Mean distance of a flow from what it should be, `margin` pixels away from the border. */
function endpointError(
  { u, v, width, height }: ReturnType<typeof opticalFlow>,
  truth: (x: number, y: number) => [number, number],
  margin: number,
): number {
  let [sum, count] = [0, 0];
  for (let y = margin; y < height - margin; y += 1) {
    for (let x = margin; x < width - margin; x += 1) {
      const [tu, tv] = truth(x, y);
      sum += Math.hypot(u[y * width + x]! - tu, v[y * width + x]! - tv);
      count += 1;
    }
  }
  return sum / count;
}

describe('optical flow', () => {
  it.each([
    [0, 0],
    [0.4, -0.3],
    [3.5, 2],
    [-11, 6.5],
  ])('finds a shift by (%f, %f)', (u, v) => {
    const flow = opticalFlow(
      picture(160, 96, scene),
      picture(160, 96, (x, y) => scene(x - u, y - v)),
    );
    expect(endpointError(flow, () => [u, v], 14)).toBeLessThan(0.06);
  });

  it('finds a turn and a change of scale, in light that changes', () => {
    const [angle, scale] = [0.03, 1.04];
    const [c, s] = [scale * Math.cos(angle), scale * Math.sin(angle)];
    const [cx, cy] = [80, 48];
    const there = (x: number, y: number): [number, number] => [
      cx + c * (x - cx) - s * (y - cy),
      cy + s * (x - cx) + c * (y - cy),
    ];
    const back = (x: number, y: number) => {
      const [dx, dy] = [(x - cx) / scale ** 2, (y - cy) / scale ** 2];
      return 12 + scene(cx + c * dx + s * dy, cy - s * dx + c * dy);
    };
    const flow = opticalFlow(picture(160, 96, scene), picture(160, 96, back));
    const truth = (x: number, y: number): [number, number] => [there(x, y)[0] - x, there(x, y)[1] - y];
    expect(endpointError(flow, truth, 10)).toBeLessThan(0.2);
  });

  it('stays at rest where there is nothing to follow, and takes pictures smaller than a patch', () => {
    const flow = opticalFlow(
      picture(32, 32, () => 7),
      picture(32, 32, () => 9),
    );
    expect(Math.max(...flow.u, ...flow.v)).toBe(0);
    expect(opticalFlow(picture(3, 2, scene), picture(3, 2, scene)).u).toHaveLength(6);
    expect(opticalFlow(picture(1, 1, scene), picture(1, 1, scene)).u).toHaveLength(1);
  });

  it('is made of the luma', () => {
    const gray = grayOf({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 255, 255, 255) });
    expect([...gray.data].map(Math.round)).toEqual([76, 255]);
    expect(halved(picture(5, 3, (x) => x)).data).toEqual(Float32Array.of(0.5, 2.5));
  });
});

describe('the warping error', () => {
  /** A square that moves over a scene that moves otherwise. */
  const frame = (t: number) =>
    picture(128, 96, (x, y) => {
      const left = 30 + 6 * t;
      const inside = x >= left && x < left + 40 && y >= 30 && y < 66;
      return inside ? 255 - scene(3 * (x - left), 2 * y) : scene(x + 2 * t, y);
    });

  it('is small for a video that only moves, and does not count what was hidden', () => {
    const [before, now] = [frame(0), frame(1)];
    const continued = continuation(before, now);
    expect(continued.share).toBeGreaterThan(0.8);
    expect(continued.share).toBeLessThan(0.99);
    const error = warpingError(rgb(before), rgb(now), continued);
    expect(error).toBeLessThan(2);
    // Without the motion the same frames are far apart.
    const still = {
      ...continued,
      flow: { ...continued.flow, u: new Float32Array(128 * 96), v: new Float32Array(128 * 96) },
    };
    expect(warpingError(rgb(before), rgb(now), still)).toBeGreaterThan(4 * error);
  });

  it('grows by what a frame flickers', () => {
    const [before, now] = [frame(0), frame(1)];
    const continued = continuation(before, now);
    const error = warpingError(rgb(before), rgb(now), continued);
    const brighter = rgb(now).map((value) => Math.min(255, value + 10));
    expect(warpingError(rgb(before), brighter, continued)).toBeGreaterThan(error + 7);
  });

  it('finds little in common between pictures that do not belong together', () => {
    const noise = (seed: number) => {
      let state = seed;
      return picture(96, 64, () => (state = (state * 48271) % 2147483647) % 256);
    };
    expect(continuation(noise(1), noise(999)).share).toBeLessThan(0.35);
    expect(
      warpingError(new Uint8Array(3), new Uint8Array(3), {
        flow: { u: new Float32Array(1), v: new Float32Array(1), width: 1, height: 1 },
        visible: new Uint8Array(1),
        share: 0,
      }),
    ).toBeNaN();
  });
});
