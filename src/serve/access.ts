import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { subprotocol, tokenSubprotocolPrefix } from '../protocol/index.js';
import { TokenBuckets } from './token-bucket.js';

/** A new token: 192 random bits. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Whether an address to listen on is of this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Options of {@link Access}. */
export interface AccessOptions {
  token: string;
  /** Address the server listens on. */
  host: string;
  /** Origins of other sites whose pages may connect. */
  origins: readonly string[];
  /** Wrong tokens a minute that one address may try. */
  wrongTokens: number;
}

/** How a token was found to be. */
export type TokenVerdict = 'right' | 'wrong' | 'blocked';

/** Who may use the server. */
export class Access {
  readonly #token: Buffer;
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #failures: TokenBuckets;

  constructor({ token, host, origins, wrongTokens }: AccessOptions) {
    this.#token = digest(token);
    this.#origins = new Set(origins.map((origin) => new URL(origin).origin));
    // A page of another site can give its own name the address 127.0.0.1; its requests then name that host. The names of
    // allowed origins are there for a proxy that hands requests on.
    const names = origins.map((origin) => new URL(origin).hostname);
    this.#hosts = isLoopback(host) ? new Set(['localhost', '127.0.0.1', '[::1]', host, ...names]) : undefined;
    this.#failures = new TokenBuckets(wrongTokens);
  }

  /**
   * Compares a token, in a time that tells nothing of it. An address that was wrong too often is blocked for a while,
   * with the right one too.
   */
  checkToken(token: string | undefined, address: string): TokenVerdict {
    if (!this.#failures.allows(address)) return 'blocked';
    if (token !== undefined && timingSafeEqual(digest(token), this.#token)) return 'right';
    if (token !== undefined) this.#failures.take(address);
    return 'wrong';
  }

  /** Whether the host that a request names is one of this server's. */
  hostAllowed({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
    if (!this.#hosts) return true;
    const name = hostName(headers.host);
    return name !== undefined && this.#hosts.has(name);
  }

  /** Whether a request comes from the server's own page, from a site that may, or from no page at all. */
  originAllowed({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
    const { origin } = headers;
    if (origin === undefined) return true;
    return this.#origins.has(origin) || (URL.canParse(origin) && new URL(origin).host === headers.host?.toLowerCase());
  }

  /** Whether an origin is another site's that may connect. */
  foreign(origin: string | undefined): origin is string {
    return origin !== undefined && this.#origins.has(origin);
  }
}

function hostName(host: string | undefined): string | undefined {
  const url = `http://${host ?? ''}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** The token of `Authorization: Bearer …`. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(header ?? '')?.[1];
}

/** The subprotocols that a handshake offers. */
export interface OfferedProtocols {
  /** Whether it offers this version of the protocol, or none by name. */
  readonly known: boolean;
  /** The token among them. */
  readonly token: string | undefined;
}

/** Reads `Sec-WebSocket-Protocol`. */
export function offeredProtocols(header: string | undefined): OfferedProtocols {
  const names = (header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const token = names.find((name) => name.startsWith(tokenSubprotocolPrefix))?.slice(tokenSubprotocolPrefix.length);
  return { known: names.length === 0 || names.includes(subprotocol), token };
}
