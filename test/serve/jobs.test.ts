import * as fs from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveFrames } from '../../src/io/index.js';
import { job as jobSchema, type Job } from '../../src/protocol/index.js';
import { plainName } from '../../src/serve/jobs/job-root.js';
import type { LiveServer, LiveServerOptions } from '../../src/serve/index.js';
import { eventually } from '../support/eventually.js';
import { scratchFolder, secondsAndSamples } from '../support/io.js';
import { TestClient } from '../support/live-client.js';
import { fetchWith, openServer, token } from '../support/live-server.js';
import { makeMedia } from '../support/media.js';
import { writeOnnx } from '../support/onnx-file.js';
import { identity } from '../support/stages.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let root: string;
let server: LiveServer;

async function clip(path: string, frames = 4): Promise<void> {
  await fs.mkdir(dirname(path), { recursive: true });
  await makeMedia(path, {
    ...{ codec: 'libx264', format: 'yuv420p', width: 64, height: 48 },
    timeBase: { num: 1, den: 25 },
    times: Array.from({ length: frames }, (_, i) => i),
    lastDuration: 1,
    options: { preset: 'ultrafast' },
  });
}

async function start(options: Partial<LiveServerOptions> = {}): Promise<void> {
  const model = folder.path('identity.onnx');
  await writeOnnx(model, identity, 48, 64);
  server = await openServer({ root, model, ...options });
}

