import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filter, firstValueFrom, map, take, timeout, toArray, type Observable } from 'rxjs';
import { liveFrames, openVideo } from '../../src/io/index.js';
import { LiveSession, type LiveFragment, type LiveState } from '../../src/live/index.js';
import { fixture } from '../support/fixtures.js';
import { scratchFolder } from '../support/io.js';

const clip = fixture('clips/dogs-blurry.mp4');

function until(state: Observable<LiveState>, holds: (state: LiveState) => boolean): Promise<LiveState> {
  return firstValueFrom(state.pipe(filter(holds), timeout(30_000)));
}

function fragmentsOf(session: LiveSession, count: number): Promise<LiveFragment[]> {
  return firstValueFrom(session.fragments.pipe(take(count), toArray(), timeout(30_000)));
}

describe('a live session', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  let framesBefore = 0;

  beforeEach(async () => {
    folder = await scratchFolder();
    framesBefore = liveFrames();
  });
  afterEach(async () => {
    await folder.remove();
    expect(liveFrames()).toBe(framesBefore);
  });

  it('shows a file at its own speed, original above result, once the network is loaded', async () => {
    await using session = await LiveSession.open({ source: clip, loop: true, fixed: true });
    session.setViewers(1);
    const state = await until(session.state, ({ source, message, codec }) => {
      return source === 'live' && message === undefined && codec !== undefined;
    });
    expect(state).toMatchObject({ model: 'light', width: 256, height: 256, strength: 1 });
    expect(state.codec).toMatch(/^avc1\.[0-9a-f]{6}$/);
    const fragments = await fragmentsOf(session, 40);
    const media = fragments.filter(({ kind }) => kind === 'media');
    const header = session.initFragment();
    if (!header) throw new Error('no header');
    const first = media.findIndex(({ keyframe }) => keyframe);
    const group = media.slice(first);
    const file = folder.path('out.mp4');
    await writeFile(file, Buffer.concat([header, ...group].map(({ data }) => data)));
    await using reader = await openVideo(file);
    expect(reader.video).toMatchObject({ width: 256, height: 512 });
    let frames = 0;
    let different = 0;
    for await (const frame of reader.frames()) {
      frames += 1;
      const [luma] = frame.planes();
      if (!luma) throw new Error('no luma');
      let difference = 0;
      for (let y = 0; y < 256; y += 1) {
        for (let x = 0; x < 256; x += 1) {
          difference += Math.abs((luma.data[y * luma.stride + x] ?? 0) - (luma.data[(y + 256) * luma.stride + x] ?? 0));
        }
      }
      if (difference / (256 * 256) > 0.2) different += 1;
      frame.dispose();
    }
    expect(frames).toBe(group.length);
    expect(different).toBeGreaterThan(frames / 2);
    const gaps = group.slice(1).map(({ pts }, i) => pts - (group[i]?.pts ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    console.log(session.currentStatistics(), gaps.map((g) => g.toFixed(3)).join(' '));
  });
});
