import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { PROTOCOL_VERSION, decodeBinary, subprotocol } from '../../src/protocol/index.js';

/** What viewers saw. */
export interface CrowdReport {
  /** Viewers that are connected. */
  readonly open: number;
  /** Fragments that came, of the viewer with fewest and with most. */
  readonly fewest: number;
  readonly most: number;
  /** Fragments that viewers missed, together. */
  readonly missed: number;
  /** The longest time, in milliseconds, that a viewer waited for the next fragment. */
  readonly longestPause: number;
}

interface Order {
  readonly url: string;
  readonly token: string;
  readonly viewers: number;
  readonly stalled: number;
}

/** Viewers of a server, in a process of their own. */
export class Crowd implements Disposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Connects `viewers` who watch and `stalled` who read nothing after they got in. */
  static async join(url: string, token: string, viewers: number, stalled = 0): Promise<Crowd> {
    const child = fork(fileURLToPath(import.meta.url), { stdio: 'inherit' });
    const crowd = new Crowd(child);
    child.send({ url, token, viewers, stalled } satisfies Order);
    await crowd.#answer('joined');
    return crowd;
  }

  /** What they saw since they were asked last. */
  async report(): Promise<CrowdReport> {
    this.#child.send('report');
    return (await this.#answer('report')) as CrowdReport;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  #answer(type: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = () => {
        reject(new Error('The viewers ended.'));
      };
      const listen = (message: { type: string; value: unknown }) => {
        if (message.type !== type) return;
        this.#child.off('message', listen);
        this.#child.off('exit', ended);
        resolve(message.value);
      };
      this.#child.on('message', listen);
      this.#child.on('exit', ended);
    });
  }
}

class Viewer {
  readonly socket: WebSocket;
  readonly joined: Promise<void>;
  count = 0;
  missed = 0;
  longestPause = 0;
  #last: { sequence: number; at: number } | undefined;

  constructor({ url, token }: Order) {
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, [subprotocol]);
    this.socket.on('open', () => {
      this.socket.send(JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, token }));
    });
    this.joined = new Promise((resolve, reject) => {
      this.socket.on('message', (data: Buffer, binary) => {
        if (!binary) return;
        resolve();
        this.#take(decodeBinary(data).sequence);
      });
      this.socket.on('error', reject);
      this.socket.on('close', (code) => {
        reject(new Error(`A viewer was closed with ${code}.`));
      });
    });
  }

  reset(): void {
    this.count = 0;
    this.missed = 0;
    this.longestPause = 0;
  }

  #take(sequence: number): void {
    const at = performance.now();
    this.count += 1;
    // A late joiner's header and its first keyframe are apart.
    if (this.#last && this.#last.sequence > 0) {
      this.missed += sequence - this.#last.sequence - 1;
      this.longestPause = Math.max(this.longestPause, at - this.#last.at);
    }
    this.#last = { sequence, at };
  }
}

/** What the process of the viewers does. */
function watch(): void {
  let viewers: Viewer[] = [];
  const answer = (type: string, value?: unknown) => process.send?.({ type, value });
  const join = async (order: Order) => {
    const all: Viewer[] = [];
    for (let i = 0; i < order.viewers + order.stalled; i += 1) {
      const viewer = new Viewer(order);
      all.push(viewer);
      // All at once would measure handshakes.
      if (i % 10 === 9) await viewer.joined;
    }
    await Promise.all(all.map(({ joined }) => joined));
    for (const { socket } of all.slice(order.viewers)) socket.pause();
    viewers = all.slice(0, order.viewers);
    for (const viewer of viewers) viewer.reset();
    answer('joined');
  };
  process.on('message', (message: Order | 'report') => {
    if (message !== 'report') {
      void join(message);
      return;
    }
    const counts = viewers.map(({ count }) => count);
    answer('report', {
      open: viewers.filter(({ socket }) => socket.readyState === WebSocket.OPEN).length,
      fewest: Math.min(...counts),
      most: Math.max(...counts),
      missed: viewers.reduce((sum, { missed }) => sum + missed, 0),
      longestPause: Math.max(...viewers.map(({ longestPause }) => longestPause)),
    } satisfies CrowdReport);
    for (const viewer of viewers) viewer.reset();
  });
  process.on('disconnect', () => process.exit());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) watch();
