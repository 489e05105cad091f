import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeblurError } from '../../src/errors.js';
import { LiveSession } from '../../src/live/index.js';
import { SwitchedFeed, type LiveServer } from '../../src/serve/index.js';
import { fixture } from '../support/fixtures.js';
import { TestClient } from '../support/live-client.js';
import { openServer, token } from '../support/live-server.js';
import { RecordedFeed } from '../support/recorded-feed.js';

let first: RecordedFeed;
let second: RecordedFeed;
let feed: SwitchedFeed;
let server: LiveServer;

beforeEach(async () => {
  first = await RecordedFeed.make();
  second = await RecordedFeed.make({ width: 128 });
  feed = new SwitchedFeed(first, (source) => {
    if (source.startsWith('rtsp:') || source === 'browser') return Promise.resolve(second);
    return Promise.reject(new DeblurError('USAGE', 'No such source.'));
  });
  server = await openServer({ feed, changeSource: (source) => feed.change(source) });
});
afterEach(async () => {
  await server.close();
  await feed[Symbol.asyncDispose]();
});

describe('another source', () => {
  it('is shown to those who watch, as one stream, and the one before is ended', async () => {
    const [viewer, other] = [
      await TestClient.open(server.url, { token }),
      await TestClient.open(server.url, { token }),
    ];
    expect((await viewer.message('hello')).may.source).toBe(true);
    await other.message('hello');
    first.play(7);
    viewer.send({ type: 'source', id: 1, source: 'rtsp://user:hunter2@camera.example/live?key=1' });
    await viewer.message('done');
    expect(await other.message('source')).toEqual({
      ...{ type: 'source', source: 'rtsp://camera.example', camera: false },
    });
    expect(first.asked).toEqual(['close']);
    expect(second.viewers).toBe(2);
    second.play(3);
    await other.until(({ fragments }) => fragments.length === 12);
    expect(other.fragments.map(({ sequence }) => sequence)).toEqual([...Array(12).keys()]);
    expect(other.fragments.map(({ kind }) => kind)).toEqual([
      ...['init', ...Array<string>(7).fill('media')],
      ...['init', ...Array<string>(3).fill('media')],
    ]);
    const late = await TestClient.open(server.url, { token });
    expect((await late.message('hello')).source).toBe('rtsp://camera.example');
    await late.until(({ fragments }) => fragments.length === 4);
    expect(late.fragments[0]).toMatchObject({ kind: 'init', sequence: 8 });
    expect(JSON.stringify(other.messages)).not.toContain('hunter2');
  });

  it('that can’t be opened leaves the present one', async () => {
    const viewer = await TestClient.open(server.url, { token });
    viewer.send({ type: 'source', id: 1, source: 'file:///etc/passwd' });
    expect(await viewer.message('error')).toMatchObject({ id: 1, code: 'USAGE' });
    first.play(2);
    await viewer.until(({ fragments }) => fragments.length === 3);
    expect(first.asked).toEqual([]);
  });

  it('waits until nothing is recorded', async () => {
    const viewer = await TestClient.open(server.url, { token });
    first.state.next({ ...first.currentState(), recording: true });
    viewer.send({ type: 'source', id: 1, source: 'rtsp://camera.example' });
    expect((await viewer.message('error')).message).toContain('recorded');
  });

  it('may be a viewer’s camera', async () => {
    const viewer = await TestClient.open(server.url, { token });
    expect((await viewer.message('hello')).may.camera).toBe(false);
    viewer.send({ type: 'source', id: 1, source: 'browser' });
    expect((await viewer.message('source')).camera).toBe(true);
    viewer.send({ type: 'camera', action: 'begin', id: 2, format: 'webcodecs', codec: 'vp8', width: 64, height: 48 });
    await viewer.message('done', ({ id }) => id === 2);
    expect(second.asked).toEqual([{ camera: { kind: 'chunks', codec: 'vp8' } }]);
  });

  it('is the owner’s to choose, unless they let viewers', async () => {
    await server.close();
    server = await openServer({ feed });
    const viewer = await TestClient.open(server.url, { token });
    expect((await viewer.message('hello')).may.source).toBe(false);
    viewer.send({ type: 'source', id: 1, source: 'rtsp://camera.example' });
    expect((await viewer.message('error')).message).toContain('may not choose');
    expect(first.asked).toEqual([]);
  });
});

describe('what a viewer may name', () => {
  it.each([
    'file:///etc/passwd',
    '/etc/passwd',
    '/dev/video0',
    'v4l2:/dev/video0',
    'concat:/etc/passwd|/etc/group',
    'subfile,,start,0,end,99,,:/etc/passwd',
    'crypto+file:/etc/passwd',
    'udp://0.0.0.0:9000',
    'tcp://0.0.0.0:9000?listen',
    'srt://0.0.0.0:9000?mode=listener',
    'data:video/mp4;base64,AAAA',
    'lavfi:testsrc',
    'pipe:0',
  ])('is not %s', async (source) => {
    await server.close();
    await feed[Symbol.asyncDispose]();
    const owner = await LiveSession.open({ source: fixture('clips/dogs-blurry.mp4'), loop: true, model: 'none' });
    feed = new SwitchedFeed(owner, (asked) => LiveSession.open({ source: asked, origin: 'viewer', model: 'none' }));
    server = await openServer({ feed, changeSource: (asked) => feed.change(asked) });
    const viewer = await TestClient.open(server.url, { token });
    viewer.send({ type: 'source', id: 1, source });
    expect(await viewer.message('error')).toMatchObject({ id: 1, code: 'USAGE' });
    await viewer.until(({ fragments }) => fragments.length > 1, 'the owner’s source');
  });
});
