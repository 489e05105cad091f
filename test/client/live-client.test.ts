import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { filter, firstValueFrom, take, timeout, toArray, type Observable } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { codecOf, connect, type Connection, type ConnectOptions, type LiveClient } from '../../src/client/index.js';
import { openVideo } from '../../src/io/index.js';
import { encodeBinary, type Job } from '../../src/protocol/index.js';
import type { LiveServer } from '../../src/serve/index.js';
import { fixture } from '../support/fixtures.js';
import { scratchFolder } from '../support/io.js';
import { PaintedFeed } from '../support/live-feed.js';
import { openServer, token } from '../support/live-server.js';

const [width, height] = [128, 72];

let feed: PaintedFeed;
let folder: Awaited<ReturnType<typeof scratchFolder>>;
let server: LiveServer;
const clients: LiveClient[] = [];

beforeEach(async () => {
  feed = await PaintedFeed.open({ width, height });
  folder = await scratchFolder();
  server = await openServer({ feed, root: folder.path('') });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
  await feed[Symbol.asyncDispose]();
  await folder.remove();
});

function open(options: ConnectOptions = {}, url = server.url): LiveClient {
  const client = connect(url, { token, reconnect: { first: 20, longest: 100 }, ...options });
  clients.push(client);
  return client;
}

function first<T>(observable: Observable<T>, holds: (value: T) => boolean = () => true): Promise<T> {
  return firstValueFrom(observable.pipe(filter(holds), timeout(10_000)));
}

function status(client: LiveClient, wanted: Connection['status']): Promise<Connection> {
  return first(client.connection$, (connection) => connection.status === wanted);
}

test('receives the stream, which can be decoded, and its figures', async () => {
  const client = open();
  const fragments = await firstValueFrom(client.fragments$.pipe(take(26), toArray(), timeout(10_000)));
  expect(fragments.map(({ kind }) => kind)).toEqual(['init', ...Array<string>(25).fill('media')]);
  expect(fragments[1]?.keyframe).toBe(true);
  expect(codecOf(fragments[0]?.data ?? new Uint8Array())).toMatch(/^avc1\./);
  // Who comes later gets the header too.
  expect((await first(client.fragments$)).data).toEqual(fragments[0]?.data);
  await writeFile(folder.path('seen.mp4'), Buffer.concat(fragments.map(({ data }) => data)));
  await using reader = await openVideo(folder.path('seen.mp4'));
  expect(reader.video).toMatchObject({ width, height: 2 * height });
  const state = await first(client.state$);
  expect(state).toMatchObject({ source: 'live', width, height });
  const statistics = await first(client.statistics$);
  expect(statistics).toMatchObject({ skipped: 0, fps: 25 });
  expect(client.hello?.may).toMatchObject({ control: true, jobs: true, camera: false });
});

test('compares the clocks', async () => {
  const client = open();
  await status(client, 'open');
  await expect.poll(() => client.clock.value, { timeout: 5000 }).toBeDefined();
  // Both are of this machine.
  expect(Math.abs(client.clock.value ?? NaN)).toBeLessThan(100);
});

test('controls, takes snapshots, records', async () => {
  const client = open();
  await status(client, 'open');
  await client.control({ strength: 0.5 });
  expect((await first(client.state$, ({ strength }) => strength === 0.5)).model).toBe('light');
  expect((await client.snapshot()).original.subarray(1, 4)).toEqual(new Uint8Array(Buffer.from('PNG')));
  expect(await client.record(true)).toMatch(/\.mp4$/);
  await first(client.state$, ({ recording }) => recording);
  await client.record(false);
  await first(client.state$, ({ recording }) => !recording);
  client.requestKeyframe();
  await expect.poll(() => feed.keyframesAsked).toBe(1);
});

test('rejects with what the server says', async () => {
  const client = open();
  await status(client, 'open');
  await expect(client.control({ model: 'no-such-model' })).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  await expect(client.beginCamera({ format: 'webcodecs', codec: 'vp8', width: 64, height: 64 })).rejects.toMatchObject({
    code: 'NOT_ALLOWED',
  });
  await expect(client.jobs.add('../outside.mp4')).rejects.toMatchObject({ name: 'DeblurError' });
});

test('comes back when the server does, and goes on with the same observables', async () => {
  const client = open();
  await first(client.fragments$);
  const { port } = new URL(server.url);
  const seen: Connection['status'][] = [];
  client.connection$.subscribe((connection) => seen.push(connection.status));
  await server.close();
  await status(client, 'waiting');
  await expect(client.control({ strength: 0 })).rejects.toMatchObject({ code: 'CANCELLED' });
  // The header of before, then the new connection's.
  const fragments = firstValueFrom(client.fragments$.pipe(take(4), toArray(), timeout(10_000)));
  server = await openServer({ feed, port: Number(port) });
  await status(client, 'open');
  expect((await fragments).map(({ kind }) => kind)).toEqual(['init', 'init', 'media', 'media']);
  expect(seen.slice(0, 3)).toEqual(['open', 'waiting', 'connecting']);
  expect(seen.at(-1)).toBe('open');
});

