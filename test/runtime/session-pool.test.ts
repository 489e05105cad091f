import { afterEach, describe, expect, it } from 'vitest';
import { liveFrames, openVideo, type Frame } from '../../src/io/index.js';
import type { FrameSession } from '../../src/runtime/frame-session.js';
import { createFrameSession } from '../../src/runtime/onnx/frame-session.js';
import { liveSessions } from '../../src/runtime/onnx/session.js';
import { SessionPool } from '../../src/runtime/session-pool.js';
import { fixture } from '../support/fixtures.js';
import { sharpen } from '../support/stages.js';

afterEach(() => {
  expect([liveSessions(), liveFrames()]).toEqual([0, 0]);
});

/** A session that notes each run, and ends it when it is told to. */
function noting(session: FrameSession, began: () => Promise<void>): FrameSession {
  const { provider, window, temporalFilter, batch, tiles } = session;
  return {
    ...{ provider, window, temporalFilter, batch, tiles },
    run: async (windows) => {
      await began();
      return session.run(windows);
    },
    idle: () => session.idle(),
    close: () => session.close(),
  };
}

async function firstFrame(): Promise<Frame> {
  await using reader = await openVideo(fixture('clips/bikes-cut.mp4'));
  const first = await reader.frames().next();
  if (first.done) throw new RangeError('no frame');
  return first.value;
}

describe('a pool of sessions', () => {
  it('gives each run to the session that has the fewest, and the result of any of them', async () => {
    const frame = await firstFrame();
    const log: string[] = [];
    const release: (() => void)[] = [];
    const open = (name: string) =>
      noting(createFrameSession(sharpen, frame.properties), () => {
        log.push(name);
        return new Promise((resolve) => release.push(resolve));
      });
    const pool = new SessionPool([open('a'), open('b')]);
    expect(pool).toMatchObject({ provider: 'cpu', tiles: 1, batch: 1, window: { past: 0, future: 0 } });
    const runs = [pool.run([[frame]]), pool.run([[frame]]), pool.run([[frame]])];
    expect(log).toEqual(['a', 'b', 'a']);
    release[1]?.();
    const second = await runs[1];
    runs.push(pool.run([[frame]]));
    expect(log).toEqual(['a', 'b', 'a', 'b']);
    for (const end of release) end();
    for (const result of await Promise.all(runs)) expect(result).toEqual(second);
    await pool.close();
    frame.dispose();
  });

  it('closes those that were opened when one can not be', async () => {
    const frame = await firstFrame();
    let opened = 0;
    const open = async () => {
      opened += 1;
      if (opened === 2) throw new Error('no second');
      const session = createFrameSession(sharpen, frame.properties);
      await session.run([[frame]]);
      return session;
    };
    await expect(SessionPool.open(3, open)).rejects.toThrow('no second');
    expect([opened, liveSessions()]).toEqual([3, 0]);
    const pool = await SessionPool.open(2, () => Promise.resolve(createFrameSession(sharpen, frame.properties)));
    expect(pool.size).toBe(2);
    await pool.close();
    frame.dispose();
  });

  it('frees a place when a run fails, and passes the failure on', async () => {
    const frame = await firstFrame();
    const log: string[] = [];
    const open = (name: string) =>
      noting(createFrameSession(sharpen, frame.properties), () => {
        log.push(name);
        return Promise.reject(new Error(name));
      });
    const pool = new SessionPool([open('a'), open('b')]);
    await expect(pool.run([[frame]])).rejects.toThrow('a');
    await expect(pool.run([[frame]])).rejects.toThrow('a');
    expect(log).toEqual(['a', 'a']);
    await pool.idle();
    await pool.close();
    frame.dispose();
  });
});
