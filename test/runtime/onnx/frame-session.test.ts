import { afterEach, describe, expect, it } from 'vitest';
import { Frame } from '../../../src/io/frame.js';
import { judge } from '../../../src/pipeline/guard.js';
import type { FrameSession, FrameSessionOptions, PictureGeometry } from '../../../src/runtime/frame-session.js';
import { createFrameSession } from '../../../src/runtime/onnx/frame-session.js';
import type { NetworkStage } from '../../../src/runtime/onnx/network-stage.js';
import { OnnxOps } from '../../../src/runtime/onnx/onnx-ops.js';
import { liveSessions } from '../../../src/runtime/onnx/session.js';
import { bt709, packed, sampledFormats, testFrame } from '../../support/frames.js';
import { gain, identity, sharpen, stage, temporalMean } from '../../support/stages.js';

const open: FrameSession[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
  expect(liveSessions()).toBe(0);
});

function session(network: NetworkStage, geometry: PictureGeometry, options?: FrameSessionOptions): FrameSession {
  const created = createFrameSession(network, geometry, options);
  open.push(created);
  return created;
}

async function runOne(network: NetworkStage, frame: Frame, options?: FrameSessionOptions) {
  const [result] = await session(network, frame.properties, options).run([[frame]]);
  if (!result) throw new RangeError('no result');
  return result;
}

describe('a frame session', () => {
  it.each(
    sampledFormats.flatMap(
      (format) =>
        [
          [format, 33, 17],
          [format, 1, 1],
          [format, 64, 36],
        ] as const,
    ),
  )('with a network that changes nothing leaves every sample of %s %ix%i as it was', async (format, width, height) => {
    using frame = testFrame({ format, width, height, color: bt709 }, 0, 5);
    const result = await runOne(identity, frame);
    expect(result.planes).toEqual(packed(frame));
    expect(judge(result.health)).toBeUndefined();
  });

  it.each(['left', 'center', 'topleft', 'unspecified'])('keeps chroma at %s siting', async (chromaLocation) => {
    using frame = testFrame({ format: 'yuv420p', width: 32, height: 32, color: { ...bt709, chromaLocation } });
    expect((await runOne(identity, frame)).planes).toEqual(packed(frame));
  });

  it('moves RGB samples as the network says', async () => {
    using frame = testFrame({ format: 'gbrp', width: 40, height: 24, color: bt709 });
    const { planes } = await runOne(gain(0.5), frame);
    const expected = packed(frame).map((plane) => plane.map((v) => Math.round(v / 2 + (v % 4 === 1 ? -0.001 : 0))));
    planes.forEach((plane, i) => {
      plane.forEach((v, at) => {
        expect(Math.abs(v - (expected[i]?.[at] ?? 0))).toBeLessThanOrEqual(1);
      });
    });
  });

  it.each([
    ['yuv420p', 'tv', 16],
    ['yuv420p', 'pc', 0],
    ['gray', 'tv', 16],
  ] as const)('scales light, not codes: %s with range %s has its black at %i', async (format, range, black) => {
    using frame = testFrame({ format, width: 32, height: 32, color: { ...bt709, range } });
    const [luma] = packed(frame);
    const neutral = packed(frame).map((plane, i) => (i === 0 ? plane : plane.fill(128)));
    using gray = frame.withPlanes(neutral);
    const { planes } = await runOne(gain(0.5), gray);
    planes[0]?.forEach((v, at) => {
      const source = Math.min(range === 'tv' ? 235 : 255, Math.max(black, luma?.[at] ?? 0));
      const rest = (luma?.[at] ?? 0) - source;
      expect(Math.abs(v - (black + (source - black) / 2 + rest))).toBeLessThanOrEqual(1);
    });
    planes.slice(1).forEach((plane) => expect([...new Set(plane)]).toEqual([128]));
  });

  it('blends with the source by strength', async () => {
    using frame = testFrame({ format: 'gbrp', width: 32, height: 16, color: bt709 });
    expect((await runOne(gain(0.5), frame, { strength: 0 })).planes).toEqual(packed(frame));
    const half = await runOne(gain(0.5), frame, { strength: 0.5 });
    half.planes[0]?.forEach((v, at) => {
      expect(Math.abs(v - 0.75 * (packed(frame)[0]?.[at] ?? 0))).toBeLessThanOrEqual(1);
    });
  });

  it('gives the same in batches as one by one, the last batch short', async () => {
    const geometry = { format: 'yuv420p', width: 48, height: 32, color: bt709 };
    const frames = [0, 1, 2].map((i) => testFrame(geometry, i));
    const batched = session(sharpen, geometry, { batch: 2 });
    const single = session(sharpen, geometry);
    const together = [
      ...(await batched.run(frames.slice(0, 2).map((f) => [f]))),
      ...(await batched.run([[frames[2]!]])),
    ];
    for (const [i, frame] of frames.entries()) {
      const [alone] = await single.run([[frame]]);
      expect(together[i]?.planes).toEqual(alone?.planes);
    }
    frames.forEach((frame) => {
      frame.dispose();
    });
  });

  it('hands a window to networks that look at neighbours', async () => {
    const geometry = { format: 'gray', width: 16, height: 16, color: { ...bt709, range: 'pc' } };
    const frames = [0, 1, 2].map((i) => testFrame(geometry, i * 7));
    const [result] = await session(temporalMean, geometry).run([frames]);
    const planes = frames.map((frame) => packed(frame)[0]);
    result?.planes[0]?.forEach((v, at) => {
      const mean = planes.reduce((sum, plane) => sum + (plane?.[at] ?? 0), 0) / 3;
      expect(Math.abs(v - mean)).toBeLessThanOrEqual(0.51);
    });
    frames.forEach((frame) => {
      frame.dispose();
    });
  });

  it.each(['yuv420p', 'gbrp', 'yuv422p10le'])('tiled equals whole for %s', async (format) => {
    const geometry = { format, width: 211, height: 157, color: bt709 };
    using frame = testFrame(geometry);
    const whole = await runOne(sharpen, frame);
    const tiny = session(sharpen, geometry, { memory: tilingBudget(geometry) });
    expect(tiny.tiles).toBeGreaterThan(3);
    const [tiled] = await tiny.run([[frame]]);
    expect(tiled?.planes).toEqual(whole.planes);
  });

  it('says what memory it needs when the budget is hopeless', () => {
    const geometry = { format: 'yuv420p', width: 640, height: 360, color: bt709 };
    expect(() => createFrameSession(sharpen, geometry, { memory: 1000 })).toThrow('processed within 1M');
  });

  it('survives a change of stride', async () => {
    const geometry = { format: 'yuv420p', width: 40, height: 20, color: bt709 };
    const one = session(sharpen, geometry);
    using narrow = testFrame(geometry, 0, 0);
    using wide = testFrame(geometry, 0, 24);
    const [a] = await one.run([[narrow]]);
    const [b] = await one.run([[wide]]);
    expect(a?.planes).toEqual(b?.planes);
  });

  it('refuses a frame of another size', async () => {
    using frame = testFrame({ format: 'gray', width: 16, height: 16, color: bt709 });
    const other = session(identity, { format: 'gray', width: 32, height: 16, color: bt709 });
    await expect(other.run([[frame]])).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' });
  });
});

