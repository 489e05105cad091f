import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packagePath } from '../../src/package-root.js';
import { clientMessage, serverMessage, tokenPattern } from '../../src/protocol/index.js';

describe('the JSON messages', () => {
  it.each([
    { type: 'hello', protocol: 1, token: 'abc' },
    { type: 'control', id: 1, model: 'light', translator: null, strength: 0.5, paused: true },
    { type: 'keyframe' },
    { type: 'snapshot', id: 0 },
    { type: 'record', recording: true },
    { type: 'camera', action: 'begin', format: 'webcodecs', codec: 'vp8', width: 640, height: 360, fps: 30 },
    { type: 'camera', action: 'end' },
    { type: 'ping', time: 1 },
  ])('from a client: $type', (message) => {
    expect(clientMessage.parse(message)).toMatchObject(message);
  });

  it.each([
    { type: 'hello', protocol: 1, token: 'abc', admin: true },
    { type: 'hello' },
    { type: 'control', strength: 1.5 },
    { type: 'control', source: 'file:///etc/passwd' },
    { type: 'camera', action: 'begin', format: 'webcodecs', width: -1, height: 5 },
    { type: 'camera', action: 'shoot' },
    { type: 'state' },
    {},
    [],
    null,
    'hello',
  ])('refuse %j from a client', (message) => {
    expect(clientMessage.safeParse(message).success).toBe(false);
  });

  it('let a client read what a newer server adds', () => {
    const message = { type: 'pong', time: 1, server: 2, news: true };
    expect(serverMessage.parse(message)).toEqual({ type: 'pong', time: 1, server: 2 });
  });
});

describe('a token', () => {
  it.each(['abcdefghijklmnop', 'A-._~0123456789z'])('may be %s', (token) => {
    expect(tokenPattern.test(token)).toBe(true);
  });
  it.each(['short', 'has a space in between', 'comma,abcdefghijklmnop', ''])('may not be "%s"', (token) => {
    expect(tokenPattern.test(token)).toBe(false);
  });
});

describe('the protocol', () => {
  it('imports nothing of Node, for browsers build on it', () => {
    const folder = packagePath('src/protocol');
    for (const file of readdirSync(folder)) {
      const imports = [...readFileSync(`${folder}/${file}`, 'utf8').matchAll(/from '([^']+)'/g)].map(
        ([, name]) => name,
      );
      expect(imports.filter((name) => !name!.startsWith('./') && name !== 'zod' && name !== '../errors.js')).toEqual(
        [],
      );
    }
  });
});
