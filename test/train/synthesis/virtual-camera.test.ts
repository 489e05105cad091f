import { describe, expect, it } from 'vitest';
import { layPatch, seeScene, seenAt } from '../../../src/train/synthesis/virtual-camera.js';

const photo = {
  width: 40,
  height: 30,
  data: Float32Array.from({ length: 40 * 30 * 3 }, (_, i) => ((i * 7919) % 997) / 997),
};
const size = { width: 9, height: 7 };
const level = { x: 0, y: 0, roll: 0, yaw: 0, pitch: 0, zoom: 1 };

function see(centre: readonly [number, number], poseOf: (row: number) => typeof level): Float32Array {
  const out = new Float32Array(size.width * size.height * 3);
  seeScene(photo, size, centre, poseOf, out);
  return out;
}

/** The photo's samples under the frame, when whole pixels meet. */
function part(left: number, top: number): number[] {
  return Array.from({ length: size.height }, (_, v) =>
    Array.from(photo.data.subarray(3 * ((top + v) * 40 + left), 3 * ((top + v) * 40 + left + size.width))),
  ).flat();
}

describe('the virtual camera', () => {
  it('sees the photo itself where its pixels meet the frame’s', () => {
    expect(Array.from(see([20, 15], () => level))).toEqual(part(16, 12));
    expect(Array.from(see([20, 15], () => ({ ...level, x: 3, y: -2 })))).toEqual(part(19, 10));
  });

  it('sees each row from where the camera is at its time', () => {
    const seen = Array.from(see([20, 15], (row) => ({ ...level, x: row })));
    for (let row = 0; row < size.height; row += 1) {
      expect(seen.slice(row * 27, row * 27 + 27)).toEqual(part(16 + row, 12).slice(row * 27, row * 27 + 27));
    }
  });

  it('mirrors the photo beyond its border', () => {
    const seen = see([0, 15], () => level);
    for (let channel = 0; channel < 3; channel += 1) expect(seen[3 * 2 + channel]).toBe(seen[3 * 6 + channel]);
  });

  it('renders what the projection of points says', () => {
    const pose = { x: 2.4, y: -1.3, roll: 0.2, yaw: 1e-3, pitch: -2e-3, zoom: 1.1 };
    // A photo whose red sample is its own place: a cubic kernel keeps slopes.
    const slope = {
      width: 64,
      height: 64,
      data: Float32Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.floor(i / 3) % 64),
    };
    const out = new Float32Array(size.width * size.height * 3);
    seeScene(slope, size, [32, 32], () => pose, out);
    for (const [u, v] of [
      [0, 0],
      [8, 6],
      [4, 3],
    ] as const) {
      expect(out[3 * (v * size.width + u)]).toBeCloseTo(seenAt(pose, [32, 32], u - 4, v - 3)[0], 2);
    }
  });

  it('lays a patch over the scene by its cover', () => {
    const frame = new Float32Array(size.width * size.height * 3).fill(0.5);
    const patch = { width: 9, height: 9, data: new Float32Array(9 * 9 * 4) };
    patch.data.set([0.2, 0.1, 0, 0.25], 4 * (4 * 9 + 4));
    layPatch(patch, size, () => ({ x: 6, y: 2, angle: 0 }), frame);
    const at = 3 * (2 * size.width + 6);
    [0.575, 0.475, 0.375].forEach((value, channel) => expect(frame[at + channel]).toBeCloseTo(value, 6));
    frame.fill(0.5, at, at + 3);
    expect(frame.every((value) => value === 0.5)).toBe(true);
  });
});
