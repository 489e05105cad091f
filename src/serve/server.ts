import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { DeblurError } from '../errors.js';
import { lightestModel } from '../models/catalogue.js';
import { subprotocol } from '../protocol/index.js';
import { Access, offeredProtocols } from './access.js';
import { Choices } from './choices.js';
import type { LiveFeed } from './feed.js';
import { createHttpApp } from './http-app.js';
import { JobQueue } from './jobs/job-queue.js';
import { JobRoot } from './jobs/job-root.js';
import { LiveRoom } from './live-room.js';
import { createLog } from './log.js';
import { Metrics } from './metrics.js';
import { serveSettings, type ServeSettings, type ServeSettingsInput } from './options.js';
import { TokenBuckets } from './token-bucket.js';

/** Options of {@link LiveServer.open}: how to serve, and what. */
export interface LiveServerOptions extends ServeSettingsInput {
  /** The live session to show. It stays the caller's to close. Default: none, the server has jobs only. */
  feed?: LiveFeed;
  /** What the source is, for people; {@link describeSource} makes it of an address. */
  source?: string;
  /** The source is a camera that a viewer sends. Default false. */
  camera?: boolean;
  /** Shows another source that a viewer asks for, or rejects. Default: viewers may not choose. */
  changeSource?: (source: string) => Promise<void>;
  /** The model that the owner chose, which jobs get too. Default `light-live`. */
  model?: string;
  /** The translator that the owner chose. Default none. */
  translator?: string;
  /** Where to tell what happens. Default: JSON lines on standard error. */
  log?: Logger;
}

/** Milliseconds that clients have to leave when the server stops. */
const farewell = 2000;
/** Milliseconds that a refused client has to read why. */
const refusalTimeout = 1000;
/** Milliseconds that a client has to answer a close frame. */
const closeTimeout = 2000;

/** The server of one live source and a queue of jobs: HTTP and WebSocket on one port. */
export class LiveServer implements AsyncDisposable {
  readonly #settings: ServeSettings;
  readonly #app: FastifyInstance;
  readonly #sockets: WebSocketServer;
  readonly #room: LiveRoom;
  readonly #jobs: JobQueue | undefined;
  readonly #access: Access;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #connections: TokenBuckets;
  readonly #stop: () => void;
  #closing: Promise<void> | undefined;

