import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeCodes, encodeBinary, type BinaryMessage } from '../../src/protocol/index.js';
import type { LiveServer, LiveServerOptions } from '../../src/serve/index.js';
import { eventually } from '../support/eventually.js';
import { TestClient } from '../support/live-client.js';
import { fetchWith, openServer, token } from '../support/live-server.js';
import { RecordedFeed } from '../support/recorded-feed.js';

let feed: RecordedFeed;
let server: LiveServer;

async function start(options: Partial<LiveServerOptions> = {}): Promise<void> {
  server = await openServer({ feed, ...options });
}

function join(options: Parameters<typeof TestClient.open>[1] = {}): Promise<TestClient> {
  return TestClient.open(server.url, { token, ...options });
}

/** The frames of fragments, in the order they came. */
function numbers(fragments: readonly BinaryMessage[]): number[] {
  return fragments.flatMap(({ frames }) => frames.map(({ number }) => number));
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
    const viewer = await join();
    expect(await viewer.message('hello')).toMatchObject({
      protocol: 1,
      source: 'a recording',
      may: { control: true, snapshot: true, record: false, camera: false, jobs: false },
    });
    expect((await viewer.message('state')).state).toMatchObject({ source: 'live', model: 'light' });
    expect(feed.viewers).toBe(1);
    feed.play(25);
    await viewer.until(({ fragments }) => fragments.length === 26);
    const [init, ...media] = viewer.fragments;
    expect(init).toMatchObject({ kind: 'init', sequence: 0, frames: [] });
    expect(Buffer.from(init!.data).equals(Buffer.from(feed.init))).toBe(true);
    expect(numbers(media)).toEqual([...Array(25).keys()]);
    expect(media.filter(({ keyframe }) => keyframe).map(({ pts }) => pts)).toEqual([0, 0.4, 0.8]);
    expect(media.some(({ discontinuity }) => discontinuity)).toBe(false);
    await viewer.leave();
    await eventually(() => feed.viewers).toBe(0);
  });

  it('who comes late gets the header and the group of pictures under way at once', async () => {
    await start();
    feed.play(27);
    const viewer = await join();
    await viewer.until(({ fragments }) => fragments.length === 8);
    expect(viewer.fragments[0]!.kind).toBe('init');
    expect(viewer.fragments[1]).toMatchObject({ keyframe: true, frames: [{ number: 20 }] });
    feed.play(1);
    await viewer.until(({ fragments }) => fragments.at(-1)!.frames[0]?.number === 27);
    await viewer.leave();
  });

  it('who wants no media gets none, and does not wake the network', async () => {
    await start();
    const viewer = await join({ media: false });
    await viewer.message('state');
    feed.play(3);
    await viewer.message('statistics', ({ statistics }) => statistics.framesOut === 3);
    expect(viewer.fragments).toEqual([]);
    expect(feed.viewers).toBe(0);
    await viewer.leave();
  });

  it('who reads nothing for a while loses whole groups and begins anew at a keyframe; another loses nothing', async () => {
    feed = await RecordedFeed.make({ heavy: true });
    await start();
    const [fast, slow] = [await join(), await join()];
    await slow.message('state');
    slow.socket.pause();
    feed.run(20);
    await fast.until(({ fragments }) => fragments.length > 100, 'a hundred frames');
    slow.socket.resume();
    await slow.until(({ fragments }) => fragments.some(({ discontinuity }) => discontinuity), 'a new beginning');
    const seen = slow.fragments.length;
    await slow.until(({ fragments }) => fragments.length > seen + 12);
    feed.stop();

    expect(numbers(fast.fragments)).toEqual([...Array(fast.fragments.length - 1).keys()]);
    const lost = numbers(slow.fragments);
    const media = slow.fragments.slice(1);
    for (const [i, fragment] of media.entries()) {
      const gap = i > 0 && lost[i] !== lost[i - 1]! + 1;
      expect(fragment.discontinuity).toBe(gap);
      if (gap) expect(fragment.keyframe).toBe(true);
    }
    expect(lost.length).toBeLessThan(fast.fragments.length - 20);
    const told = await slow.message('statistics', ({ skipped }) => skipped > 0);
    expect(told.skipped % 1).toBe(0);
    await Promise.all([fast.leave(), slow.leave()]);
  });

  it('who reads nothing is cut when nothing was heard for too long', async () => {
    await start({ limits: { idle: 1.5 } });
    const [silent, other] = [await join(), await join()];
    await silent.message('state');
    (silent.socket as unknown as { _socket: { pause: () => void } })._socket.pause();
    await eventually(() => server.connections.all).toBe(1);
    expect(other.code).toBeUndefined();
    silent.socket.terminate();
    await other.leave();
  });

  it('who answers pings stays, however quiet', async () => {
    await start({ limits: { idle: 1 } });
    const viewer = await join();
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(viewer.code).toBeUndefined();
    await viewer.leave();
  });

  it('may be cut at any moment, 200 times, and leaves nothing behind', async () => {
    await start();
    const witness = await join();
    feed.run(5);
    await witness.until(({ fragments }) => fragments.length > 1);
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < 200; i += 10) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const viewer = await join({ silent: random() < 0.2 });
          await new Promise((resolve) => setTimeout(resolve, random() * 30));
          if (random() < 0.5) viewer.socket.terminate();
          else (viewer.socket as unknown as { _socket: { resetAndDestroy: () => void } })._socket.resetAndDestroy();
          await viewer.closed;
        }),
      );
    }
    await eventually(() => server.connections).toEqual({ all: 1, viewers: 1 });
    await eventually(() => feed.viewers).toBe(1);
    await eventually(descriptors).toBeLessThanOrEqual(before);
    feed.stop();
    await witness.until(({ fragments }) => numbers(fragments).at(-1) === feed.currentStatistics().framesOut - 1);
    const seen = numbers(witness.fragments);
    expect(seen).toEqual(Array.from(seen, (_, i) => seen[0]! + i));
    await witness.leave();
  });
});