describe('health', () => {
  const geometry = { format: 'yuv420p', width: 160, height: 96, color: bt709 };
  const verdict = async (network: NetworkStage) => {
    using frame = testFrame(geometry);
    return judge((await runOne(network, frame)).health);
  };

  it('passes a sharpened picture', async () => {
    expect(await verdict(sharpen)).toBeUndefined();
  });

  it('sees NaN in one corner', async () => {
    const broken = stage((builder, [frame]) => {
      if (!frame) throw new RangeError('no frame');
      const holes = new Float32Array(160 * 96);
      holes[5] = Number.NaN;
      return new OnnxOps(builder).add(frame, builder.constant('float32', [1, 1, 96, 160], holes));
    });
    expect(await verdict(broken)).toBe('nan');
  });

  it('sees an all-black result', async () => {
    expect(await verdict(gain(0))).toBe('black');
  });

  it('sees a mosaic of blocks whose light is right', async () => {
    const pixelated = stage((builder, [frame]) => {
      if (!frame) throw new RangeError('no frame');
      const small = builder.node(
        'AveragePool',
        [frame],
        { type: 'float32', shape: [1, 3, 12, 20] },
        {
          attributes: { kernel_shape: { ints: [8, 8] }, strides: { ints: [8, 8] } },
        },
      );
      const scales = builder.constant('float32', [4], Float32Array.of(1, 1, 8, 8));
      return builder.node(
        'Resize',
        [small, undefined, scales],
        { type: 'float32', shape: frame.shape },
        {
          attributes: {
            mode: { string: 'nearest' },
            coordinate_transformation_mode: { string: 'asymmetric' },
            nearest_mode: { string: 'floor' },
          },
        },
      );
    });
    expect(await verdict(pixelated)).toBe('mosaic');
  });

  it('sees tiles in the wrong places', async () => {
    const shuffled = stage((builder, [frame]) => {
      if (!frame) throw new RangeError('no frame');
      const ops = new OnnxOps(builder);
      const inverted = ops.add(ops.mul(frame, builder.scalar(-1)), builder.scalar(1));
      return ops.concat([ops.slice(frame, { axis: 3, end: 80 }), ops.slice(inverted, { axis: 3, start: 80 })], 3);
    });
    using frame = testFrame(geometry);
    const dark = frame.withPlanes(
      packed(frame).map((plane, i) => (i === 0 ? plane.map((v) => v >> 2) : plane.fill(128))),
    );
    expect(judge((await runOne(shuffled, dark)).health)).toBe('mosaic');
    dark.dispose();
  });
});

/** A budget that leaves room for the pictures around the tiles, and for tiles much smaller than the picture. */
function tilingBudget({ width, height }: PictureGeometry): number {
  return width * height * 3 * 4 * 6 + 40_000;
}
