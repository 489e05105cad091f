import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { filter, firstValueFrom, take, timeout, toArray, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveFrames, openVideo } from '../../src/io/index.js';
import { LiveSession, type LiveFragment, type LiveOptions, type LiveState } from '../../src/live/index.js';
import { fixture } from '../support/fixtures.js';
import { hasFfmpeg, readFrames, scratchFolder } from '../support/io.js';
import { readPackets } from '../support/media.js';
import { runningProcesses } from '../support/processes.js';
import { startFfmpeg } from '../support/streams.js';

const clip = fixture('clips/dogs-blurry.mp4');
const size = 256;
const patience = 30_000;

function until(state: Observable<LiveState>, holds: (state: LiveState) => boolean): Promise<LiveState> {
  return firstValueFrom(state.pipe(filter(holds), timeout(patience)));
}

function fragmentsOf(session: LiveSession, count: number): Promise<LiveFragment[]> {
  return firstValueFrom(session.fragments.pipe(take(count), toArray(), timeout(patience)));
}

async function eventually(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + patience; !holds();) {
    if (Date.now() > end) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Network processes of this test. */
async function hosts(): Promise<number> {
  const all = await runningProcesses();
  return all.filter(({ parent, command }) => parent === process.pid && command.includes('session-host')).length;
}

describe('a live session', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  const framesBefore = liveFrames();
  const sessions: LiveSession[] = [];

  beforeEach(async () => {
    folder = await scratchFolder();
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
    await folder.remove();
    expect(liveFrames()).toBe(framesBefore);
    expect(await hosts()).toBe(0);
  });

  async function open(options: Partial<LiveOptions> = {}): Promise<LiveSession> {
    const session = await LiveSession.open({ source: clip, loop: true, fixed: true, model: 'none', ...options });
    sessions.push(session);
    return session;
  }

  /** Mean difference of luma between the halves of each frame of a stream. */
  async function halvesDiffer(session: LiveSession, media: readonly LiveFragment[]): Promise<number[]> {
    const header = session.initFragment();
    if (!header) throw new Error('no header');
    const file = folder.path('stream.mp4');
    await writeFile(file, Buffer.concat([header, ...media].map(({ data }) => data)));
    await using reader = await openVideo(file);
    expect(reader.video).toMatchObject({ width: size, height: 2 * size });
    const differences: number[] = [];
    for await (const frame of reader.frames()) {
      const [luma] = frame.planes();
      let sum = 0;
      for (let y = 0; luma && y < size; y += 1) {
        for (let x = 0; x < size; x += 1) {
          sum += Math.abs((luma.data[y * luma.stride + x] ?? 0) - (luma.data[(y + size) * luma.stride + x] ?? 0));
        }
      }
      differences.push(sum / size ** 2);
      frame.dispose();
    }
    return differences;
  }

  it.each(['light-live', 'light'])(
    'shows the original above the result of %s once it is loaded, and only the original at strength 0',
    async (model) => {
      const session = await open({ model, crf: 4 });
      session.setViewers(1);
      const state = await until(session.state, ({ source, message, codec }) => {
        return source === 'live' && message === undefined && codec !== undefined;
      });
      expect(state).toMatchObject({ model, width: size, height: size, strength: 1, fixed: true });
      expect(state.codec).toMatch(/^avc1\.[0-9a-f]{6}$/);
      const fragments = await fragmentsOf(session, 40);
      const group = fragments.slice(fragments.findIndex(({ keyframe }) => keyframe));
      const [differences, usual] = [await halvesDiffer(session, group), 0.3];
      expect(differences.length).toBe(group.length);
      expect(differences.filter((each) => each > usual).length).toBeGreaterThan(group.length / 2);
      group.slice(1).forEach(({ pts, sequence, frames }, i) => {
        const last = group[i];
        expect(pts).toBeGreaterThan(last?.pts ?? Infinity);
        expect(sequence).toBe((last?.sequence ?? NaN) + 1);
        expect(frames[0]?.number).toBeGreaterThan(last?.frames[0]?.number ?? Infinity);
      });

      await session.control({ strength: 0 });
      const next = await fragmentsOf(session, 50);
      const still = next.slice(next.findLastIndex(({ keyframe }) => keyframe));
      const after = await halvesDiffer(session, still);
      expect(Math.max(...after)).toBeLessThan(usual);

      const { latency, framesIn, framesOut } = session.currentStatistics();
      expect(latency.p50).toBeGreaterThan(0);
      expect(latency.p99).toBeGreaterThanOrEqual(latency.p50);
      expect(framesOut).toBeLessThanOrEqual(framesIn);
    },
  );

  it('gives a late viewer a whole group', async () => {
    const session = await open();
    expect(session.latestGroup()).toEqual([]);
    session.setViewers(1);
    await fragmentsOf(session, 20);
    const group = session.latestGroup();
    expect(group.map(({ kind }) => kind)).toEqual(['init', ...group.slice(1).map(() => 'media')]);
    expect(group[1]?.keyframe).toBe(true);
    expect((await halvesDiffer(session, group.slice(1))).length).toBe(group.length - 1);
  });

  it('rests while nobody watches, and is there at once when somebody does', async () => {
    const session = await open();
    await until(session.state, ({ source }) => source === 'resting');
    await eventually(() => session.currentStatistics().framesIn > 10);
    expect(session.currentStatistics().framesOut).toBe(0);
    session.setViewers(2);
    const [first] = (await fragmentsOf(session, 8)).filter(({ kind }) => kind === 'media');
    expect(first?.keyframe).toBe(true);
    expect(first?.frames[0]?.number).toBeGreaterThan(10);
    expect(session.currentState().source).toBe('live');
    session.setViewers(0);
    expect(session.currentState().source).toBe('resting');
    expect(session.latestGroup()).toEqual([]);
    const { framesOut } = session.currentStatistics();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(session.currentStatistics().framesOut).toBeLessThanOrEqual(framesOut + 1);
  });

  it('gives a keyframe when asked, but not to a flood of requests', async () => {
    const session = await open({ keyframeInterval: 10 });
    session.setViewers(1);
    await fragmentsOf(session, 12);
    session.requestKeyframe();
    const soon = await fragmentsOf(session, 3);
    expect(soon.some(({ keyframe }) => keyframe)).toBe(true);
    const flood = setInterval(() => {
      session.requestKeyframe();
    }, 5);
    const flooded = await fragmentsOf(session, 40);
    clearInterval(flood);
    expect(flooded.filter(({ keyframe }) => keyframe).length).toBeLessThan(10);
  });

  it('takes a snapshot of a stream that rests, in colour', async () => {
    const session = await open();
    await eventually(() => session.currentStatistics().framesIn > 3);
    const { original, result } = await session.snapshot();
    for (const png of [original, result]) {
      const { width, height, format, channels } = await sharp(png).metadata();
      expect({ width, height, format, channels }).toEqual({ width: size, height: size, format: 'png', channels: 3 });
      const { channels: statistics } = await sharp(png).stats();
      expect(statistics.every(({ mean, stdev }) => mean > 20 && mean < 235 && stdev > 5)).toBe(true);
    }
    expect(session.currentState().source).toBe('resting');
  });

  it('records while nobody watches, and completes the file', async () => {
    const session = await open();
    const path = folder.path('out.mp4');
    await session.startRecording(path);
    expect(session.currentState()).toMatchObject({ recording: true, source: 'live' });
    await expect(session.startRecording(folder.path('other.mp4'))).rejects.toMatchObject({ code: 'USAGE' });
    await eventually(() => session.currentStatistics().framesOut >= 25);
    await session.stopRecording();
    expect(session.currentState()).toMatchObject({ recording: false, source: 'resting' });
    expect((await readFrames(path)).length).toBeGreaterThanOrEqual(25);
    expect(await folder.files()).toEqual(['out.mp4']);
  });

  it('completes the recording when it is closed, and when its source ends', async () => {
    const closed = await open({ record: folder.path('closed.mp4') });
    await eventually(() => closed.currentStatistics().framesOut >= 10);
    await closed.close();
    expect((await readFrames(folder.path('closed.mp4'))).length).toBeGreaterThanOrEqual(10);
    const ended = await open({ record: folder.path('ended.mp4'), loop: false });
    await until(ended.state, ({ source, recording }) => source === 'ended' && !recording);
    const { framesIn } = ended.currentStatistics();
    expect((await readFrames(folder.path('ended.mp4'))).length).toBeGreaterThan(framesIn / 2);
  });

  it('pauses', async () => {
    const session = await open();
    session.setViewers(1);
    await fragmentsOf(session, 5);
    await session.control({ paused: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { framesOut } = session.currentStatistics();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(session.currentStatistics().framesOut).toBe(framesOut);
    expect((await session.snapshot()).original.length).toBeGreaterThan(100);
    await session.control({ paused: false });
    const [first] = await fragmentsOf(session, 2);
    expect(first?.keyframe).toBe(true);
  });

  it('exchanges its network on the way, and keeps the one it has when another cannot be opened', async () => {
    const session = await open({ model: 'light-live' });
    session.setViewers(1);
    await until(session.state, ({ message, codec }) => message === undefined && codec !== undefined);
    await expect(session.control({ model: 'lihgt' })).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
    expect(session.currentState().model).toBe('light-live');
    await expect(session.control({ strength: 2 })).rejects.toMatchObject({ code: 'USAGE' });
    await session.control({ model: 'none' });
    await until(session.state, ({ model }) => model === 'none');
    await fragmentsOf(session, 10);
    await eventually(() => session.currentState().model === 'none');
    await session.control({ model: 'light-live' });
    await fragmentsOf(session, 10);
    expect(session.currentState()).toMatchObject({ model: 'light-live', source: 'live' });
  });

  it('goes on without its network when that is killed, and starts it again', async () => {
    const session = await open({ model: 'light-live' });
    session.setViewers(1);
    await until(session.state, ({ message, codec }) => message === undefined && codec !== undefined);
    await fragmentsOf(session, 5);
    const told = until(session.state, ({ message }) => message !== undefined);
    const { readdir } = await import('node:fs/promises');
    for (const id of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
      const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === process.pid && command.includes('session-host')) process.kill(Number(id), 'SIGKILL');
    }
    expect((await told).message).toMatch(/network's process/);
    await fragmentsOf(session, 10);
    await until(session.state, ({ message }) => message === undefined);
    await fragmentsOf(session, 10);
  });

  it('lowers the processing size where the machine is too slow', async () => {
    // So many frames per second that no machine keeps up.
    const fast = folder.path('fast.mkv');
    const make = startFfmpeg(['-stream_loop', '20', '-i', clip, '-vf', 'settb=1/1000,setpts=N*1.5', '-r', '600', fast]);
    await once(make.process, 'exit');
    const adaptive = await open({ source: fast, model: 'light-live', fixed: false });
    adaptive.setViewers(1);
    const state = await until(adaptive.state, ({ processing, message }) => {
      return message === undefined && processing.width > 0 && processing.width < size;
    });
    expect(state).toMatchObject({ width: size, height: size, fixed: false, model: 'light-live' });
    await fragmentsOf(adaptive, 10);
    expect(adaptive.currentStatistics().dropped).toBeGreaterThan(0);
  });

  it('refuses wrong options before anything begins', async () => {
    const refuse = (options: Partial<LiveOptions>) => LiveSession.open({ source: clip, model: 'none', ...options });
    await expect(refuse({ source: 'nowhere.mp4' })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await expect(refuse({ strength: 3 })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(refuse({ model: 'lihgt' })).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
    await expect(refuse({ record: clip })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await expect(refuse({ origin: 'viewer' })).rejects.toMatchObject({ code: 'USAGE' });
    const aborted = AbortSignal.abort();
    await expect(LiveSession.open({ source: clip }, aborted)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('ends with its signal, in the middle of everything', async () => {
    for (const after of [0, 50, 400, 1500]) {
      const stop = new AbortController();
      const session = await LiveSession.open({ source: clip, loop: true, model: 'light-live' }, stop.signal);
      session.setViewers(1);
      await new Promise((resolve) => setTimeout(resolve, after));
      stop.abort();
      const started = performance.now();
      await session.close();
      expect(performance.now() - started).toBeLessThan(3000);
      await expect(session.snapshot()).rejects.toMatchObject({ code: 'CANCELLED' });
    }
  });

  describe.skipIf(!hasFfmpeg)("from a browser's camera", () => {
    const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'];

    async function made(name: string, args: readonly string[]): Promise<string> {
      const path = folder.path(name);
      const make = startFfmpeg(['-stream_loop', '3', '-i', clip, '-an', '-g', '12', ...args, path]);
      expect(await once(make.process, 'exit')).toEqual([0, null]);
      return path;
    }

    it.each([
      ['video/webm;codecs=vp8', 'camera.webm', ['-c:v', 'libvpx', '-deadline', 'realtime']],
      ['video/mp4', 'camera.mp4', [...x264, '-movflags', 'empty_moov+frag_keyframe+default_base_moof']],
      ['video/x-matroska;codecs=avc1', 'camera.mkv', x264],
    ])('takes %s in pieces', async (mime, name, args) => {
      const bytes = await readFile(await made(name, args));
      const session = await open({ source: 'browser' });
      session.setViewers(1);
      expect(session.push({ data: bytes })).toBe(false);
      session.beginCamera({ kind: 'container', mime });
      const pushed = async () => {
        for (let at = 0; at < bytes.length; at += 4000) {
          session.push({ data: bytes.subarray(at, at + 4000) });
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const feeding = pushed();
      await until(session.state, ({ source }) => source === 'live');
      await fragmentsOf(session, 5);
      await feeding;
      session.endCamera();
      await until(session.state, ({ source, message }) => source === 'connecting' && message !== undefined);
    });

    it('takes single H.264 pictures, and drops what cannot be decoded without a keyframe', async () => {
      const packets = [...(await readPackets(await made('camera.h264', [...x264, '-f', 'h264']))).values()][0] ?? [];
      expect(packets.length).toBeGreaterThan(30);
      const session = await open({ source: 'browser' });
      session.setViewers(1);
      session.beginCamera({ kind: 'chunks', codec: 'avc1.42e01f' });
      const [first, second] = packets;
      expect(session.push({ data: second?.data ?? Buffer.alloc(1), keyframe: false })).toBe(false);
      expect(session.push({ data: Buffer.alloc(5 * 2 ** 20), keyframe: true })).toBe(false);
      expect(first?.key).toBe(true);
      const feed = async () => {
        for (const [i, { data, key }] of packets.entries()) {
          session.push({ data, keyframe: key, timestamp: i / 25 });
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const [fragments] = await Promise.all([fragmentsOf(session, 20), feed()]);
      expect(fragments.filter(({ kind }) => kind === 'media').length).toBeGreaterThan(10);
      expect(session.currentState()).toMatchObject({ width: size, height: size });
    });

    it('survives noise', async () => {
      const session = await open({ source: 'browser' });
      session.setViewers(1);
      const noise = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 251));
      for (const mime of ['video/webm', 'video/mp4']) {
        session.beginCamera({ kind: 'container', mime });
        session.push({ data: noise });
        session.endCamera();
        await until(session.state, ({ message }) => /camera can't be read|camera has no video/.test(message ?? ''));
      }
      for (const codec of ['avc1.42e01f', 'vp8', 'vp09.00.10.08', 'av01.0.04M.08']) {
        session.beginCamera({ kind: 'chunks', codec });
        for (let i = 0; i < 20; i += 1) session.push({ data: noise.subarray(i * 100), keyframe: i % 5 === 0 });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(() => {
        session.beginCamera({ kind: 'container', mime: 'text/html' });
      }).toThrowError(expect.objectContaining({ code: 'USAGE' }) as Error);
      expect(() => {
        session.beginCamera({ kind: 'chunks', codec: 'prores' });
      }).toThrowError(expect.objectContaining({ code: 'USAGE' }) as Error);
    });

    it('is no place for a camera where the source is another', async () => {
      const session = await open();
      expect(() => {
        session.beginCamera({ kind: 'container', mime: 'video/webm' });
      }).toThrowError(expect.objectContaining({ code: 'USAGE' }) as Error);
    });
  });
});
