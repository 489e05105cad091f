import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { openVideo, type Plane } from '../../src/io/index.js';
import { av, constants as c } from '../../src/io/node-av/binding.js';
import { allocatePicture } from '../../src/io/node-av/native-frame.js';
import { openH264 } from '../../src/live/h264-encoder.js';
import { drawCode } from './frame-code.js';
import { bt709 } from './frames.js';

/** A picture of the clip, without padding. */
type Picture = readonly Pick<Plane, 'data' | 'width' | 'height'>[];

const clock = 90_000;

/**
 * A network camera: plays a clip in H.264 over MPEG-TS to whoever connects, and draws into every picture the time at which it is
 * taken, in milliseconds since the epoch modulo 2³².
 */
export class CodedCamera implements AsyncDisposable {
  readonly width: number;
  readonly height: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #shots = new Set<Promise<void>>();

  private constructor(server: Server, { width, height }: { width: number; height: number }) {
    this.#server = server;
    this.width = width;
    this.height = height;
  }

  /** @param path An 8-bit 4:2:0 clip of even size; it is played again and again. */
  static async open(path: string, rate: number): Promise<CodedCamera> {
    await using reader = await openVideo(path);
    const pictures: Picture[] = [];
    for await (const frame of reader.frames()) {
      using held = frame;
      pictures.push(held.planes().map(tight));
    }
    const server = createServer();
    const camera = new CodedCamera(server, reader.video);
    server.on('connection', (socket) => {
      const shot = camera.#shoot(socket, pictures, rate).finally(() => camera.#shots.delete(shot));
      camera.#shots.add(shot);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return camera;
  }

  /** Where the camera is, for instance `tcp://127.0.0.1:4000`. */
  get url(): string {
    return `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await Promise.all(this.#shots);
  }

  async #shoot(socket: Socket, pictures: readonly Picture[], rate: number): Promise<void> {
    const { width, height } = this;
    this.#sockets.add(socket);
    socket.setNoDelay();
    socket.on('error', () => undefined);
    const stream = await TransportStream.open({ width, height, rate }, (bytes) => socket.write(bytes));
    const begun = performance.now();
    try {
      for (let n = 0; !socket.destroyed; n += 1) {
        const wait = (n / rate) * 1000 - (performance.now() - begun);
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
        const picture = pictures[n % pictures.length];
        if (picture) await stream.write(picture, Date.now() >>> 0, performance.now() - begun);
      }
    } finally {
      this.#sockets.delete(socket);
      await stream[Symbol.asyncDispose]();
    }
  }
}

function tight({ data, stride, width, height }: Plane): Picture[number] {
  const rows = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) rows.set(data.subarray(y * stride, y * stride + width), y * width);
  return { data: rows, width, height };
}

/** H.264 in MPEG-TS, each picture on its way as soon as it is encoded. */
class TransportStream implements AsyncDisposable {
  readonly #encoder: av.CodecContext;
  readonly #output: av.FormatContext;
  readonly #io: av.IOContext;

  private constructor(encoder: av.CodecContext, output: av.FormatContext, io: av.IOContext) {
    this.#encoder = encoder;
    this.#output = output;
    this.#io = io;
  }

  static async open(
    { width, height, rate }: { width: number; height: number; rate: number },
    send: (bytes: Buffer) => void,
  ): Promise<TransportStream> {
    const x264 = { preset: 'ultrafast', tune: 'zerolatency', crf: '20' };
    const encoder = await openH264({ width, height, rate, x264, color: bt709, clock, keyframeInterval: 1 });
    const io = new av.IOContext();
    const write = (bytes: Buffer) => {
      send(Buffer.from(bytes));
      return bytes.length;
    };
    io.allocContextWithCallbacks(1316, 1, null, write, null);
    const output = new av.FormatContext();
    output.allocOutputContext2(null, 'mpegts', null);
    output.pb = io;
    const stream = output.newStream();
    stream.codecpar.fromContext(encoder);
    stream.timeBase = encoder.timeBase;
    await output.writeHeader(null);
    return new TransportStream(encoder, output, io);
  }

  async write(picture: Picture, code: number, milliseconds: number): Promise<void> {
    const { width, height } = this.#encoder;
    const frame = allocatePicture(c.AV_PIX_FMT_YUV420P, width, height);
    using packet = new av.Packet();
    packet.alloc();
    try {
      for (const [i, { data, width: across, height: down }] of picture.entries()) {
        const [rows, stride] = [frame.data?.[i], frame.linesize[i]];
        if (!rows || stride === undefined) throw new RangeError(`no plane ${i}`);
        for (let y = 0; y < down; y += 1) rows.set(data.subarray(y * across, (y + 1) * across), y * stride);
        if (i === 0) drawCode(rows, stride, width, height, code);
      }
      frame.pts = BigInt(Math.round((milliseconds * clock) / 1000));
      await this.#encoder.sendFrame(frame);
      while ((await this.#encoder.receivePacket(packet)) >= 0) {
        packet.streamIndex = 0;
        await this.#output.writeFrame(packet);
        await this.#io.flush();
        packet.unref();
      }
    } finally {
      frame.free();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#output.pb = null;
    this.#output.freeContext();
    await this.#io[Symbol.asyncDispose]();
    this.#encoder.freeContext();
  }
}
