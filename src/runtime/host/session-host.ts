import { DeblurError } from '../../errors.js';
import { Frame } from '../../io/frame.js';
import type { FrameSession } from '../frame-session.js';
import { openSession } from '../open-session.js';
import type { FrameReference, HostAnswer, HostFailure, HostRequest, WireFrame } from './host-protocol.js';

/** The process that runs a network for {@link openHostedSession}, one request after another. */

let session: FrameSession | undefined;

/** Frames that later requests may refer to. */
const kept = new Map<number, WireFrame>();

function toFrame({ key, frame }: FrameReference): Frame {
  if (frame) kept.set(key, frame);
  const wire = kept.get(key);
  if (!wire) throw new TypeError(`the host was not sent frame ${key}`);
  const { properties, planes } = wire;
  return new Frame(properties, { planes: () => planes, dispose: () => undefined });
}

async function answer(request: HostRequest): Promise<HostAnswer> {
  const { id } = request;
  if (request.kind === 'open') {
    session = await openSession(request.specification);
    const { provider, window, temporalFilter, batch, tiles } = session;
    return { id, kind: 'opened', properties: { provider, window, temporalFilter, batch, tiles } };
  }
  if (!session) throw new TypeError('the host has no session');
  if (request.kind === 'close') {
    await session.close();
    return { id, kind: 'closed' };
  }
  const windows = request.windows.map((window) => window.map(toFrame));
  for (const key of request.forget) kept.delete(key);
  return { id, kind: 'results', results: await session.run(windows) };
}

function failureOf(error: unknown): HostFailure {
  if (error instanceof DeblurError) {
    const { code, message, hint, stack } = error;
    return { code, message, hint, stack };
  }
  return error instanceof Error ? { message: error.message, stack: error.stack } : { message: String(error) };
}

process.on('message', (request: HostRequest) => {
  answer(request)
    .catch((error: unknown): HostAnswer => ({ id: request.id, kind: 'failed', failure: failureOf(error) }))
    .then((message) => process.send?.(message))
    .catch(() => process.exit(1));
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches every process of a terminal; what it means here is for the program to say.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => undefined);
