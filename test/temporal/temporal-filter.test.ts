import { afterEach, describe, expect, it } from 'vitest';
import { liveFrames, type Frame } from '../../src/io/frame.js';
import { planarFormat, planeSize } from '../../src/io/pixel-format.js';
import { TemporalFilter } from '../../src/temporal/temporal-filter.js';
import { planesFrame } from '../support/frames.js';
import { wave } from '../support/waves.js';

afterEach(() => {
  expect(liveFrames()).toBe(0);
});

type Planes = readonly Uint8Array[];
type View = (x: number, y: number, plane: number) => number;

function scene(x: number, y: number, plane: number): number {
  const at = (length: number, angle: number) => wave(x, y, length, angle);
  return 0.5 + 0.12 * at(37, 0.3 + plane) + 0.1 * at(23, 1.9) + 0.08 * at(11, 1.1) + 0.06 * at(71, 2.6);
}

/** Planes of a picture, each sample at its place in luma samples. */
function planesOf({ width, height, format: name }: Geometry, view: View): Planes {
  const format = planarFormat(name);
  if (!format) throw new TypeError(name);
  const highest = 2 ** format.depth - 1;
  return format.planes.map((layout, p) => {
    const [w, h] = planeSize(layout, width, height);
    const codes = Array.from({ length: w * h }, (_, i) => {
      const value = view((i % w) * 2 ** layout.shiftX, Math.floor(i / w) * 2 ** layout.shiftY, p);
      return Math.round(Math.min(1, Math.max(0, value)) * highest);
    });
    return format.bytesPerSample === 1 ? Uint8Array.from(codes) : new Uint8Array(Uint16Array.from(codes).buffer);
  });
}

interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly format: string;
}

function frameOf(geometry: Geometry, view: View): Frame {
  return planesFrame(planesOf(geometry, view), geometry);
}

/** Noise of its own in each frame. */
function noise(seed: number): (amount: number) => number {
  let state = seed;
  return (amount) => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5) * 2 * amount;
}

const samples = (planes: Planes, p: number, { format }: Geometry): ArrayLike<number> => {
  const plane = planes[p]!;
  return planarFormat(format)?.bytesPerSample === 2 ? new Uint16Array(plane.buffer, plane.byteOffset) : plane;
};

function meanSquare(a: Planes, b: Planes, p: number, geometry: Geometry): number {
  const [x, y] = [samples(a, p, geometry), samples(b, p, geometry)];
  return Array.from(x, (value, i) => (value - y[i]!) ** 2).reduce((sum, each) => sum + each, 0) / x.length;
}

/** A shot of things that move, restored with errors that differ from frame to frame. */
function shot(geometry: Geometry, frames: number, error = 0.05) {
  return Array.from({ length: frames }, (_, t) => {
    const random = noise(71 + t);
    const view: View = (x, y, p) => scene(x + 1.7 * t, y - 0.6 * t, p);
    return {
      truth: planesOf(geometry, view),
      // A blurry source: the same thing with less contrast.
      source: (x: number, y: number, p: number) => 0.5 + 0.6 * (view(x, y, p) - 0.5),
      result: planesOf(geometry, (x, y, p) => view(x, y, p) + random(error)),
    };
  });
}

function filtered(geometry: Geometry, filter: TemporalFilter, frames: ReturnType<typeof shot>): Planes[] {
  const done = frames.flatMap(({ source, result }) => {
    using frame = frameOf(geometry, source);
    return filter.push(frame, result);
  });
  return [...done, ...filter.end()];
}

const yuv: Geometry = { width: 120, height: 88, format: 'yuv420p' };