describe('what a viewer asks for', () => {
  it('is done, and everyone is told', async () => {
    await start();
    const [viewer, other] = [await join(), await join()];
    await other.message('state');
    viewer.send({ type: 'control', id: 5, model: 'none', strength: 0.25, paused: true });
    await viewer.message('done', ({ id }) => id === 5);
    expect(feed.asked).toEqual([{ model: 'none', strength: 0.25, paused: true }]);
    await other.message('state', ({ state }) => state.model === 'none' && state.strength === 0.25 && state.paused);
    viewer.send({ type: 'keyframe' });
    await eventually(() => feed.asked.at(-1)).toBe('keyframe');
    const before = Date.now();
    viewer.send({ type: 'ping', time: 123 });
    const pong = await viewer.message('pong');
    expect(pong.time).toBe(123);
    expect(pong.server).toBeGreaterThanOrEqual(before);
  });

  it('may not be a file of the server', async () => {
    await start();
    const viewer = await join();
    for (const [id, model] of ['/etc/passwd', '../light', 'x.onnx', 'lihgt'].entries()) {
      viewer.send({ type: 'control', id, model });
      expect(await viewer.message('error', (error) => error.id === id)).toMatchObject({ code: 'MODEL_UNKNOWN' });
    }
    viewer.send({ type: 'control', id: 9, translator: '/tmp/x.safetensors' });
    await viewer.message('error', ({ id }) => id === 9);
    expect(feed.asked).toEqual([]);
  });

  it('is called by its plain name where the owner gave a file', async () => {
    await start({ model: '/models/mine.onnx', translator: '/models/my-camera.safetensors' });
    feed.state.next({ ...feed.currentState(), model: '/models/mine.onnx' });
    const viewer = await join();
    const hello = await viewer.message('hello');
    expect(hello.models.map(({ name }) => name)).toEqual(expect.arrayContaining(['mine.onnx', 'light', 'none']));
    expect(hello.translators.map(({ name }) => name)).toEqual(['my-camera.safetensors']);
    expect((await viewer.message('state')).state.model).toBe('mine.onnx');
    viewer.send({ type: 'control', id: 1, model: 'mine.onnx', translator: 'my-camera.safetensors' });
    await viewer.message('done');
    expect(feed.asked).toEqual([{ model: '/models/mine.onnx', translator: '/models/my-camera.safetensors' }]);
    expect(JSON.stringify(viewer.messages)).not.toContain('/models');
  });

  it('can be a snapshot, made once for all who ask at the same time', async () => {
    await start();
    const [viewer, other] = [await join(), await join()];
    viewer.send({ type: 'snapshot', id: 1 });
    other.send({ type: 'snapshot', id: 2 });
    expect(await viewer.message('snapshot')).toEqual({ type: 'snapshot', id: 1, original: 'AQID', result: 'BAUG' });
    await other.message('snapshot');
  });

  it('can not be a recording where there is no folder for it', async () => {
    await start();
    const viewer = await join();
    viewer.send({ type: 'record', id: 1, recording: true });
    expect((await viewer.message('error')).message).toContain('no folder');
  });
});

