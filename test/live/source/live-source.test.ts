import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { parseSource } from '../../../src/live/source/address.js';
import { LiveSource, type LiveSourceOptions, type SourceNews } from '../../../src/live/source/live-source.js';
import { fixture } from '../../support/fixtures.js';
import { hasFfmpeg } from '../../support/io.js';
import {
  hlsStream,
  rtmpStream,
  rtspStream,
  srtStream,
  tcpStream,
  udpStream,
  type TestStream,
} from '../../support/streams.js';

const clip = fixture('clips/dogs-blurry.mp4');

/** A source at work, and what it has given. */
class Watched {
  readonly news: SourceNews[] = [];
  readonly seconds: (number | undefined)[] = [];
  pictures = 0;
  readonly #stop = new AbortController();
  readonly source: LiveSource;
  readonly #running: Promise<void>;

  constructor(name: string, options: Partial<LiveSourceOptions> = {}) {
    this.source = new LiveSource({
      address: parseSource(name, { origin: 'owner', allowPrivate: true }),
      loop: false,
      onPicture: ({ picture, seconds, captured }) => {
        expect([picture.width, picture.height]).toEqual([256, 256]);
        expect(Math.abs(Date.now() - captured)).toBeLessThan(5000);
        this.pictures += 1;
        this.seconds.push(seconds);
        picture.free();
      },
      onNews: (news) => this.news.push(news),
      ...options,
    });
    this.#running = this.source.run(this.#stop.signal);
  }

  async until(holds: () => boolean, milliseconds = 20_000): Promise<void> {
    const end = Date.now() + milliseconds;
    while (!holds()) {
      if (Date.now() > end) throw new Error(`it did not happen; news: ${JSON.stringify(this.news)}, ${this.pictures}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get states(): string[] {
    return this.news.map(({ source }) => source);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  ended(): Promise<void> {
    return this.#running;
  }
}

describe('a live source', () => {
  const cleanUps: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });

  function watch(name: string, options?: Partial<LiveSourceOptions>): Watched {
    const watched = new Watched(name, options);
    cleanUps.push(() => watched.end());
    return watched;
  }

  async function serve<T extends TestStream>(stream: Promise<T>): Promise<T> {
    const served = await stream;
    cleanUps.push(() => served.stop());
    return served;
  }

  it('plays a file at its own speed, once', async () => {
    const started = performance.now();
    const watched = watch(clip);
    await watched.ended();
    expect(watched.states).toEqual(['connecting', 'live', 'ended']);
    const { length } = watched.seconds;
    const last = watched.seconds[length - 1] ?? 0;
    expect(length).toBe(watched.pictures);
    expect(performance.now() - started).toBeGreaterThan(last * 1000);
  });

  it('plays a file again and again', async () => {
    const once = watch(clip);
    await once.ended();
    const watched = watch(clip, { loop: true });
    await watched.until(() => watched.pictures > 2 * once.pictures);
    expect(watched.states).toEqual(['connecting', 'live']);
  });

  it('fails on a file that is no video, without its path', async () => {
    const watched = watch(fixture('SOURCES.md'));
    await watched.ended();
    expect(watched.states).toEqual(['connecting', 'failed']);
    expect(watched.news[1]?.message).not.toContain('SOURCES');
  });

  describe.skipIf(!hasFfmpeg)('from the network', () => {
    const servers: readonly (readonly [string, () => Promise<TestStream>])[] = [
      ['MPEG-TS in datagrams', () => udpStream(clip)],
      ['MPEG-TS over TCP', () => tcpStream(clip)],
      ['RTSP', () => rtspStream(clip)],
      ['RTMP', () => rtmpStream(clip)],
      ['SRT', () => srtStream(clip)],
      ['HLS', () => hlsStream(clip)],
    ];
    for (const [name, start] of servers) {
      it(`receives ${name}`, async () => {
        const { url } = await serve(start());
        const watched = watch(url, { backoff: 100 });
        await watched.until(() => watched.pictures > 20);
        expect(watched.states[0]).toBe('connecting');
        expect(watched.states).toContain('live');
      });
    }

    it('comes back after each cut, and says so', async () => {
      const stream = await serve(tcpStream(clip));
      const watched = watch(stream.url, { backoff: 50 });
      for (let cuts = 0; cuts < 3; cuts += 1) {
        const before = watched.pictures;
        await watched.until(() => watched.pictures > before + 3);
        stream.cut();
        const { length } = watched.news;
        await watched.until(() => watched.news.slice(length).some(({ source }) => source === 'reconnecting'));
        await watched.until(() => watched.news.at(-1)?.source === 'live');
      }
      const tries = watched.news.filter(({ source }) => source === 'reconnecting');
      expect(tries.length).toBeGreaterThanOrEqual(3);
      expect(tries[0]).toMatchObject({ attempt: 1 });
    });

    it('notices that datagrams have stopped', async () => {
      const stream = await serve(udpStream(clip));
      const watched = watch(stream.url, { backoff: 50, silence: 1000 });
      await watched.until(() => watched.pictures > 5);
      await stream.stop();
      await watched.until(() => watched.news.at(-1)?.source === 'reconnecting');
      expect(watched.news.at(-1)?.message).toBe('The source is silent.');
      const again = await serve(udpStream(clip, stream.port));
      const before = watched.pictures;
      await watched.until(() => watched.pictures > before + 5);
      await again.stop();
    });
  });

  it('waits longer from try to try, and stops at once', async () => {
    const watched = watch('rtsp://127.0.0.1:1/nobody', { backoff: 20 });
    await watched.until(() => watched.news.length > 4);
    const attempts = watched.news.slice(1).map(({ attempt }) => attempt);
    expect(attempts).toEqual(attempts.map((_, i) => i + 1));
    const started = performance.now();
    await watched.end();
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it.each(['tcp', 'rtsp', 'rtmp', 'http'])('leaves a silent %s server when it is stopped', async (scheme) => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUps.push(() => Promise.resolve(void server.close()));
    const watched = watch(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/x`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const started = performance.now();
    await watched.end();
    expect(performance.now() - started).toBeLessThan(2000);
    expect(watched.states).toEqual(['connecting', 'ended']);
  });
});
