import * as fs from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deblur } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { scratchFolder, secondsAndSamples } from '../support/io.js';
import { TestClient } from '../support/live-client.js';

const clip = fixture('clips/dogs-blurry.mp4');
let folder: Awaited<ReturnType<typeof scratchFolder>>;

beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => folder.remove());

/** Runs `deblur serve`, does something with it once it listens, and stops it as a service manager would. */
async function serve(args: string[], use: (link: URL) => Promise<void>, env?: Record<string, string>) {
  let used: Promise<void> | undefined;
  const ended = await deblur(['serve', ...args, '--port', '0'], {
    ...(env ? { env } : {}),
    onLine: (line, kill) => {
      used = use(new URL(line)).finally(() => {
        kill('SIGTERM');
      });
    },
  });
  await used;
  return ended;
}

describe('deblur serve', () => {
  it('shows a file, records what it shows, stops when it is told to, and its recordings can be played', async () => {
    const record = folder.path('from-the-start.mp4');
    const root = folder.path('root');
    await fs.mkdir(root);
    const args = [clip, '--loop', '--model', 'none', '--record', record, '--root', root];
    let token = '';
    const ended = await serve(args, async ({ origin, hash }) => {
      token = hash.slice('#token='.length);
      const viewer = await TestClient.open(origin, { token });
      expect(await viewer.message('hello')).toMatchObject({
        source: 'dogs-blurry.mp4',
        may: { record: true, jobs: true, camera: false },
      });
      await viewer.until(({ fragments }) => fragments.length > 12, 'a dozen frames');
      expect(viewer.fragments[0]!.kind).toBe('init');
      expect(viewer.fragments[1]!.keyframe).toBe(true);
      viewer.send({ type: 'snapshot', id: 1 });
      const { original, result } = await viewer.message('snapshot');
      for (const png of [original, result]) {
        expect(Buffer.from(png, 'base64').toString('latin1', 1, 4)).toBe('PNG');
      }
    });
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain('"msg":"joined"');
    expect(ended.stderr).not.toContain(token);
    expect(ended.stderr).not.toContain(clip);
    expect((await secondsAndSamples(record)).length).toBeGreaterThan(5);
  });

  it('lets a viewer record to the server’s folder, and ends the recording when it is stopped meanwhile', async () => {
    const root = folder.path('root');
    await fs.mkdir(root);
    let file: string | undefined;
    const token = 'a-token-of-the-environment';
    const use = async ({ origin }: URL) => {
      const viewer = await TestClient.open(origin, { token });
      await viewer.until(({ fragments }) => fragments.length > 2, 'frames');
      viewer.send({ type: 'record', id: 1, recording: true });
      ({ file } = await viewer.message('done'));
      const seen = viewer.fragments.length;
      await viewer.until(({ fragments }) => fragments.length > seen + 12, 'a dozen frames');
    };
    const ended = await serve([clip, '--loop', '--model', 'none', '--root', root], use, { DEBLUR_TOKEN: token });
    expect(ended).toMatchObject({ code: 0 });
    expect((await secondsAndSamples(`${root}/recordings/${file}`)).length).toBeGreaterThan(5);
  });

  it.each([
    [[], 'There is nothing to serve'],
    [['browser', '--token', 'short'], 'A token has 16'],
    [['browser', '--tls-cert', 'x.pem'], 'both --tls-cert and --tls-key'],
    [['browser', '--tls-cert', 'x.pem', '--tls-key', 'y.pem'], 'cannot be read'],
    [['browser', '--origin', 'studio'], 'origins'],
    [['--root', '/nowhere/at/all'], 'There is no folder'],
    [['browser', '--port', '70000'], '0 to 65535'],
  ])('says what is wrong with %j', async (args, message) => {
    const ended = await deblur(['serve', '--log-level', 'silent', ...args]);
    expect(ended.code).toBeGreaterThan(0);
    expect(ended.stderr).toContain(message);
  });
});