test('requests under way end when the connection does', async () => {
  // A server that greets and then says nothing.
  const mute = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(mute, 'listening');
  try {
    const hello = {
      ...{ type: 'hello', protocol: 1, server: 'mute', viewer: 'a', time: 0, models: [], translators: [] },
      may: { control: true, snapshot: true, record: true, camera: true, jobs: true },
      limits: { text: 1, binary: 1, rate: 1, idle: 1, upload: 1 },
    };
    mute.on('connection', (socket) => socket.send(JSON.stringify(hello)));
    const { port } = mute.address() as { port: number };
    const client = open({ answerWithin: 200 }, `http://127.0.0.1:${port}`);
    await status(client, 'open');
    await expect(client.snapshot()).rejects.toThrow('did not answer in time');
    const patient = open({ silence: 600 }, `http://127.0.0.1:${port}`);
    await status(patient, 'open');
    const asked = patient.snapshot();
    const waited = status(patient, 'waiting');
    await expect(asked).rejects.toThrow('connection was lost');
    expect(await waited).toMatchObject({ reason: 'Nothing was heard from the server.' });
  } finally {
    for (const socket of mute.clients) socket.terminate();
    mute.close();
  }
});

test('stays away when the token is wrong, and does not say it in any address', async () => {
  const client = open({ token: 'a-wrong-token-0123456789' });
  expect(await status(client, 'refused')).toMatchObject({ why: 'token' });
  expect(client.address.href).not.toContain('token');
});

test.each([
  ['text that is no JSON', 'nonsense'],
  ['a message of another shape', '{"type":"state","state":{"source":"elsewhere"}}'],
  ['a binary message of no kind', Buffer.from([9, 9, 9])],
  [
    'a fragment that is cut off',
    Buffer.from(
      encodeBinary({
        kind: 'media',
        keyframe: true,
        discontinuity: false,
        sequence: 1,
        pts: 0,
        frames: [{ number: 1, captured: 1 }],
        data: new Uint8Array(),
      }),
    ).subarray(0, 20),
  ],
])('refuses a server that sends %s', async (_, message) => {
  const strange = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(strange, 'listening');
  try {
    strange.on('connection', (socket) => socket.send(message));
    const { port } = strange.address() as { port: number };
    const client = open({}, `http://127.0.0.1:${port}`);
    expect(await status(client, 'refused')).toMatchObject({ why: 'message' });
  } finally {
    strange.close();
  }
});

test('ends with its signal, and lets go of the server', async () => {
  const abort = new AbortController();
  const client = open({ signal: abort.signal });
  await first(client.fragments$);
  await expect.poll(() => feed.viewers).toBe(1);
  let ended = 0;
  for (const observable of [
    client.connection$,
    client.fragments$,
    client.state$,
    client.jobs$,
  ] as Observable<unknown>[]) {
    observable.subscribe({ complete: () => (ended += 1) });
  }
  abort.abort();
  expect(ended).toBe(4);
  await expect.poll(() => feed.viewers).toBe(0);
  expect(() => connect('ftp://127.0.0.1')).toThrow('no protocol of deblur serve');
  expect(() => connect('nowhere')).toThrow('is no address');
});

test('sends a file, follows it, and fetches the result', async () => {
  const client = open({ media: false });
  await status(client, 'open');
  const bytes = await readFile(fixture('clips/dogs-blurry.mp4'));
  const sent = await client.jobs.upload(new Blob([new Uint8Array(bytes)]), 'dogs.mp4', { settings: { model: 'none' } });
  expect(sent.name).toBe('dogs.mp4');
  const done = await firstValueFrom(
    client.jobs$.pipe(
      filter((jobs) => jobs.some(({ id, state }) => id === sent.id && state === 'done')),
      timeout(30_000),
    ),
  );
  const [{ result } = {} as Job] = done;
  const blob = await client.jobs.result(sent.id);
  expect(blob.size).toBe(result?.bytes);
  const linked = await fetch(await client.jobs.link(sent.id));
  expect((await linked.arrayBuffer()).byteLength).toBe(result?.bytes);
  await client.jobs.remove(sent.id);
  await first(client.jobs$, (jobs) => jobs.length === 0);
  await expect(client.jobs.result(sent.id)).rejects.toMatchObject({ name: 'DeblurError' });
});