describe('a viewer’s camera', () => {
  it('is sent by one viewer at a time, and ends with its connection', async () => {
    await start({ camera: true });
    const [viewer, other] = [await join(), await join()];
    const begin = {
      type: 'camera',
      action: 'begin',
      format: 'webcodecs',
      codec: 'vp8',
      width: 64,
      height: 48,
    } as const;
    viewer.send({ ...begin, id: 1 });
    await viewer.message('done');
    other.send({ ...begin, id: 2 });
    expect(await other.message('error')).toMatchObject({ id: 2, code: 'BUSY' });
    const stamp = { keyframe: true, discontinuity: false, sequence: 0, pts: 1.5, frames: [] };
    const chunk: BinaryMessage = { kind: 'camera', ...stamp, data: Uint8Array.of(9, 8, 7) };
    viewer.socket.send(encodeBinary(chunk));
    other.socket.send(encodeBinary({ ...chunk, data: Uint8Array.of(6) }));
    await eventually(() => feed.asked.length).toBe(2);
    expect(feed.asked).toEqual([
      { camera: { kind: 'chunks', codec: 'vp8' } },
      { chunk: { data: Buffer.from([9, 8, 7]), timestamp: 1.5, keyframe: true } },
    ]);
    feed.accepts = false;
    viewer.socket.send(encodeBinary(chunk));
    expect(await viewer.message('camera')).toEqual({ type: 'camera', request: 'keyframe' });
    viewer.socket.terminate();
    await eventually(() => feed.asked.at(-1)).toBe('end camera');
    other.send({ ...begin, id: 3, format: 'mediarecorder', mime: 'video/webm' });
    await other.message('done', ({ id }) => id === 3);
    expect(feed.asked.at(-1)).toEqual({ camera: { kind: 'container', mime: 'video/webm' } });
  });

  it('is refused where the source is another', async () => {
    await start();
    const viewer = await join();
    viewer.send({ type: 'camera', action: 'begin', id: 1, format: 'webcodecs', codec: 'vp8', width: 64, height: 48 });
    expect(await viewer.message('error')).toMatchObject({ id: 1, code: 'NOT_ALLOWED' });
  });
});

describe('the server', () => {
  it('says whether it runs, and whether there is something to see', async () => {
    await start();
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    feed.state.next({ ...feed.currentState(), source: 'reconnecting', message: 'The source was lost.' });
    const unready = await fetch(`${server.url}/readyz`);
    expect([unready.status, await unready.json()]).toEqual([503, { status: 'reconnecting' }]);
  });

  it('counts what it does for Prometheus', async () => {
    await start();
    const viewer = await join();
    feed.play(5);
    await viewer.until(({ fragments }) => fragments.length === 6);
    await join({ token: 'the-wrong-token-here' }).then((client) => client.closed);
    const text = await (await fetchWith(server, '/metrics')).text();
    for (const line of [
      'deblur_viewers 1',
      'deblur_sent_fragments_total 6',
      'deblur_source_state{state="live"} 1',
      'deblur_frames{kind="out"} 5',
      'deblur_latency_seconds{quantile="0.95"} 0.02',
      'deblur_connections_refused_total{reason="token"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toContain('process_resident_memory_bytes');
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  });

  it('says goodbye to its viewers when it stops, and is gone', async () => {
    await start();
    const viewer = await join();
    await viewer.message('state');
    const { url } = server;
    const began = Date.now();
    await server.close();
    expect(await viewer.closed).toBe(closeCodes.goingAway);
    expect(Date.now() - began).toBeLessThan(10_000);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });
});
