import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION, encodeBinary } from '../../src/protocol/index.js';
import type { LiveServer } from '../../src/serve/index.js';
import { eventually } from '../support/eventually.js';
import { TestClient } from '../support/live-client.js';
import { openServer, token } from '../support/live-server.js';
import { RecordedFeed } from '../support/recorded-feed.js';

let feed: RecordedFeed;
let server: LiveServer;
let witness: TestClient;

beforeAll(async () => {
  feed = await RecordedFeed.make();
  server = await openServer({ feed, camera: true, limits: { connections: 1e6, wrongTokens: 1e6, requests: 1e6 } });
  witness = await TestClient.open(server.url, { token });
  await witness.message('hello');
  feed.run(10);
});
afterAll(async () => {
  feed.stop();
  await server.close();
});

/** Holds the server to its word: the witness lost no frame and waited for none, and nobody else is left. */
async function expectUnmoved(): Promise<void> {
  const seen = witness.fragments.length;
  await witness.until(({ fragments }) => fragments.length > seen + 5, 'more frames');
  const numbers = witness.fragments.flatMap(({ frames }) => frames.map(({ number }) => number));
  expect(numbers).toEqual(Array.from(numbers, (_, i) => i));
  expect(witness.code).toBeUndefined();
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await eventually(() => server.connections.all).toBe(1);
}

/** A client that got in. */
async function intruder(): Promise<TestClient> {
  const client = await TestClient.open(server.url, { token });
  await client.message('hello');
  return client;
}

const chunk = { kind: 'camera', keyframe: true, discontinuity: false, sequence: 0, pts: 0, frames: [] } as const;

describe('a viewer sees the stream, unmoved, while another client', () => {
  it.each<[string, (client: TestClient) => void]>([
    ['sends random bytes', ({ socket }) => socket.send(randomBytes(5000))],
    ['sends random text', ({ socket }) => socket.send(randomBytes(500).toString('latin1'))],
    ['sends JSON that is none', ({ socket }) => socket.send('{"type":"control",')],
    ['sends JSON of another kind', ({ socket }) => socket.send('[1,2,3]')],
    ['sends deep JSON', ({ socket }) => socket.send('['.repeat(60_000))],
    ['sends JSON that pollutes', ({ socket }) => socket.send('{"type":"control","__proto__":{"x":1},"constructor":1}')],
    ['sends a message of no type', ({ socket }) => socket.send('{"type":"toString"}')],
    ['sends an unknown setting', ({ socket }) => socket.send('{"type":"control","source":"file:///etc/passwd"}')],
    ['sends text that is too large', ({ socket }) => socket.send(`{"type":"${'x'.repeat(70_000)}"}`)],
    ['sends a binary message that is too large', ({ socket }) => socket.send(Buffer.alloc(5 * 2 ** 20))],
    ['sends text that is no UTF-8', ({ socket }) => socket.send(Buffer.from([0xff, 0xfe, 0xc0]), { binary: false })],
    [
      'claims to be the server',
      ({ socket }) => socket.send(encodeBinary({ ...chunk, kind: 'media', data: randomBytes(9) })),
    ],
    [
      'floods with messages',
      ({ socket }) => {
        for (let i = 0; i < 5000; i += 1) socket.send('{"type":"keyframe"}');
      },
    ],
    [
      'floods with pings',
      ({ socket }) => {
        for (let i = 0; i < 5000; i += 1) socket.ping();
      },
    ],
    [
      'floods with bytes',
      ({ socket }) => {
        for (let i = 0; i < 10; i += 1) socket.send(encodeBinary({ ...chunk, data: Buffer.alloc(3 * 2 ** 20) }));
      },
    ],
    [
      'sends a message in thousands of pieces',
      ({ socket }) => {
        for (let i = 0; i < 2000; i += 1) socket.send('x', { fin: false });
      },
    ],
  ])('%s, and is cut', async (_, attack) => {
    const client = await intruder();
    attack(client);
    const code = await client.closed;
    expect([1002, 1006, 1007, 1008, 1009, 4400, 4429]).toContain(code);
    await expectUnmoved();
  });

  it('asks for far too many snapshots, keyframes and models', async () => {
    const client = await intruder();
    const asked = feed.asked.length;
    for (let i = 0; i < 60; i += 1) {
      client.send({ type: 'snapshot', id: i });
      client.send({ type: 'keyframe' });
      client.send({ type: 'control', id: 100 + i, model: 'none' });
    }
    await client.message('error', ({ id, code }) => id === 159 && code === 'TOO_MANY');
    expect(feed.asked.length - asked).toBeLessThan(14);
    await client.leave();
    await expectUnmoved();
  });

  it('reads nothing of what it asks for, and is cut', async () => {
    feed.picture = { original: randomBytes(4 * 2 ** 20), result: randomBytes(4 * 2 ** 20) };
    const client = await intruder();
    client.socket.pause();
    for (let i = 0; i < 20 && server.connections.all > 1; i += 1) {
      client.send({ type: 'snapshot', id: i });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await eventually(() => server.connections.all).toBe(1);
    client.socket.terminate();
    await expectUnmoved();
  });

  it('breaks off in the middle of a handshake or a frame', async () => {
    const { port } = new URL(server.url);
    const open = () =>
      new Promise<Socket>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => resolve(socket));
        socket.on('error', () => undefined);
      });
    const handshake = [
      'GET /ws HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n');
    for (const text of [
      'GET /ws HTTP/1.1\r\nHost: 127',
      handshake.replace('13', '12'),
      handshake.replace('dGhlIHNhbXBsZSBub25jZQ==', 'x'),
      handshake.replace('/ws', '/elsewhere'),
      handshake.replace('GET', 'POST'),
      '\x16\x03\x01\x02',
      handshake,
    ]) {
      const socket = await open();
      socket.write(text);
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.resetAndDestroy();
    }
    let seed = 5;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < 40; i += 1) {
      const socket = await open();
      socket.write(handshake);
      const frame = Buffer.from(
        Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256)),
      );
      socket.write(frame);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (random() < 0.5) socket.destroy();
      else socket.resetAndDestroy();
    }
    await expectUnmoved();
  });

  it('says hello in many wrong ways', async () => {
    let seed = 11;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const values = [null, -1, Infinity, '', 'x'.repeat(1000), [], {}, true, { type: 'hello' }];
    const any = () => values[Math.floor(random() * values.length)];
    for (let i = 0; i < 60; i += 1) {
      const client = await TestClient.open(server.url, { silent: true });
      const hello = { type: 'hello', protocol: PROTOCOL_VERSION, token: any(), client: any(), media: any(), x: any() };
      client.socket.send(JSON.stringify(hello));
      await client.closed;
      expect(client.fragments).toEqual([]);
    }
    await expectUnmoved();
  });
});
