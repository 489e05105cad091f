import { expect, it } from 'vitest';
import { DeblurError } from '../../../src/errors.js';
import { openVideo, type Frame } from '../../../src/io/index.js';
import { openModel } from '../../../src/models/registry.js';
import type { FrameSession, PictureGeometry } from '../../../src/runtime/frame-session.js';
import { createFrameSession } from '../../../src/runtime/onnx/frame-session.js';
import { modelStage } from '../../../src/runtime/onnx/model-stage.js';
import type { NetworkStage } from '../../../src/runtime/onnx/network-stage.js';
import { fixture } from '../../support/fixtures.js';

/** Mean step from each column to the next, beyond the step that the picture itself makes there. */
function excessSteps(tiled: Uint8Array, whole: Uint8Array, width: number): number[] {
  const height = whole.length / width;
  return Array.from({ length: width - 1 }, (_, x) => {
    let sum = 0;
    for (let y = 0; y < height; y += 1) {
      const at = y * width + x;
      const step = (plane: Uint8Array) => (plane[at + 1] ?? 0) - (plane[at] ?? 0);
      sum += step(tiled) - step(whole);
    }
    return Math.abs(sum / height);
  });
}

/** The session of the smallest budget, by steps of 50 MiB, that suffices. */
function smallestSession(stage: NetworkStage, geometry: PictureGeometry): FrameSession {
  for (let memory = 2 ** 26; ; memory += 50 * 2 ** 20) {
    try {
      return createFrameSession(stage, geometry, { memory });
    } catch (error) {
      if (!(error instanceof DeblurError) || error.code !== 'MEMORY_BUDGET') throw error;
    }
  }
}

it('MAXIM in tiles shows no seam: no column steps away from its neighbour', async () => {
  await using reader = await openVideo(fixture('clips/mountain-blurry.mp4'));
  const first = await reader.frames().next();
  if (first.done) throw new RangeError('no frame');
  using frame: Frame = first.value;
  const stage = await modelStage(await openModel('maxim'));
  const luma = async (session: FrameSession) => {
    const [result] = await session.run([[frame]]);
    await session.close();
    const plane = result?.planes[0];
    if (!plane) throw new RangeError('no result');
    return { plane, tiles: session.tiles };
  };
  const whole = await luma(createFrameSession(stage, frame.properties));
  const tiled = await luma(smallestSession(stage, frame.properties));
  expect(whole.tiles).toBe(1);
  expect(tiled.tiles).toBeGreaterThan(1);
  const steps = excessSteps(tiled.plane, whole.plane, frame.properties.width);
  expect(Math.max(...steps)).toBeLessThan(0.75);
});
