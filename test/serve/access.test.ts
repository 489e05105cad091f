import { spawnSync } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION, closeCodes, subprotocol, tokenSubprotocolPrefix } from '../../src/protocol/index.js';
import type { LiveServer, LiveServerOptions } from '../../src/serve/index.js';
import { scratchFolder } from '../support/io.js';
import { TestClient } from '../support/live-client.js';
import { fetchWith, openServer, token } from '../support/live-server.js';
import { RecordedFeed } from '../support/recorded-feed.js';

const wrong = 'the-wrong-token-here';
let feed: RecordedFeed;
let server: LiveServer;

async function start(options: Partial<LiveServerOptions> = {}): Promise<void> {
  server = await openServer({ feed, ...options });
}

function join(options: Parameters<typeof TestClient.open>[1] = {}): Promise<TestClient> {
  return TestClient.open(server.url, options);
}

/** The status of a request with headers that `fetch` would not send. */
function status(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(server.url + path, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

beforeEach(async () => {
  feed = await RecordedFeed.make({ frames: 12 });
});
afterEach(async () => {
  await server.close();
});

describe('the token', () => {
  it('may come with the first message, or with the handshake', async () => {
    await start();
    const first = await join({ token });
    await first.message('hello');
    const second = await join({ protocols: [subprotocol, tokenSubprotocolPrefix + token] });
    await second.message('hello');
    expect(second.socket.protocol).toBe(subprotocol);
  });

  it.each<[string, Parameters<typeof TestClient.open>[1]]>([
    ['wrong', { token: wrong }],
    ['missing', {}],
    ['empty', { token: '' }],
  ])('closes the connection when it is %s', async (_, options) => {
    await start();
    const client = await join(options);
    expect(await client.closed).toBe(closeCodes.unauthorised);
    feed.play(3);
    expect([client.messages, client.fragments, feed.viewers]).toEqual([[], [], 0]);
  });

  it('refuses the handshake when it is wrong there', async () => {
    await start();
    await expect(join({ protocols: [subprotocol, tokenSubprotocolPrefix + wrong] })).rejects.toThrow('401');
  });

  it('is not taken from an address', async () => {
    await start();
    await expect(join({ path: `/ws?token=${token}` })).rejects.toThrow('404');
    expect((await fetch(`${server.url}/metrics?token=${token}`)).status).toBe(401);
  });

  it('can’t be guessed: who is wrong too often is blocked, with the right one too', async () => {
    await start({ limits: { wrongTokens: 3 } });
    for (let i = 0; i < 3; i += 1) expect(await (await join({ token: wrong })).closed).toBe(closeCodes.unauthorised);
    expect(await (await join({ token })).closed).toBe(closeCodes.tooMany);
    expect((await fetchWith(server, '/metrics')).status).toBe(429);
  });

  it('must be long enough', async () => {
    await expect(openServer({ token: 'short' })).rejects.toMatchObject({ code: 'USAGE' });
    await start();
  });
});

describe('the first message', () => {
  it('must come in time', async () => {
    await start({ limits: { hello: 0.2 } });
    const client = await join({ silent: true });
    expect(await client.closed).toBe(closeCodes.timedOut);
  });

  it('must be hello, once', async () => {
    await start();
    const client = await join({ silent: true });
    client.send({ type: 'snapshot', id: 1 });
    expect(await client.closed).toBe(closeCodes.badMessage);
    const twice = await join({ token });
    await twice.message('hello');
    twice.send({ type: 'hello', protocol: PROTOCOL_VERSION, token });
    expect(await twice.closed).toBe(closeCodes.badMessage);
    expect(feed.asked).toEqual([]);
  });

  it('must be of the same version', async () => {
    await start();
    const client = await join({ silent: true });
    client.send({ type: 'hello', protocol: 99, token });
    expect(await client.closed).toBe(closeCodes.version);
    await expect(join({ protocols: ['deblur.v99'] })).rejects.toThrow('400');
  });
});

describe('where a page comes from', () => {
  it.each(['https://evil.example', 'null', 'http://127.0.0.1:1', 'http://localhost.evil.example'])(
    'is refused when it is %s',
    async (origin) => {
      await start();
      await expect(join({ token, ws: { origin } })).rejects.toThrow('403');
      expect(await status('/jobs', { origin, authorization: `Bearer ${token}` })).toBe(403);
    },
  );

  it('may be the server itself, or a site that is allowed', async () => {
    await start({ origins: ['https://studio.example'] });
    await (await join({ token, ws: { origin: server.url } })).message('hello');
    await (await join({ token, ws: { origin: 'https://studio.example' } })).message('hello');
    const answer = await fetchWith(server, '/openapi.json', { headers: { origin: 'https://studio.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://studio.example');
    const preflight = await fetch(`${server.url}/jobs`, {
      method: 'OPTIONS',
      headers: { origin: 'https://studio.example', 'access-control-request-headers': 'authorization' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  });

  it('can’t be a name that was led here', async () => {
    await start();
    const host = `evil.example:${new URL(server.url).port}`;
    const headers = { host, origin: `http://${host}` };
    await expect(join({ token, ws: { headers } })).rejects.toThrow('403');
    expect(await status('/healthz', headers)).toBe(403);
    expect(await status('/healthz', { host: `localhost:${new URL(server.url).port}` })).toBe(200);
  });

  it('may be the name of an allowed origin, which a proxy hands on', async () => {
    await start({ origins: ['https://studio.example'] });
    const headers = { host: 'studio.example', origin: 'https://studio.example' };
    expect(await status('/healthz', headers)).toBe(200);
    await (await join({ token, ws: { headers } })).message('hello');
  });
});

describe('limits', () => {
  it('of viewers', async () => {
    await start({ limits: { viewers: 2 } });
    const [first] = [await join({ token }), await join({ token })];
    await first.message('hello');
    expect(await (await join({ token })).closed).toBe(closeCodes.tooMany);
    await first.leave();
    await (await join({ token })).message('hello');
  });

  it('of connections that say nothing', async () => {
    await start({ limits: { viewers: 2 } });
    const silent = await Promise.all(Array.from({ length: 18 }, () => join({ silent: true })));
    await expect(join({ token })).rejects.toThrow('503');
    for (const client of silent) client.socket.terminate();
  });

  it('of connections a minute', async () => {
    await start({ limits: { connections: 3 } });
    for (let i = 0; i < 3; i += 1) await (await join({ token })).message('hello');
    await expect(join({ token })).rejects.toThrow('429');
  });

  it('of requests a minute', async () => {
    await start({ limits: { requests: 5 } });
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => (await fetchWith(server, '/jobs')).status),
    );
    expect(statuses.filter((code) => code === 429)).toHaveLength(3);
  });
});

describe('the answers', () => {
  it('let a page load and do nothing that the server’s own page does not need', async () => {
    await start();
    const { headers } = await fetch(`${server.url}/`);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  it('never are files that lie beside the page', async () => {
    await start();
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/.env', '/assets/..%5c..']) {
      const code = await status(path, {});
      expect([400, 403, 404], path).toContain(code);
    }
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('TLS', () => {
  it('carries both the page and the socket', async () => {
    const folder = await scratchFolder();
    try {
      const [cert, key] = [folder.path('cert.pem'), folder.path('key.pem')];
      const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes'];
      const made = spawnSync('openssl', [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        ...subject,
        '-keyout',
        key,
        '-out',
        cert,
      ]);
      expect(made.status).toBe(0);
      await start({ tls: { cert, key } });
      expect(server.url).toMatch(/^https:/);
      const client = await join({ token, ws: { rejectUnauthorized: false, origin: server.url } });
      await client.message('hello');
      const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
        httpsRequest(server.url, { rejectUnauthorized: false }, (response) => {
          response.resume();
          resolve(response.headers);
        })
          .on('error', reject)
          .end();
      });
      expect(headers['strict-transport-security']).toContain('max-age=');
      await client.leave();
    } finally {
      await folder.remove();
    }
  });
});
