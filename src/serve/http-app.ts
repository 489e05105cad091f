import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { DeblurError } from '../errors.js';
import { bearerToken, type Access } from './access.js';
import type { LiveFeed } from './feed.js';
import { HttpError, httpError } from './http-error.js';
import type { JobQueue } from './jobs/job-queue.js';
import type { JobRoot } from './jobs/job-root.js';
import { addJobRoutes } from './jobs/job-routes.js';
import type { Metrics } from './metrics.js';
import { openApi } from './openapi.js';
import type { ServeSettings } from './options.js';

/** Options of {@link createHttpApp}. */
export interface HttpAppOptions {
  settings: ServeSettings;
  access: Access;
  metrics: Metrics;
  feed: Pick<LiveFeed, 'currentState'> | undefined;
  jobs: { queue: JobQueue; root: JobRoot } | undefined;
  log: Logger;
  /** Whether the server is about to stop. */
  stopping: () => boolean;
}

/** What the page may load and do: files of its own server only, no inline script or style. */
const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    fontSrc: ["'self'"],
    imgSrc: ["'self'", 'blob:', 'data:'],
    mediaSrc: ["'self'", 'blob:', 'mediastream:'],
    connectSrc: ["'self'"],
    workerSrc: ["'self'"],
    manifestSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

const permissionsPolicy = 'camera=(self), fullscreen=(self), microphone=(), geolocation=(), payment=(), usb=()';

/** States of a source in which a viewer sees something, or would as soon as it comes. */
const readyStates: ReadonlySet<string> = new Set(['live', 'resting', 'ended']);

/** The HTTP side of the server: the page, jobs, health and figures. */
export async function createHttpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { settings, access, metrics, feed, jobs, log, stopping } = options;
  const { tls, limits, page } = settings;
  // What fastify has to say of every request is said below, without secrets.
  const logger: FastifyBaseLogger = log.child({}, { level: log.isLevelEnabled('warn') ? 'warn' : log.level });
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 2 ** 10,
    connectionTimeout: 120_000,
    forceCloseConnections: true,
    ...(tls ? { https: await readTls(tls) } : {}),
  });

  app.setErrorHandler((error, _request, reply) => {
    const { status, body, unexpected } = httpError(error);
    if (unexpected) log.error({ err: error }, 'a request failed unexpectedly');
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: { code: 'NOT_FOUND', message: 'There is nothing at this address.' } }),
  );
  app.addHook('onResponse', async (request, reply) => {
    // The route, not the address: an address may hold a link's secret.
    const { method, ip: address, routeOptions } = request;
    const ms = Math.round(reply.elapsedTime);
    log.debug({ method, route: routeOptions.url, status: reply.statusCode, ms, address }, 'request');
    await Promise.resolve();
  });

  await app.register(helmet, {
    contentSecurityPolicy,
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: tls ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  });
  app.addHook('onRequest', async (request, reply) => {
    if (!access.hostAllowed(request.raw)) throw new HttpError(403, 'NOT_ALLOWED', 'This host is not the server’s.');
    if (!access.originAllowed(request.raw))
      throw new HttpError(403, 'NOT_ALLOWED', 'This site may not use the server.');
    const { origin } = request.headers;
    if (access.foreign(origin)) await answerForeign(request, reply, origin);
  });
  await app.register(rateLimit, {
    max: limits.requests,
    timeWindow: 60_000,
    errorResponseBuilder: () => new HttpError(429, 'TOO_MANY', 'Too many requests; wait a minute.'),
  });

  const authorise = async ({ headers, ip }: FastifyRequest) => {
    const verdict = access.checkToken(bearerToken(headers.authorization), ip);
    if (verdict === 'blocked') throw new HttpError(429, 'TOO_MANY', 'Too many wrong tokens; wait a minute.');
    if (verdict === 'wrong') throw new HttpError(401, 'UNAUTHORISED', 'The token is missing or not right.');
    await Promise.resolve();
  };

  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', (_request, reply) => {
    const source = feed?.currentState().source;
    const ready = !stopping() && (source === undefined || readyStates.has(source));
    return reply.code(ready ? 200 : 503).send({ status: stopping() ? 'stopping' : ready ? 'ready' : source });
  });
  app.get('/metrics', { onRequest: authorise }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  const description = openApi();
  app.get('/openapi.json', () => description);
  await addPage(app, page);
  if (jobs) await addJobRoutes(app, { ...jobs, limits, authorise });
  return app;
}

async function addPage(app: FastifyInstance, page: string): Promise<void> {
  const built = existsSync(path.join(page, 'index.html'));
  await app.register(files, {
    root: built ? page : import.meta.dirname,
    serve: built,
    dotfiles: 'deny',
    redirect: false,
    setHeaders: (response, file) => {
      void response.header('permissions-policy', permissionsPolicy);
      // Vite names files by their content.
      const forever = path.basename(path.dirname(file)) === 'assets';
      void response.header('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  if (built) return;
  app.get('/', (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('The server runs, but its page is not built: npm run build.\n'),
  );
}

/** Lets a page of another site that may use the server read what it answers. */
async function answerForeign(request: FastifyRequest, reply: FastifyReply, origin: string): Promise<void> {
  void reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'content-disposition, content-range',
    'cross-origin-resource-policy': 'cross-origin',
    vary: 'origin',
  });
  if (request.method !== 'OPTIONS') return;
  await reply
    .headers({
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'authorization, content-type, range',
      'access-control-max-age': '600',
    })
    .code(204)
    .send();
}

async function readTls({ cert, key }: NonNullable<ServeSettings['tls']>): Promise<{ cert: Buffer; key: Buffer }> {
  try {
    return { cert: await readFile(cert), key: await readFile(key) };
  } catch (cause) {
    throw new DeblurError('USAGE', `The certificate or its key cannot be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
}
