import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A stream that a test has started. */
export interface TestStream {
  readonly url: string;
  stop(): Promise<void>;
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Runs the user's ffmpeg until it is stopped. */
export function startFfmpeg(args: readonly string[]): { process: ChildProcess; stop: () => Promise<void> } {
  const child = spawn(process.env['FFMPEG_PATH'] ?? 'ffmpeg', ['-hide_banner', '-loglevel', 'error', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return {
    process: child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** The clip as a camera would send it: at its own speed, again and again, in H.264 with a keyframe every half second. */
export function cameraArguments(clip: string): string[] {
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '12', '-an'];
  return ['-re', '-stream_loop', '-1', '-i', clip, ...encode];
}

/** MPEG-TS in datagrams to a port. */
export async function udpStream(clip: string, port?: number): Promise<TestStream & { port: number }> {
  const to = port ?? (await freePort());
  const { stop } = startFfmpeg([...cameraArguments(clip), '-f', 'mpegts', `udp://127.0.0.1:${to}?pkt_size=1316`]);
  return { url: `udp://127.0.0.1:${to}`, port: to, stop };
}

/** MPEG-TS to each who connects, until they leave. */
export async function tcpStream(clip: string, port = 0): Promise<TestStream & { port: number; cut: () => void }> {
  const sockets = new Set<Socket>();
  const children = new Set<ReturnType<typeof startFfmpeg>>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const child = startFfmpeg([...cameraArguments(clip), '-f', 'mpegts', 'pipe:1']);
    children.add(child);
    child.process.stdout?.pipe(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      void child.stop();
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const own = (server.address() as AddressInfo).port;
  return {
    url: `tcp://127.0.0.1:${own}`,
    port: own,
    cut,
    stop: async () => {
      cut();
      server.close();
      await Promise.all([...children].map(({ stop }) => stop()));
    },
  };
}

/** One viewer's RTMP, served by ffmpeg. */
export async function rtmpStream(clip: string): Promise<TestStream> {
  const port = await freePort();
  const url = `rtmp://127.0.0.1:${port}/live/camera`;
  const { stop } = startFfmpeg([...cameraArguments(clip), '-f', 'flv', '-listen', '1', url]);
  return { url, stop };
}

/** SRT, to one who calls. */
export async function srtStream(clip: string): Promise<TestStream> {
  const port = await freePort();
  const { stop } = startFfmpeg([...cameraArguments(clip), '-f', 'mpegts', `srt://127.0.0.1:${port}?mode=listener`]);
  return { url: `srt://127.0.0.1:${port}`, stop };
}

/** HLS over HTTP, with segments of half a second. */
export async function hlsStream(clip: string): Promise<TestStream> {
  const folder = await mkdtemp(join(tmpdir(), 'deblur-hls-'));
  const list = join(folder, 'live.m3u8');
  const segments = ['-f', 'hls', '-hls_time', '0.5', '-hls_list_size', '4', '-hls_flags', 'delete_segments'];
  const { stop } = startFfmpeg([...cameraArguments(clip), ...segments, list]);
  const server = createHttpServer((request, response) => {
    readFile(join(folder, basename(request.url ?? ''))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (let i = 0; i < 100 && (await readFile(list).catch(() => undefined)) === undefined; i += 1) await sleep(100);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.m3u8`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A small RTSP server (RFC 2326, interleaved) in front of ffmpeg's RTP. */
export async function rtspStream(clip: string): Promise<TestStream> {
  const folder = await mkdtemp(join(tmpdir(), 'deblur-rtsp-'));
  const description = join(folder, 'camera.sdp');
  const media = createSocket('udp4').bind(0, '127.0.0.1');
  await once(media, 'listening');
  const players = new Set<Socket>();
  media.on('message', (packet) => {
    const head = Buffer.from([0x24, 0, packet.length >> 8, packet.length & 0xff]);
    for (const player of players) player.write(Buffer.concat([head, packet]));
  });
  const target = `rtp://127.0.0.1:${media.address().port}`;
  const { stop } = startFfmpeg([...cameraArguments(clip), '-f', 'rtp', '-sdp_file', description, target]);
  const sdp = async (): Promise<string> => {
    for (let i = 0; i < 100; i += 1) {
      const text = await readFile(description, 'utf8').catch(() => '');
      if (text.includes('m=video')) return text.replace(/m=video \d+/, 'm=video 0').trim() + '\r\na=control:track\r\n';
      await sleep(50);
    }
    throw new Error('ffmpeg described no stream');
  };
  const answer = async (socket: Socket, request: string): Promise<void> => {
    const [line = ''] = request.split('\r\n');
    const method = line.split(' ')[0];
    const sequence = /^CSeq: *(\d+)/im.exec(request)?.[1] ?? '0';
    const head = `RTSP/1.0 200 OK\r\nCSeq: ${sequence}\r\nSession: 1\r\n`;
    if (method === 'DESCRIBE') {
      const body = await sdp();
      socket.write(`${head}Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    } else if (method === 'SETUP') {
      socket.write(`${head}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`);
    } else {
      socket.write(`${head}Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n`);
      if (method === 'PLAY') players.add(socket);
    }
  };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('data', (bytes) => {
      // Reports about what was received come as frames that begin with a dollar sign.
      if (bytes[0] === 0x24) return;
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        void answer(socket, text.slice(0, end));
        text = text.slice(end + 4);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => players.delete(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `rtsp://127.0.0.1:${(server.address() as AddressInfo).port}/camera`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      media.close();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
