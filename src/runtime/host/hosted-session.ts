import { fork, type ChildProcess } from 'node:child_process';
import { cancelled, DeblurError, throwIfAborted } from '../../errors.js';
import type { Frame, FrameStorage } from '../../io/frame.js';
import { packagePath } from '../../package-root.js';
import type { FrameResult, FrameSession } from '../frame-session.js';
import type { SessionProperties } from '../engine-session.js';
import type { SessionSpecification } from '../open-session.js';
import { PendingRuns } from '../pending-runs.js';
import type { HostAnswer, FrameReference, HostFailure, HostRequest, WireFrame } from './host-protocol.js';

/** The host runs from the build, also when this file does not. */
const hostFile = packagePath('dist/src/runtime/host/session-host.js');

/**
 * A run frees and takes hundreds of buffers. glibc gives them back to the system and has them zeroed again each time,
 * for a fifth of a light network's time; with these it keeps what it was given (`mallopt`: trim and mmap thresholds).
 */
const memoryKept = { MALLOC_TRIM_THRESHOLD_: String(2 ** 30), MALLOC_MMAP_THRESHOLD_: String(2 ** 25) };

/** Omits a key from each member of a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/**
 * Opens a frame session in a process of its own. ONNX Runtime and TensorFlow run a network on the thread that calls
 * them, and nothing can stop it there: in its own process it leaves this one free to decode, encode and
 * answer, can be ended at any moment, and takes only itself down when a driver fails. Planes are copied
 * once each way, those of a frame that several windows share, too.
 * @param signal Ends the process at once; what was asked of it rejects with `CANCELLED`.
 * @throws DeblurError whatever opening the model and the session throws; `RUNTIME_FAILED` when the process ends by itself.
 */
export async function openHostedSession(
  specification: SessionSpecification,
  signal?: AbortSignal,
): Promise<FrameSession> {
  throwIfAborted(signal);
  const host = new Host(signal);
  try {
    const answer = await host.ask({ kind: 'open', specification });
    if (answer.kind !== 'opened') throw unexpected(answer);
    return new HostedSession(host, answer.properties);
  } catch (error) {
    await host.end();
    throw error;
  }
}

class HostedSession implements FrameSession {
  readonly provider: string;
  readonly window: FrameSession['window'];
  readonly temporalFilter: number;
  readonly batch: number;
  readonly tiles: number;
  readonly #host: Host;
  readonly #pending = new PendingRuns();
  readonly #sent = new SentFrames();
  #closed: Promise<void> | undefined;

  constructor(host: Host, { provider, window, temporalFilter, batch, tiles }: SessionProperties) {
    this.provider = provider;
    this.window = window;
    this.temporalFilter = temporalFilter;
    this.batch = batch;
    this.tiles = tiles;
    this.#host = host;
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]> {
    const answer = await this.#pending.track(this.#host.ask({ kind: 'run', ...this.#sent.refer(windows) }));
    if (answer.kind !== 'results') throw unexpected(answer);
    return answer.results;
  }

  idle(): Promise<void> {
    return this.#pending.idle();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.idle();
    // A host that has gone already has nothing left to close.
    await Promise.allSettled([this.#host.ask({ kind: 'close' })]);
    await this.#host.end();
  }
}

/** The child process and the requests that it has not answered yet. */
class Host {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (answer: HostAnswer) => void; reject: (error: unknown) => void }>();
  readonly #exited: Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => {
    this.#fail(cancelled(this.#signal));
    this.#child.kill('SIGKILL');
  };
  #ended: DeblurError | undefined;
  #next = 0;

  constructor(signal: AbortSignal | undefined) {
    this.#child = fork(hostFile, {
      serialization: 'advanced',
      execArgv: [],
      env: { ...memoryKept, ...process.env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#child.on('message', (answer: HostAnswer) => {
      const asker = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.kind === 'failed') asker?.reject(toError(answer.failure));
      else asker?.resolve(answer);
    });
    this.#child.on('error', (cause) => {
      this.#fail(new DeblurError('RUNTIME_FAILED', "The network's process can't be started.", { cause }));
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, name) => {
        this.#fail(deathOf(code, name));
        resolve();
      });
    });
  }

  ask(request: Without<HostRequest, 'id'>): Promise<HostAnswer> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#next += 1;
      this.#waiting.set(this.#next, { resolve, reject });
      this.#child.send({ ...request, id: this.#next });
    });
  }

  /** Ends the process, whatever it is doing. */
  async end(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #fail(error: DeblurError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

function deathOf(code: number | null, name: NodeJS.Signals | null): DeblurError {
  const how = name ? `was ended by ${name}` : `ended with code ${code}`;
  return new DeblurError('RUNTIME_FAILED', `The network's process ${how}.`, {
    hint: 'If memory ran out, allow the network less of it with --memory.',
  });
}

function toError({ code, message, hint, stack }: HostFailure): Error {
  const cause = stack === undefined ? undefined : Object.assign(new Error(message), { stack });
  return code ? new DeblurError(code, message, { hint, cause }) : (cause ?? new Error(message));
}

function unexpected(answer: HostAnswer): TypeError {
  return new TypeError(`the network's process answered "${answer.kind}" to something else`);
}

/** What the host has of the frames that it was sent: those of the request before, since windows slide. */
class SentFrames {
  #keys = new Map<FrameStorage, number>();
  #next = 0;

  /** The windows as references, with each frame sent once, and the keys that the host is to forget after them. */
  refer(windows: readonly (readonly Frame[])[]): {
    readonly windows: readonly (readonly FrameReference[])[];
    readonly forget: readonly number[];
  } {
    const before = this.#keys;
    const now = new Map<FrameStorage, number>();
    const reference = (frame: Frame): FrameReference => {
      const known = now.get(frame.storage) ?? before.get(frame.storage);
      const key = known ?? this.#next++;
      now.set(frame.storage, key);
      return known === undefined ? { key, frame: toWire(frame) } : { key };
    };
    const references = windows.map((window) => window.map(reference));
    this.#keys = now;
    const forget = [...before].flatMap(([storage, key]) => (now.has(storage) ? [] : [key]));
    return { windows: references, forget };
  }
}

function toWire(frame: Frame): WireFrame {
  return { properties: frame.properties, planes: frame.planes() };
}
