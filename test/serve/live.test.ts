import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveServer, type LiveServerOptions } from '../../src/serve/index.js';
import { RecordedFeed } from '../support/recorded-feed.js';
import { TestClient } from '../support/live-client.js';

const token = 'a-token-for-the-tests';
let feed: RecordedFeed;
let server: LiveServer;

async function start(options: Partial<LiveServerOptions> = {}): Promise<void> {
  server = await LiveServer.open({
    ...{ feed, token, port: 0, source: 'a recording', log: pino({ level: 'silent' }) },
    ...options,
  });
}

beforeEach(async () => {
  feed = await RecordedFeed.make();
});
afterEach(async () => {
  feed.stop();
  await server.close();
});

describe('a viewer', () => {
  it('is told what there is, and gets the header and every frame as they were encoded', async () => {
    await start();
    const viewer = await TestClient.open(server.url, { token });
    expect(await viewer.message('hello')).toMatchObject({
      protocol: 1,
      source: 'a recording',
      may: { control: true, snapshot: true, record: false, camera: false, jobs: false },
    });
    expect((await viewer.message('state')).state).toMatchObject({ source: 'live', model: 'light' });
    expect(feed.viewers).toBe(1);
    feed.play(25);
    await viewer.until(({ fragments }) => fragments.length === 26);
    expect(viewer.fragments[0]).toMatchObject({ kind: 'init', sequence: 0, frames: [] });
    expect(Buffer.from(viewer.fragments[0]!.data).equals(Buffer.from(feed.init))).toBe(true);
    expect(viewer.fragments.slice(1).map(({ frames }) => frames[0]!.number)).toEqual([...Array(25).keys()]);
    expect(viewer.fragments.filter(({ keyframe }) => keyframe).map(({ pts }) => pts)).toEqual([0, 0.4, 0.8]);
    expect(viewer.fragments.some(({ discontinuity }) => discontinuity)).toBe(false);
    await viewer.leave();
    await expect.poll(() => feed.viewers).toBe(0);
  });

  it('who comes late gets the header and the group of pictures under way at once', async () => {
    await start();
    feed.play(27);
    const viewer = await TestClient.open(server.url, { token });
    await viewer.until(({ fragments }) => fragments.length === 8);
    expect(viewer.fragments[0]!.kind).toBe('init');
    expect(viewer.fragments[1]).toMatchObject({ keyframe: true, frames: [{ number: 20 }] });
    feed.play(1);
    await viewer.until(({ fragments }) => fragments.at(-1)!.frames[0]?.number === 27);
    await viewer.leave();
  });

  it('who wants no media gets none, and does not wake the network', async () => {
    await start();
    const viewer = await TestClient.open(server.url, { token, media: false });
    await viewer.message('state');
    feed.play(3);
    await viewer.message('statistics', ({ statistics }) => statistics.framesOut === 3);
    expect(viewer.fragments).toEqual([]);
    expect(feed.viewers).toBe(0);
    await viewer.leave();
  });
});
