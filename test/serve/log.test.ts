import { describe, expect, it } from 'vitest';
import { createLog, describeSource } from '../../src/serve/index.js';

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  const destination = { write: (line: string) => void (text += line) };
  write(createLog({ secrets: ['a-token-for-the-tests'], destination }));
  return text;
}

describe('the log', () => {
  it('is one JSON object a line', () => {
    const [line] = logged((log) => {
      log.info({ viewer: 'x' }, 'joined');
    }).split('\n');
    expect(JSON.parse(line!)).toMatchObject({ name: 'deblur', viewer: 'x', msg: 'joined' });
  });

  it.each<[string, (log: ReturnType<typeof createLog>) => void]>([
    ['in a field', (log) => log.info({ token: 'hunter2hunter2' }, 'x')],
    ['in a header', (log) => log.info({ headers: { authorization: 'Bearer hunter2hunter2' } }, 'x')],
    ['in an address', (log) => log.info('opening rtsp://admin:hunter2hunter2@camera.lan/stream')],
    ['in an error', (log) => log.error({ err: new Error('srt://u:hunter2hunter2@host: refused') }, 'failed')],
    ['that is the server’s own', (log) => log.info({ deep: { er: ['x a-token-for-the-tests y'] } }, 'x')],
  ])('tells no secret %s', (_, write) => {
    const text = logged(write);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('a-token-for-the-tests');
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });
});

describe('describeSource', () => {
  it.each([
    ['rtsp://admin:hunter2@camera.lan:554/live?key=1', 'rtsp://camera.lan:554'],
    ['rtmp://host/app/a-secret-stream-key', 'rtmp://host'],
    ['srt://host:9000?passphrase=secret', 'srt://host:9000'],
    ['/home/me/clips/day.mp4', 'day.mp4'],
    ['C:\\clips\\day.mp4', 'day.mp4'],
    ['/dev/video0', 'video0'],
    ['browser', 'browser'],
  ])('%s is told as %s', (source, told) => {
    expect(describeSource(source)).toBe(told);
  });
});
