import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createVideo, liveFrames, openVideo } from '../../src/io/index.js';
import { flow, type FlowOptions } from '../../src/pipeline/flow.js';
import type { FrameSession } from '../../src/runtime/frame-session.js';
import { createFrameSession } from '../../src/runtime/onnx/frame-session.js';
import { liveSessions } from '../../src/runtime/onnx/session.js';
import { TemporalFilter } from '../../src/temporal/temporal-filter.js';
import { fixture } from '../support/fixtures.js';
import { secondsAndSamples } from '../support/io.js';
import { gain, identity, sharpen, temporalMean } from '../support/stages.js';

const clip = fixture('clips/bikes-cut.mp4');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deblur-flow-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
  expect(liveFrames()).toBe(0);
  expect(liveSessions()).toBe(0);
});

/** Sends the clip through a flow into a lossless file. */
async function run(
  makeSession?: (reader: Parameters<typeof createFrameSession>[1]) => FrameSession,
  options: Partial<FlowOptions> = {},
) {
  await using reader = await openVideo(clip);
  const output = join(folder, 'out.mkv');
  await using writer = await createVideo(output, { source: reader, codec: 'ffv1' });
  const session = makeSession?.(reader.video);
  try {
    const counts = await flow({ reader, writer, session, ...options });
    await writer.finish();
    return { counts, output };
  } finally {
    await session?.close();
  }
}

describe('flow', () => {
  it('without a network copies every frame, bit for bit and at its time', async () => {
    const { counts, output } = await run();
    expect(counts).toMatchObject({ read: 24, written: 24, cuts: { scene: 1, gap: 0, format: 0 } });
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(clip));
  });

  it.each([1, 2, 4])('with a network that changes nothing does the same, %i runs at once', async (concurrency) => {
    const { counts, output } = await run((video) => createFrameSession(identity, video), { concurrency });
    expect(counts).toMatchObject({ read: 24, written: 24, guarded: { nan: 0, black: 0, mosaic: 0 } });
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(clip));
  });

  it('restores order when runs finish out of order', async () => {
    const { output } = await run(
      (video) => {
        const session = createFrameSession(identity, video, { batch: 2 });
        let turn = 0;
        const run: FrameSession['run'] = async (windows) => {
          const results = await session.run(windows);
          await new Promise((resolve) => setTimeout(resolve, (turn += 1) % 2 ? 30 : 0));
          return results;
        };
        return { ...pick(session), run };
      },
      { concurrency: 3 },
    );
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(clip));
  });

  it('sends broken results out as they came in, and counts them', async () => {
    const { counts, output } = await run((video) => createFrameSession(gain(0), video));
    expect(counts.guarded).toEqual({ nan: 0, black: 24, mosaic: 0 });
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(clip));
  });

  it('gives windows that stop at the cut', async () => {
    const spans: number[][] = [];
    await run((video) => {
      const session = createFrameSession(temporalMean, video);
      const run: FrameSession['run'] = (windows) => {
        spans.push(...windows.map((window) => window.map((frame) => frame.index)));
        return session.run(windows);
      };
      return { ...pick(session), run };
    });
    expect(spans[11]).toEqual([10, 11, 11]);
    expect(spans[12]).toEqual([12, 12, 13]);
    expect(spans).toHaveLength(24);
  });

  it.each([true, false])(
    'steadies results in order, and begins anew at the cut (look ahead: %s)',
    async (lookAhead) => {
      const filter = await clipFilter(lookAhead);
      const push = vi.spyOn(filter, 'push');
      const end = vi.spyOn(filter, 'end');
      const { counts, output } = await run((video) => createFrameSession(sharpen, video), { filter, concurrency: 3 });
      expect(counts).toMatchObject({ read: 24, written: 24 });
      expect(push.mock.calls.map(([frame]) => frame.index)).toEqual([...Array(24).keys()]);
      const [atCut, atEnd] = end.mock.invocationCallOrder;
      expect(end).toHaveBeenCalledTimes(2);
      expect(atCut).toBeGreaterThan(push.mock.invocationCallOrder[11]!);
      expect(atCut).toBeLessThan(push.mock.invocationCallOrder[12]!);
      expect(atEnd).toBeGreaterThan(push.mock.invocationCallOrder[23]!);
      const steady = await secondsAndSamples(output);
      await rm(output);
      const plain = await secondsAndSamples((await run((video) => createFrameSession(sharpen, video))).output);
      const source = await secondsAndSamples(clip);
      expect(steady.map(({ seconds }) => seconds)).toEqual(source.map(({ seconds }) => seconds));
      const changed = steady.map(({ digest }, i) => digest !== plain[i]?.digest);
      // A shot's first frame has none before it, and only with a look ahead one after it.
      const firsts = [0, 12];
      expect(changed).toEqual(changed.map((_, i) => lookAhead || !firsts.includes(i)));
    },
  );

  it('gives each frame its own result back where a filter looks ahead', async () => {
    const filter = await clipFilter(true);
    const { output } = await run((video) => createFrameSession(identity, video), {
      filter,
      concurrency: 2,
      credits: 1,
    });
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(clip));
  });

  it('steadies nothing where sources go out in place of results', async () => {
    const filter = await clipFilter(true);
    const { counts, output } = await run((video) => createFrameSession(gain(0), video), { filter });
    expect(counts.guarded.black).toBe(24);
    expect(await secondsAndSamples(output)).toEqual(await secondsAndSamples(clip));
  });

  it('never holds more frames than it has credits', async () => {
    const before = liveFrames();
    let most = 0;
    await run((video) => createFrameSession(identity, video), {
      credits: 3,
      onFrame: () => (most = Math.max(most, liveFrames() - before)),
    });
    // Three in flight and those the decoder holds ready.
    expect(most).toBeLessThanOrEqual(3 + 8);
  });

  it('ends with CANCELLED within a second and leaves nothing behind', async () => {
    const stop = new AbortController();
    const begun = performance.now();
    const cancelled = run((video) => createFrameSession(identity, video), {
      signal: stop.signal,
      onFrame: ({ written }) => {
        if (written === 5) stop.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(await readdir(folder)).toEqual([]);
  });

  it('fails once, with the network’s error, and leaves nothing behind', async () => {
    const failing = run((video) => {
      const session = createFrameSession(identity, video);
      let turn = 0;
      const run: FrameSession['run'] = (windows) => {
        turn += 1;
        return turn === 7 ? Promise.reject(new Error('out of order')) : session.run(windows);
      };
      return { ...pick(session), run };
    });
    await expect(failing).rejects.toThrow('out of order');
    expect(await readdir(folder)).toEqual([]);
  });
});

/** A filter for the clip's frames. */
async function clipFilter(lookAhead: boolean): Promise<TemporalFilter> {
  await using reader = await openVideo(clip);
  return new TemporalFilter(reader.video, { strength: 1, lookAhead });
}

/** A session's members as own properties, to replace one of them. */
function pick(session: FrameSession): FrameSession {
  const { provider, window, temporalFilter, batch, tiles } = session;
  return {
    ...{ provider, window, temporalFilter, batch, tiles },
    run: (windows) => session.run(windows),
    idle: () => session.idle(),
    close: () => session.close(),
  };
}
