import { from, lastValueFrom, map, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { liveFrames } from '../../src/io/frame.js';
import { Credits } from '../../src/pipeline/credits.js';
import { releaseNeighbours, windows } from '../../src/pipeline/window.js';
import { grayFrame } from '../support/frames.js';

/** The indices every window holds, for `count` frames of which those in `cuts` start a shot. */
async function windowIndices(count: number, past: number, future: number, cuts: readonly number[] = []) {
  const credits = new Credits(count);
  const tickets = [];
  for (let i = 0; i < count; i += 1) {
    await credits.acquire();
    const ticket = credits.admit(grayFrame(i));
    if (cuts.includes(i)) ticket.cut = 'scene';
    tickets.push(ticket);
  }
  const seen = await lastValueFrom(
    from(tickets).pipe(
      windows({ past, future }),
      map((window) => ({
        window,
        indices: window.frames.map((t) => t.frame.index),
        target: window.target.frame.index,
      })),
      tap(({ window }) => {
        releaseNeighbours(window);
        window.target.release();
      }),
      toArray(),
    ),
  );
  expect(credits.inUse).toBe(0);
  return seen.map(({ target, indices }) => [target, ...indices]);
}

describe('windows', () => {
  it('without neighbours are the frames themselves', async () => {
    expect(await windowIndices(3, 0, 0)).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
  });

  it('repeat the nearest frame at both ends', async () => {
    expect(await windowIndices(4, 1, 1)).toEqual([
      [0, 0, 0, 1],
      [1, 0, 1, 2],
      [2, 1, 2, 3],
      [3, 2, 3, 3],
    ]);
  });

  it('never reach across a cut', async () => {
    expect(await windowIndices(5, 2, 1, [2])).toEqual([
      [0, 0, 0, 0, 1],
      [1, 0, 0, 1, 1],
      [2, 2, 2, 2, 3],
      [3, 2, 2, 3, 4],
      [4, 2, 3, 4, 4],
    ]);
  });

  it('emit every frame of a shot shorter than the window, and leave none alive', async () => {
    const before = liveFrames();
    expect((await windowIndices(3, 2, 2, [1, 2])).map(([target]) => target)).toEqual([0, 1, 2]);
    expect(liveFrames()).toBe(before);
  });
});
