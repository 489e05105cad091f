import { describe, expect, it } from 'vitest';
import { isPublic, openRequest, parseSource, type SourcePolicy } from '../../../src/live/source/address.js';

const owner: SourcePolicy = { origin: 'owner', allowPrivate: true };
const viewer: SourcePolicy = { origin: 'viewer', allowPrivate: false };
const trusted: SourcePolicy = { origin: 'viewer', allowPrivate: true };

describe("a source's name", () => {
  it.each([
    ['browser', 'browser'],
    ['rtsp://camera.example/1', 'network'],
    ['SRT://camera.example:9000', 'network'],
    ['udp://@:1234', 'network'],
    ['udp://239.0.0.1:1234', 'network'],
    ['https://example.com/live.m3u8', 'network'],
    ['/dev/video0', 'device'],
    ['v4l2:/dev/video2', 'device'],
    ['dshow:video=USB Camera', 'device'],
    ['avfoundation:0', 'device'],
    ['clip.mp4', 'file'],
    ['C:\\clips\\clip.mp4', 'file'],
    ['folder:name/clip.mp4', 'file'],
    ['file:///tmp/a%20b.mp4', 'file'],
  ])('of the owner, %s, is a %s', (source, kind) => {
    expect(parseSource(source, owner).kind).toBe(kind);
  });

  it.each(['concat:a|b', 'pipe:0', 'subfile,,start,0,end,9,,:a', 'data:video/mp4;base64,AAAA'])(
    'is a file of that name for the owner, never a protocol: %s',
    (source) => {
      expect(parseSource(source, owner)).toMatchObject({ kind: 'file', path: source });
    },
  );

  it.each(['ftp://example.com/a.mp4', 'concat://a', 'lavfi://testsrc', 'gopher://example.com'])(
    'is refused to everyone where the protocol is not known: %s',
    (source) => {
      expect(() => parseSource(source, owner)).toThrowError(expect.objectContaining({ code: 'USAGE' }));
    },
  );

  it.each([
    'file:///etc/passwd',
    '/etc/passwd',
    'clip.mp4',
    'concat:/etc/passwd|/etc/hosts',
    'concat://etc/passwd',
    'pipe:0',
    'pipe://0',
    'subfile,,start,0,end,99,,:/etc/passwd',
    'crypto:///etc/passwd',
    'cache:http://example.com/x',
    'data:,x',
    'unix:///run/docker.sock',
    'tcp://example.com:80',
    'tcp://0.0.0.0:80?listen',
    'udp://@:1234',
    'rtp://239.0.0.1:1234',
    '/dev/video0',
    'v4l2:/dev/video0',
    'dshow:video=Camera',
    'srt://0.0.0.0:9000?mode=listener',
    'srt://example.com:9000?localport=22',
    'srt://:9000',
    'rtsp://example.com/x?listen',
    'rtmp://example.com/live/a playpath=x swfUrl=file:///etc/passwd',
    'http://example.com/\nHost: other',
    '',
    ' ',
  ])('is refused to a viewer: %j', async (source) => {
    // What passes the first look meets the look-up of its host, which these do not pass.
    const opening = Promise.resolve().then(() => {
      const address = parseSource(source, viewer);
      if (address.kind !== 'network') throw new Error(`it is a ${address.kind}`);
      return openRequest(address);
    });
    await expect(opening).rejects.toMatchObject({
      code: expect.stringMatching(/^(USAGE|INPUT_UNREADABLE)$/) as string,
    });
  });

  it.each([
    'http://127.0.0.1/x',
    'http://127.1/x',
    'http://2130706433/x',
    'http://0x7f.1/x',
    'http://[::1]/x',
    'http://[::ffff:127.0.0.1]/x',
    'http://localhost/x',
    'rtsp://10.1.2.3/x',
    'rtsp://192.168.1.10:554/x',
    'rtmp://172.20.0.1/x/y',
    'https://169.254.169.254/latest/meta-data',
    'srt://0.0.0.0:9000',
    'http://public.example\\@127.0.0.1/x',
    'rtsp://public.example\\@127.0.0.1/x',
    'rtsp://user:secret@127.0.0.1/x',
  ])('in a private network is refused to a viewer: %s', async (source) => {
    const opening = Promise.resolve().then(() => {
      const address = parseSource(source, viewer);
      if (address.kind !== 'network') throw new Error(`it is a ${address.kind}`);
      return openRequest(address);
    });
    await expect(opening).rejects.toMatchObject({ name: 'DeblurError' });
    await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining('secret') as string });
  });

  it('in a private network is open to a viewer where that is allowed', async () => {
    const address = parseSource('http://127.0.0.1:8000/x.ts', trusted);
    if (address.kind !== 'network') throw new Error('it is no network address');
    expect(await openRequest(address)).toMatchObject({ url: 'http://127.0.0.1:8000/x.ts' });
  });

  it('leads a viewer to the address that was checked, by name where a certificate proves it, and nowhere else', async () => {
    const request = async (source: string) => {
      const address = parseSource(source, viewer);
      if (address.kind !== 'network') throw new Error('it is no network address');
      return openRequest(address);
    };
    const plain = await request('http://user:pw@8.8.8.8:8080/live.ts?a=b');
    expect(plain.url).toBe('http://user:pw@8.8.8.8:8080/live.ts?a=b');
    expect(plain.options).toMatchObject({ headers: 'Host: 8.8.8.8:8080\r\n', max_redirects: '0' });
    expect(plain.options['format_whitelist']).not.toMatch(/hls|dash|concat/);
    const secure = await request('https://8.8.4.4/live.ts');
    expect(secure.options).toMatchObject({ tls_verify: '1', max_redirects: '0' });
    expect((await request('rtsp://[2001:4860:4860::8888]:554/1')).url).toBe('rtsp://[2001:4860:4860::8888]:554/1');
  });

  it('lets no stream use other protocols than its own', async () => {
    for (const source of ['rtsp://h/1', 'rtmp://h/1', 'srt://h:1', 'udp://@:1', 'http://h/1', 'tcp://h:1']) {
      const address = parseSource(source, owner);
      if (address.kind !== 'network') throw new Error('it is no network address');
      const { options } = await openRequest(address);
      expect(options['protocol_whitelist']?.split(',')).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(file|concat|pipe|subfile|unix|cache)$/)]),
      );
    }
  });

  it('is shown without what may be secret', () => {
    const { shown } = parseSource('rtsp://user:secret@camera.example:554/stream?token=secret#secret', owner);
    expect(shown).toBe('rtsp://camera.example:554/stream');
  });
});

describe('isPublic', () => {
  it.each(['8.8.8.8', '1.1.1.1', '2606:4700::1111'])('holds for %s', (ip) => {
    expect(isPublic(ip)).toBe(true);
  });

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.8.8.8',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:8.8.8.8',
    'fe80::1%eth0',
    'fd00::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'no address',
  ])('does not hold for %s', (ip) => {
    expect(isPublic(ip)).toBe(false);
  });
});
