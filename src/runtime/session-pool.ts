import type { Frame } from '../io/frame.js';
import type { FrameResult, FrameSession } from './frame-session.js';

/**
 * Sessions of one network as one: each run goes to the session that has the fewest under way. The operators of a light
 * network are too short to share a processor well; two that run it side by side, with half of the threads each, leave
 * less of it idle.
 */
export class SessionPool implements FrameSession {
  readonly provider: string;
  readonly window: FrameSession['window'];
  readonly temporalFilter: number;
  readonly batch: number;
  readonly tiles: number;
  readonly #members: readonly { readonly session: FrameSession; running: number }[];

  /** @param sessions of the same network, geometry and options, at least one; they are the pool's from here on. */
  constructor(sessions: readonly [FrameSession, ...FrameSession[]]) {
    const [{ provider, window, temporalFilter, batch, tiles }] = sessions;
    this.provider = provider;
    this.window = window;
    this.temporalFilter = temporalFilter;
    this.batch = batch;
    this.tiles = tiles;
    this.#members = sessions.map((session) => ({ session, running: 0 }));
  }

  /**
   * Opens sessions at once; when one fails the others are closed.
   *
   * @param open opens one of them.
   * @throws Error whatever the first that failed threw.
   */
  static async open(count: number, open: () => Promise<FrameSession>): Promise<SessionPool> {
    const settled = await Promise.allSettled(Array.from({ length: count }, open));
    const sessions = settled.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const failed = settled.find((end) => end.status === 'rejected');
    const [first, ...others] = sessions;
    if (!failed && first) return new SessionPool([first, ...others]);
    await Promise.all(sessions.map((session) => session.close()));
    throw failed?.reason ?? new RangeError('a pool has at least one session');
  }

  /** Sessions in it. */
  get size(): number {
    return this.#members.length;
  }

  async run(windows: readonly (readonly Frame[])[]): Promise<readonly FrameResult[]> {
    const member = this.#members.reduce((least, each) => (each.running < least.running ? each : least));
    member.running += 1;
    try {
      return await member.session.run(windows);
    } finally {
      member.running -= 1;
    }
  }

  async idle(): Promise<void> {
    await Promise.all(this.#members.map(({ session }) => session.idle()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ session }) => session.close()));
  }
}