  private constructor(
    parts: { settings: ServeSettings; app: FastifyInstance; room: LiveRoom; jobs: JobQueue | undefined } & {
      access: Access;
      metrics: Metrics;
      log: Logger;
      stop: () => void;
    },
  ) {
    const { limits } = parts.settings;
    this.#settings = parts.settings;
    this.#app = parts.app;
    this.#room = parts.room;
    this.#jobs = parts.jobs;
    this.#access = parts.access;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
    this.#stop = parts.stop;
    this.#connections = new TokenBuckets(limits.connections);
    this.#sockets = new WebSocketServer({
      noServer: true,
      // Clients that follow this need no more; a compressed bomb needs none.
      perMessageDeflate: false,
      maxPayload: Math.max(limits.text, limits.binary),
      maxFragments: 256,
      maxBufferedChunks: 16_384,
      clientTracking: false,
      closeTimeout,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    } as ConstructorParameters<typeof WebSocketServer>[0]);
    const { server } = parts.app;
    server.maxConnections = 2 * limits.viewers + 256;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head);
    });
  }

  /**
   * Starts to listen.
   * @throws DeblurError `USAGE` for wrong settings or an address that can't be listened on, `INPUT_NOT_FOUND` for a root
   * that is none.
   */
  static async open(options: LiveServerOptions): Promise<LiveServer> {
    const { feed, source, camera = false, changeSource, log: given, ...others } = options;
    const { model = lightestModel, translator, ...input } = others;
    const settings = serveSettings(input);
    const { token, host, origins, limits } = settings;
    const log = given ?? createLog({ secrets: [token] });
    const access = new Access({ token, host, origins, wrongTokens: limits.wrongTokens });
    const choices = new Choices(translator === undefined ? { model } : { model, translator });
    const root = settings.root === undefined ? undefined : await JobRoot.open(settings.root);
    const queue = root && new JobQueue({ root, choices, model, translator, limit: limits.jobs, log });
    let stopping = false;
    const room: LiveRoom = new LiveRoom({
      ...{ feed, source, camera, changeSource, choices, access, limits, log },
      jobs: queue,
      recordingPath: root && (() => root.recording()),
      metrics: () => metrics,
    });
    const metrics: Metrics = new Metrics({
      ...(feed ? { feed } : {}),
      connections: () => room.counts,
      jobs: () => queue?.list() ?? [],
    });
    const app = await createHttpApp({
      ...{ settings, access, metrics, feed, log },
      jobs: queue && root ? { queue, root } : undefined,
      stopping: () => stopping,
    });
    const stop = () => {
      stopping = true;
    };
    const server = new LiveServer({ settings, app, room, jobs: queue, access, metrics, log, stop });
    await server.#listen();
    return server;
  }

  /** Where the server can be reached, for instance `http://127.0.0.1:8099`. */
  get url(): string {
    const { address, port } = this.#app.server.address() as AddressInfo;
    const reached = reachable(address);
    const host = isIP(reached) === 6 ? `[${reached}]` : reached;
    return `${this.#settings.tls ? 'https' : 'http'}://${host}:${port}`;
  }

  /** The page's address with the token in its fragment, which no browser sends to any server. */
  get link(): string {
    return `${this.url}/#token=${this.#settings.token}`;
  }

  /** Open connections, and those of them that get the stream. */
  get connections(): { all: number; viewers: number } {
    return this.#room.counts;
  }

  /** The queue of jobs, where there is a root. */
  get jobs(): JobQueue | undefined {
    return this.#jobs;
  }

  /** Says goodbye to everyone, cancels jobs and stops to listen. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#settings;
    try {
      await this.#app.listen({ host, port });
    } catch (cause) {
      await this.close();
      const { code } = cause as NodeJS.ErrnoException;
      const why = code === 'EADDRINUSE' ? 'another program listens there' : (cause as Error).message;
      throw new DeblurError('USAGE', `The server cannot listen on ${host}, port ${port}: ${why}.`, {
        cause,
        ...(code === 'EADDRINUSE' ? { hint: 'Choose another port with --port.' } : {}),
      });
    }
  }

  async #close(): Promise<void> {
    this.#stop();
    this.#room.close();
    await this.#jobs?.close();
    await new Promise<void>((resolve) => {
      const until = Date.now() + farewell;
      const look = () => {
        if (this.#room.counts.all === 0 || Date.now() >= until) resolve();
        else setTimeout(look, 20);
      };
      look();
    });
    this.#room.terminate();
    this.#sockets.close();
    await this.#app.close();
    this.#metrics.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Without a listener the reset of a refused connection would end the process.
    const ignore = () => undefined;
    socket.on('error', ignore);
    const address = request.socket.remoteAddress ?? '';
    const offered = offeredProtocols(request.headers['sec-websocket-protocol']);
    const refusal = this.#refusal(request, address, offered);
    if (refusal) {
      this.#metrics.refused.inc({ reason: refusal.reason });
      this.#log.warn({ reason: refusal.reason, address }, 'refused');
      socket.end(`HTTP/1.1 ${refusal.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      // One who does not read the answer must not stay.
      setTimeout(() => {
        socket.destroy();
      }, refusalTimeout).unref();
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      socket.off('error', ignore);
      this.#room.accept(ws, address, offered.token !== undefined);
    });
  }

  /** Why a handshake is refused, as a word and a status of HTTP. */
  #refusal(
    request: IncomingMessage,
    address: string,
    { known, token }: { known: boolean; token: string | undefined },
  ): { reason: string; status: string } | undefined {
    if (request.url !== '/ws') return { reason: 'address', status: '404 Not Found' };
    if (!this.#access.hostAllowed(request)) return { reason: 'host', status: '403 Forbidden' };
    if (!this.#access.originAllowed(request)) return { reason: 'origin', status: '403 Forbidden' };
    if (!known) return { reason: 'version', status: '400 Bad Request' };
    if (!this.#connections.take(address)) return { reason: 'rate', status: '429 Too Many Requests' };
    if (token !== undefined) {
      const verdict = this.#access.checkToken(token, address);
      if (verdict === 'blocked') return { reason: 'blocked', status: '429 Too Many Requests' };
      if (verdict === 'wrong') return { reason: 'token', status: '401 Unauthorized' };
    }
    if (this.#room.full) return { reason: 'viewers', status: '503 Service Unavailable' };
    return undefined;
  }
}

/** An address that leads to one that is listened on: of all of this machine's, one that other machines know. */
function reachable(address: string): string {
  if (address !== '0.0.0.0' && address !== '::') return address;
  const others = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return others.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