async function add(body: unknown): Promise<Response> {
  return fetchWith(server, '/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function added(body: unknown): Promise<Job> {
  const response = await add(body);
  expect(response.status).toBe(201);
  return jobSchema.parse(await response.json());
}

async function finished(id: string): Promise<Job> {
  let job: Job | undefined;
  await eventually(async () => {
    job = jobSchema.parse(await (await fetchWith(server, `/jobs/${id}`)).json());
    return job.state;
  }).toMatch(/done|failed|cancelled/);
  return job!;
}

function upload(name: string, bytes: Uint8Array<ArrayBuffer>, settings?: unknown): Promise<Response> {
  const body = new FormData();
  if (settings !== undefined) body.append('settings', JSON.stringify(settings));
  body.append('file', new Blob([bytes]), name);
  return fetchWith(server, '/jobs', { method: 'POST', body });
}

beforeEach(async () => {
  folder = await scratchFolder();
  root = folder.path('root');
  await clip(join(root, 'day 1', 'clip.mp4'));
});
afterEach(async () => {
  await server.close();
  await folder.remove();
  expect(liveFrames()).toBe(0);
});

describe('a job', () => {
  it('on a file below the root runs as "deblur run" does, is told of, and gives its result whole and in parts', async () => {
    await start();
    const watcher = await TestClient.open(server.url, { token, media: false });
    expect((await watcher.message('hello')).may).toMatchObject({ jobs: true, control: false, record: false });
    const { id } = await added({ path: 'day 1/clip.mp4', settings: { container: 'mkv', crf: 0 } });
    const done = await finished(id);
    expect(done).toMatchObject({
      state: 'done',
      name: 'clip.mp4',
      progress: { frames: 4, total: 4 },
      result: { name: 'clip-deblurred.mkv', type: 'video/x-matroska' },
    });
    await watcher.message('job', ({ job }) => job.id === id && job.state === 'done');
    expect(watcher.messages.flatMap((m) => (m.type === 'job' ? [m.job.state] : []))).toEqual(
      expect.arrayContaining(['queued', 'running', 'done']),
    );

    const whole = await fetchWith(server, `/jobs/${id}/result`);
    expect(whole.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''clip-deblurred.mkv");
    expect(whole.headers.get('content-type')).toBe('video/x-matroska');
    const bytes = Buffer.from(await whole.arrayBuffer());
    expect(bytes.length).toBe(done.result!.bytes);
    const part = await fetchWith(server, `/jobs/${id}/result`, { headers: { range: 'bytes=10-19' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 10-19/${bytes.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true);
    const beyond = await fetchWith(server, `/jobs/${id}/result`, { headers: { range: `bytes=${bytes.length}-` } });
    expect(beyond.status).toBe(416);

    await fs.writeFile(folder.path('result.mkv'), bytes);
    expect(await secondsAndSamples(folder.path('result.mkv'))).toEqual(
      await secondsAndSamples(join(root, 'day 1', 'clip.mp4')),
    );

    expect((await fetchWith(server, `/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    await watcher.message('job-gone', (gone) => gone.id === id);
    expect((await fetchWith(server, `/jobs/${id}`)).status).toBe(404);
    expect(await fs.readdir(join(root, 'deblurred'))).toEqual([]);
    expect(await fs.readdir(join(root, 'day 1'))).toEqual(['clip.mp4']);
  });

  it('on an upload leaves nothing of it behind', async () => {
    await start();
    const response = await upload('../../Läufer <1>.mp4', readFileSync(join(root, 'day 1/clip.mp4')), {
      model: 'none',
    });
    expect(response.status).toBe(201);
    const { id, name } = jobSchema.parse(await response.json());
    expect(name).toBe('Läufer _1_.mp4');
    expect((await finished(id)).state).toBe('done');
    expect(await fs.readdir(join(root, 'uploads'))).toEqual([]);
    expect(await fs.readdir(join(root, 'deblurred'))).toEqual([`Läufer _1_-${id}.mp4`]);
    const link = (await (await fetchWith(server, `/jobs/${id}/link`, { method: 'POST' })).json()) as { href: string };
    const plain = await fetch(server.url + link.href);
    expect(plain.status).toBe(200);
    expect(plain.headers.get('content-disposition')).toContain('L%C3%A4ufer%20_1_-deblurred.mp4');
    expect((await fetch(`${server.url}/results/${'x'.repeat(32)}`)).status).toBe(404);
  });

  it('waits for those before it, and can be cancelled then and while it runs', async () => {
    await clip(join(root, 'long.mp4'), 3000);
    await start();
    const watcher = await TestClient.open(server.url, { token });
    const [first, second, third] = [
      await added({ path: 'long.mp4' }),
      await added({ path: 'day 1/clip.mp4' }),
      await added({ path: 'day 1/clip.mp4', settings: { model: 'none' } }),
    ];
    expect([second.position, third.position]).toEqual([0, 1]);
    await watcher.message('job', ({ job }) => job.id === first.id && (job.progress?.frames ?? 0) > 0);
    const cancelled = await fetchWith(server, `/jobs/${second.id}`, { method: 'DELETE' });
    expect(await cancelled.json()).toMatchObject({ id: second.id, state: 'cancelled' });
    const ended = await fetchWith(server, `/jobs/${first.id}`, { method: 'DELETE' });
    expect(await ended.json()).toMatchObject({ id: first.id, state: 'cancelled' });
    expect((await finished(third.id)).state).toBe('done');
    expect(await fs.readdir(join(root, 'deblurred'))).toHaveLength(1);
    const { jobs } = (await (await fetchWith(server, '/jobs')).json()) as { jobs: Job[] };
    expect(jobs.map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'done']);
    expect((await fetchWith(server, `/jobs/${first.id}/result`)).status).toBe(404);
  });

  it('that fails says why, without the server’s paths', async () => {
    await fs.writeFile(join(root, 'noise.mp4'), Buffer.alloc(5000, 7));
    await start();
    const { id } = await added({ path: 'noise.mp4' });
    const failed = await finished(id);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'INPUT_UNREADABLE' } });
    expect(failed.error!.message).toContain('noise.mp4');
    expect(JSON.stringify(failed)).not.toContain(root);
    expect(await fs.readdir(join(root, 'deblurred'))).toEqual([]);
  });

  it('that runs when the server stops is cancelled, and leaves no half result', async () => {
    await clip(join(root, 'long.mp4'), 3000);
    await start();
    const watcher = await TestClient.open(server.url, { token });
    const { id } = await added({ path: 'long.mp4' });
    await watcher.message('job', ({ job }) => job.id === id && (job.progress?.frames ?? 0) > 0);
    await server.close();
    expect(await fs.readdir(join(root, 'deblurred'))).toEqual([]);
  });
});

describe('a request for a job', () => {
  it.each([
    '../outside.mp4',
    'day 1/../../outside.mp4',
    '/etc/passwd',
    'C:\\clip.mp4',
    'day 1\\clip.mp4',
    './day 1/clip.mp4',
    'day 1//clip.mp4',
    'clip.mp4\0',
    'file:clip.mp4',
    'concat:day 1/clip.mp4',
    'http://host/x.mp4',
    '.',
    '',
  ])('can’t name %j', async (path) => {
    await fs.copyFile(join(root, 'day 1/clip.mp4'), folder.path('outside.mp4'));
    await start();
    expect((await add({ path })).status).toBe(400);
    expect(server.jobs!.list()).toEqual([]);
  });

  it('can’t name what a link leads to, a folder or nothing', async () => {
    const outside = folder.path('outside');
    await fs.mkdir(outside);
    await fs.copyFile(join(root, 'day 1/clip.mp4'), join(outside, 'clip.mp4'));
    await fs.symlink(join(outside, 'clip.mp4'), join(root, 'link.mp4'));
    await fs.symlink(outside, join(root, 'linked'));
    await fs.symlink('day 1/clip.mp4', join(root, 'inner.mp4'));
    await start();
    for (const path of ['link.mp4', 'linked/clip.mp4', 'inner.mp4', 'day 1', 'missing.mp4']) {
      const response = await add({ path });
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.text()).not.toContain(folder.path(''));
    }
  });

  it.each([
    [{ path: 'day 1/clip.mp4', settings: { model: '/etc/passwd' } }, 'MODEL_UNKNOWN'],
    [{ path: 'day 1/clip.mp4', settings: { encoderOptions: { x: 'y' } } }, 'USAGE'],
    [{ path: 'day 1/clip.mp4', settings: { strength: 2 } }, 'USAGE'],
    [{ path: 'day 1/clip.mp4', output: '/tmp/x.mp4' }, 'USAGE'],
    [{ path: 5 }, 'USAGE'],
    [{}, 'USAGE'],
    ['text', 'USAGE'],
  ])('is refused when it says %j', async (body, code) => {
    await start();
    const response = await add(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code } });
    expect(server.jobs!.list()).toEqual([]);
  });

  it('needs the token, at every address', async () => {
    await start();
    for (const [method, path] of [
      ['GET', '/jobs'],
      ['POST', '/jobs'],
      ['GET', '/jobs/x'],
      ['DELETE', '/jobs/x'],
      ['GET', '/jobs/x/result'],
      ['POST', '/jobs/x/link'],
      ['GET', '/metrics'],
    ] as const) {
      const response = await fetch(server.url + path, { method, headers: { authorization: 'Bearer wrong' } });
      expect([method, path, response.status]).toEqual([method, path, 401]);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('is refused when there are too many jobs', async () => {
    await start({ limits: { jobs: 1 } });
    await finished((await added({ path: 'day 1/clip.mp4' })).id);
    expect((await add({ path: 'day 1/clip.mp4' })).status).toBe(429);
  });
});

describe('an upload', () => {
  it('that is too large, has no file or has several leaves nothing behind', async () => {
    await start({ limits: { upload: 1000 } });
    expect((await upload('x.mp4', new Uint8Array(1001))).status).toBe(413);
    const none = new FormData();
    none.append('settings', '{}');
    expect((await fetchWith(server, '/jobs', { method: 'POST', body: none })).status).toBe(400);
    const two = new FormData();
    two.append('file', new Blob(['x']), 'a.mp4');
    two.append('file', new Blob(['x']), 'b.mp4');
    expect((await fetchWith(server, '/jobs', { method: 'POST', body: two })).status).toBeGreaterThanOrEqual(400);
    expect((await upload('x.mp4', new Uint8Array(10), { model: 'nothing' })).status).toBe(400);
    expect((await upload('x.mp4', new Uint8Array(10), 'text')).status).toBe(400);
    expect(await fs.readdir(join(root, 'uploads'))).toEqual([]);
    expect(server.jobs!.list()).toEqual([]);
  });

  it('that breaks off leaves nothing behind', async () => {
    await start();
    const { port } = new URL(server.url);
    await new Promise<void>((resolve) => {
      const request = httpRequest({
        ...{ port, host: '127.0.0.1', path: '/jobs', method: 'POST' },
        headers: { authorization: `Bearer ${token}`, 'content-type': 'multipart/form-data; boundary=x' },
      });
      request.on('error', () => resolve());
      request.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n');
      request.write(Buffer.alloc(100_000));
      setTimeout(() => request.destroy(), 200);
    });
    await eventually(() => fs.readdir(join(root, 'uploads'))).toEqual([]);
    expect(server.jobs!.list()).toEqual([]);
  });
});

describe('plainName', () => {
  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\videos\\a b.mp4', 'a b.mp4'],
    ['..', 'video'],
    ['.hidden', 'hidden'],
    ['a\u0000\u001b[31mb.mp4', 'a___31mb.mp4'],
    ['<script>.mp4', '_script_.mp4'],
    ['', 'video'],
  ])('%j is %j', (name, plain) => {
    expect(plainName(name)).toBe(plain);
  });
});

describe('/openapi.json', () => {
  it('describes every address that there is', async () => {
    await start();
    const description = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
      components: { schemas: Record<string, unknown> };
    };
    expect(description.openapi).toBe('3.1.0');
    const text = JSON.stringify(description);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(description.components.schemas).toHaveProperty(name!);
    }
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const method of Object.keys(methods).filter((key) => key !== 'parameters')) {
        const response = await fetchWith(server, path.replace(/\{\w+\}/, 'x'), { method: method.toUpperCase() });
        const { error } = (response.ok ? {} : await response.json()) as { error?: { code: string } };
        expect(error?.code, `${method} ${path}`).not.toBe('NOT_FOUND');
      }
    }
  });
});