describe('the temporal filter', () => {
  it.each(['yuv420p', 'yuv420p10le', 'yuv422p', 'yuv411p', 'yuv444p16le', 'gbrp', 'gray'])(
    'takes most of an error away that differs from frame to frame, in %s',
    (format) => {
      const geometry = { width: 123, height: 89, format };
      const frames = shot(geometry, 5);
      const out = filtered(geometry, new TemporalFilter(geometry, { strength: 1, lookAhead: true }), frames);
      expect(out).toHaveLength(5);
      for (const p of out[4]!.keys()) {
        for (const t of [2, 3]) {
          const { truth, result } = frames[t]!;
          expect(meanSquare(out[t]!, truth, p, geometry)).toBeLessThan(0.62 * meanSquare(result, truth, p, geometry));
        }
      }
    },
  );

  it('gives each result at once where it does not look ahead, the first as it is', () => {
    const frames = shot(yuv, 3);
    const filter = new TemporalFilter(yuv, { strength: 1 });
    const counts: number[] = [];
    const out = frames.flatMap(({ source, result }) => {
      using frame = frameOf(yuv, source);
      const done = filter.push(frame, result);
      counts.push(done.length);
      return done;
    });
    expect([filter.lookAhead, counts, filter.end()]).toEqual([0, [1, 1, 1], []]);
    expect(out[0]).toEqual(frames[0]!.result);
    expect(meanSquare(out[2]!, frames[2]!.truth, 0, yuv)).toBeLessThan(
      0.6 * meanSquare(frames[2]!.result, frames[2]!.truth, 0, yuv),
    );
  });

  it('keeps back one result where it looks ahead', () => {
    const filter = new TemporalFilter(yuv, { strength: 1, lookAhead: true });
    const counts = shot(yuv, 3).map(({ source, result }) => {
      using frame = frameOf(yuv, source);
      return filter.push(frame, result).length;
    });
    expect([filter.lookAhead, counts, filter.end().length, filter.end().length]).toEqual([1, [0, 1, 1], 1, 0]);
  });

  it('takes less the less strength it has', () => {
    const frames = shot(yuv, 4);
    const errors = [0, 0.3, 1].map((strength) => {
      const out = filtered(yuv, new TemporalFilter(yuv, { strength, lookAhead: true }), frames);
      return meanSquare(out[3]!, frames[3]!.truth, 0, yuv);
    });
    expect(errors[0]).toBe(meanSquare(frames[3]!.result, frames[3]!.truth, 0, yuv));
    expect(errors[1]).toBeLessThan(errors[0]!);
    expect(errors[2]).toBeLessThan(errors[1]!);
  });

  it('leaves what the network left, to the bit', () => {
    const geometry = { width: 128, height: 64, format: 'yuv420p' };
    const changed = (x: number) => x < 64;
    const frames = shot(geometry, 4).map(({ truth, source, result }, t) => ({
      truth,
      source: (x: number, y: number, p: number) => (changed(x) ? source(x, y, p) : scene(x + 1.7 * t, y - 0.6 * t, p)),
      result: result.map((plane, p) =>
        plane.map((value, i) => (changed((i % (p > 0 ? 64 : 128)) * (p > 0 ? 2 : 1)) ? value : truth[p]![i]!)),
      ),
    }));
    const out = filtered(geometry, new TemporalFilter(geometry, { strength: 1, lookAhead: true }), frames);
    const luma = (planes: Planes, from: number, to: number) =>
      planes[0]!.filter((_, i) => i % 128 >= from && i % 128 < to);
    for (const [t, planes] of out.entries()) {
      // Half a cell beyond the edge, shares fade out.
      expect(luma(planes, 68, 128)).toEqual(luma(frames[t]!.result, 68, 128));
    }
    expect(luma(out[3]!, 0, 64)).not.toEqual(luma(frames[3]!.result, 0, 64));
  });

  it('begins anew after an end', () => {
    const frames = shot(yuv, 3);
    const filter = new TemporalFilter(yuv, { strength: 1 });
    filtered(yuv, filter, frames);
    const other = shot(yuv, 2, 0.02);
    expect(filtered(yuv, filter, other)[0]).toEqual(other[0]!.result);
  });

  it('takes nothing of another scene, even if it is not told of a cut', () => {
    const frames = shot(yuv, 2);
    const dark = {
      source: () => 0.1,
      result: planesOf(yuv, (x, y, p) => (p > 0 ? 0.5 : 0.03 + 0.02 * Math.sin(x))),
      truth: frames[0]!.truth,
    };
    const out = filtered(yuv, new TemporalFilter(yuv, { strength: 1, lookAhead: true }), [...frames, dark]);
    expect(out[2]).toEqual(dark.result);
  });

  it('leaves alpha as it is', () => {
    const geometry = { ...yuv, format: 'yuva420p' };
    const frames = shot(geometry, 3);
    const out = filtered(geometry, new TemporalFilter(geometry, { strength: 1, lookAhead: true }), frames);
    expect(out[1]![3]).toEqual(frames[1]!.result[3]);
    expect(out[1]![0]).not.toEqual(frames[1]!.result[0]);
  });

  it('takes pictures smaller than a cell', () => {
    const geometry = { width: 3, height: 2, format: 'yuv420p' };
    expect(
      filtered(geometry, new TemporalFilter(geometry, { strength: 1, lookAhead: true }), shot(geometry, 3)),
    ).toHaveLength(3);
  });

  it('writes to none of the planes that it was given', () => {
    const frames = shot(yuv, 3);
    const before = frames.map(({ result }) => result.map((plane) => plane.slice()));
    filtered(yuv, new TemporalFilter(yuv, { strength: 1, lookAhead: true }), frames);
    expect(frames.map(({ result }) => result)).toEqual(before);
  });

  it('refuses frames of another geometry', () => {
    const filter = new TemporalFilter(yuv, { strength: 1 });
    const [other] = shot({ ...yuv, width: 64 }, 1);
    using frame = frameOf({ ...yuv, width: 64 }, other!.source);
    expect(() => filter.push(frame, other!.result)).toThrow(expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }));
  });
});
