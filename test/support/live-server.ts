import { pino } from 'pino';
import { LiveServer, type LiveServerOptions } from '../../src/serve/index.js';

/** The token of test servers. */
export const token = 'a-token-for-the-tests';

/** A silent server on a free port. */
export function openServer(options: Partial<LiveServerOptions> = {}): Promise<LiveServer> {
  return LiveServer.open({ token, port: 0, source: 'a recording', log: pino({ level: 'silent' }), ...options });
}

/** `fetch` with the token. */
export function fetchWith(server: LiveServer, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(server.url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
}
