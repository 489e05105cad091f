import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import { DeblurError } from '../errors.js';
import type { CameraFormat, LiveControl, LiveFragment } from '../live/index.js';
import { manifest } from '../package-root.js';
import {
  PROTOCOL_VERSION,
  closeCodes,
  type BinaryMessage,
  type CameraBegin,
  type ClientMessage,
  type ControlChange,
  type ServerHello,
  type ServerMessage,
} from '../protocol/index.js';
import type { Access } from './access.js';
import type { Choices } from './choices.js';
import { Connection, type ClientHello, type CloseReason } from './connection.js';
import type { LiveFeed } from './feed.js';
import type { JobQueue } from './jobs/job-queue.js';
import { describeSource } from './log.js';
import type { Metrics } from './metrics.js';
import type { Limits } from './options.js';
import { Packet } from './packet.js';
import { TokenBucket } from './token-bucket.js';

/** Options of {@link LiveRoom}. */
export interface LiveRoomOptions {
  /** The live session; undefined where the server has jobs only. */
  feed: LiveFeed | undefined;
  /** What the source is, for people. */
  source: string | undefined;
  /** Viewers may send their camera. */
  camera: boolean;
  /** Shows another source; undefined where viewers may not choose. */
  changeSource: ((source: string) => Promise<void>) | undefined;
  choices: Choices;
  jobs: JobQueue | undefined;
  /** A path for a new recording; undefined where viewers may not record. */
  recordingPath: (() => Promise<string>) | undefined;
  access: Access;
  limits: Limits;
  metrics: () => Metrics;
  log: Logger;
}

interface Viewer {
  readonly id: string;
  readonly connection: Connection;
  readonly log: Logger;
  /** Its token was right and its hello was answered. */
  greeted: boolean;
  media: boolean;
  snapshotUnderWay: boolean;
  cameraAskedAt: number;
  /** What costs more than a message. */
  readonly costly: TokenBucket;
}

/** Snapshots, recordings and changes of a network that a viewer may ask for in a second, and at once. */
const costly = { rate: 2, burst: 8 };
/** Keyframes a second that viewers may ask for together: each costs every viewer bandwidth. */
const keyframeRate = 2;

/** Milliseconds between two questions for a keyframe of the camera. */
const cameraAskInterval = 500;

/** All clients of one server, and what they see and do together. */
export class LiveRoom {
  readonly #options: LiveRoomOptions;
  readonly #viewers = new Set<Viewer>();
  readonly #subscriptions: Subscription[] = [];
  readonly #packets = new WeakMap<LiveFragment, Packet>();
  readonly #keyframes = new TokenBucket(keyframeRate, 1);
  #source: string | undefined;
  #camera: boolean;
  #cameraOwner: Viewer | undefined;
  #snapshot: ReturnType<LiveFeed['snapshot']> | undefined;
  #closed = false;

  constructor(options: LiveRoomOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#camera = options.camera;
    const { feed, jobs, choices, log } = options;
    const error = (cause: unknown) => {
      log.error({ err: cause }, 'the live session failed');
    };
    if (feed) {
      this.#subscriptions.push(
        feed.fragments.subscribe({
          next: (fragment) => {
            this.#broadcast(this.#packet(fragment));
          },
          error,
        }),
        feed.state.subscribe({
          next: (state) => {
            this.#tell({ type: 'state', state: choices.named(state) });
          },
          error,
        }),
        feed.statistics.subscribe({
          next: () => {
            for (const viewer of this.#viewers) this.#tellStatistics(viewer);
          },
          error,
        }),
      );
    }
    if (jobs) {
      this.#subscriptions.push(
        jobs.changes.subscribe(({ id, job, passing }) => {
          this.#tell(job ? { type: 'job', job } : { type: 'job-gone', id }, passing);
        }),
      );
    }
  }

  /** Open connections, and those of them that get the stream. */
  get counts(): { all: number; viewers: number } {
    return { all: this.#viewers.size, viewers: this.#watching().length };
  }

  /** Whether one more connection fits: half as many again as viewers, for those that have not said hello. */
  get full(): boolean {
    const { viewers } = this.#options.limits;
    return this.#closed || this.#viewers.size >= viewers + Math.max(16, viewers / 2);
  }

  /**
   * Takes a client in.
   * @param authorised Its token came with the handshake and was right.
   */
  accept(socket: WebSocket, address: string, authorised: boolean): void {
    const id = randomBytes(6).toString('base64url');
    const { limits, metrics } = this.#options;
    const log = this.#options.log.child({ viewer: id, address });
    const connection: Connection = new Connection(socket, {
      limits,
      metrics: metrics(),
      log,
      handler: {
        hello: (hello) => this.#greet(viewer, hello, address, authorised),
        message: (message) => {
          this.#obey(viewer, message);
        },
        camera: (chunk) => {
          this.#pushCamera(viewer, chunk);
        },
        closed: (code) => {
          this.#leave(viewer, code);
        },
      },
    });
    const viewer: Viewer = {
      ...{ id, connection, log },
      ...{ greeted: false, media: false, snapshotUnderWay: false, cameraAskedAt: 0 },
      costly: new TokenBucket(costly.rate, costly.burst),
    };
    this.#viewers.add(viewer);
  }

  /** Sends everyone away and takes nobody in any more. */
  close(): void {
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const { connection } of this.#viewers) connection.close(closeCodes.goingAway, 'The server stops.');
  }

  /** Cuts those who have not left. */
  terminate(): void {
    for (const { connection } of this.#viewers) connection.terminate();
  }

  #watching(): Viewer[] {
    return [...this.#viewers].filter(({ greeted, media }) => greeted && media);
  }

  #greet(viewer: Viewer, hello: ClientHello, address: string, authorised: boolean): CloseReason | undefined {
    const { access, limits, metrics, feed, choices, jobs } = this.#options;
    const refuse = (reason: string, code: number, sentence: string) => {
      metrics().refused.inc({ reason });
      viewer.log.warn({ reason }, 'refused');
      return { code, reason: sentence };
    };
    if (hello.protocol !== PROTOCOL_VERSION) {
      return refuse('version', closeCodes.version, `This server speaks version ${PROTOCOL_VERSION}.`);
    }
    if (!authorised) {
      const verdict = access.checkToken(hello.token, address);
      if (verdict === 'blocked') return refuse('blocked', closeCodes.tooMany, 'Too many wrong tokens; wait a minute.');
      if (verdict === 'wrong') return refuse('token', closeCodes.unauthorised, 'The token is not right.');
    }
    if ([...this.#viewers].filter(({ greeted }) => greeted).length >= limits.viewers) {
      return refuse('viewers', closeCodes.tooMany, 'There are too many viewers.');
    }
    viewer.greeted = true;
    viewer.media = hello.media && feed !== undefined;
    viewer.log.info({ client: hello.client, media: viewer.media }, 'joined');
    viewer.connection.send(this.#hello(viewer));
    if (feed) viewer.connection.send({ type: 'state', state: choices.named(feed.currentState()) });
    this.#tellStatistics(viewer);
    for (const job of jobs?.list() ?? []) viewer.connection.send({ type: 'job', job });
    if (viewer.media && feed) {
      for (const fragment of feed.latestGroup()) viewer.connection.queue.push(this.#packet(fragment));
      feed.setViewers(this.#watching().length);
    }
    return undefined;
  }

  #hello(viewer: Viewer): ServerHello {
    const { feed, choices, jobs, limits, recordingPath, changeSource } = this.#options;
    const source = this.#source;
    return {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      server: `deblur-stream/${manifest.version}`,
      viewer: viewer.id,
      time: Date.now(),
      ...(source === undefined ? {} : { source }),
      models: choices.models,
      translators: choices.translators,
      may: {
        control: feed !== undefined,
        snapshot: feed !== undefined,
        record: feed !== undefined && recordingPath !== undefined,
        camera: feed !== undefined && this.#camera,
        source: feed !== undefined && changeSource !== undefined,
        jobs: jobs !== undefined,
      },
      limits: {
        text: limits.text,
        binary: limits.binary,
        rate: limits.rate,
        idle: limits.idle,
        upload: limits.upload,
      },
    };
  }

  #leave(viewer: Viewer, code: number): void {
    this.#viewers.delete(viewer);
    this.#options.metrics().closed.inc({ code: String(code) });
    if (!viewer.greeted) return;
    viewer.log.info({ code, skipped: viewer.connection.queue.skipped }, 'left');
    if (this.#cameraOwner === viewer) this.#endCamera();
    if (viewer.media && !this.#closed) this.#options.feed?.setViewers(this.#watching().length);
  }

  /** A fragment's packet, the same for all viewers. */
  #packet(fragment: LiveFragment): Packet {
    let packet = this.#packets.get(fragment);
    if (!packet) this.#packets.set(fragment, (packet = new Packet(fragment)));
    return packet;
  }

  #broadcast(packet: Packet): void {
    for (const { greeted, media, connection } of this.#viewers) if (greeted && media) connection.queue.push(packet);
  }

  #tell(message: ServerMessage, expendable = false): void {
    for (const { greeted, connection } of this.#viewers) if (greeted) connection.send(message, { expendable });
  }

  #tellStatistics({ greeted, connection }: Viewer): void {
    const { feed } = this.#options;
    if (!feed || !greeted) return;
    const { skipped } = connection.queue;
    connection.send({ type: 'statistics', statistics: feed.currentStatistics(), skipped }, { expendable: true });
  }

  #obey(viewer: Viewer, message: Exclude<ClientMessage, { type: 'hello' | 'ping' }>): void {
    const { feed } = this.#options;
    const { connection } = viewer;
    const id = 'id' in message ? message.id : undefined;
    if (!feed) {
      connection.refuse('NOT_ALLOWED', 'This server has no live source.', id);
      return;
    }
    if (isCostly(message) && !viewer.costly.take()) {
      connection.refuse('TOO_MANY', 'That was asked for too often; wait a moment.', id);
      return;
    }
    switch (message.type) {
      case 'keyframe':
        if (this.#keyframes.take()) feed.requestKeyframe();
        return;
      case 'control':
        this.#answer(viewer, id, () => this.#control(feed, viewer, message));
        return;
      case 'record':
        this.#answer(viewer, id, () => this.#record(feed, viewer, message.recording));
        return;
      case 'snapshot':
        void this.#sendSnapshot(feed, viewer, message.id);
        return;
      case 'source':
        this.#answer(viewer, id, () => this.#changeSource(viewer, message.source));
        return;
      case 'camera':
        this.#takeCamera(feed, viewer, message);
        return;
    }
  }

  /** Does something for a viewer and says how it went. */
  #answer(viewer: Viewer, id: number | undefined, work: () => Promise<{ file?: string }>): void {
    work().then(
      (result) => {
        if (id !== undefined) viewer.connection.send({ type: 'done', id, ...result });
      },
      (error: unknown) => {
        viewer.connection.sendError(error, id);
      },
    );
  }

  async #control(feed: LiveFeed, viewer: Viewer, change: ControlChange): Promise<{ file?: string }> {
    const { choices } = this.#options;
    const { model, translator, strength, paused } = change;
    const live: LiveControl = {
      ...(model === undefined ? {} : { model: choices.model(model) }),
      ...(translator === undefined ? {} : { translator: translator === null ? null : choices.translator(translator) }),
      ...(strength === undefined ? {} : { strength }),
      ...(paused === undefined ? {} : { paused }),
    };
    await feed.control(live);
    viewer.log.info({ model, translator, strength, paused }, 'changed');
    return {};
  }

  async #record(feed: LiveFeed, viewer: Viewer, recording: boolean): Promise<{ file?: string }> {
    const { recordingPath } = this.#options;
    if (!recordingPath) {
      throw new DeblurError('USAGE', 'This server has no folder to record to.', {
        hint: 'It is given with --root when the server starts.',
      });
    }
    if (!recording) {
      await feed.stopRecording();
      viewer.log.info('stopped recording');
      return {};
    }
    if (feed.currentState().recording) throw new DeblurError('USAGE', 'A recording is being made already.');
    const path = await recordingPath();
    await feed.startRecording(path);
    const file = path.split(/[\\/]/).at(-1);
    viewer.log.info({ file }, 'records');
    return file === undefined ? {} : { file };
  }

  async #sendSnapshot(feed: LiveFeed, viewer: Viewer, id: number): Promise<void> {
    const { connection } = viewer;
    if (viewer.snapshotUnderWay) {
      connection.refuse('BUSY', 'A snapshot is being made already.', id);
      return;
    }
    viewer.snapshotUnderWay = true;
    try {
      // Those who ask at the same time get the same.
      this.#snapshot ??= feed.snapshot().finally(() => (this.#snapshot = undefined));
      const { original, result } = await this.#snapshot;
      connection.send({ type: 'snapshot', id, original: base64(original), result: base64(result) });
    } catch (error) {
      connection.sendError(error, id);
    } finally {
      viewer.snapshotUnderWay = false;
    }
  }

  async #changeSource(viewer: Viewer, source: string): Promise<{ file?: string }> {
    const { changeSource } = this.#options;
    if (!changeSource) {
      throw new DeblurError('USAGE', 'Viewers may not choose the source of this server.', {
        hint: 'They may when it is started with --viewer-sources.',
      });
    }
    await changeSource(source);
    // The session that it was sent to is no more.
    this.#cameraOwner = undefined;
    this.#source = describeSource(source);
    this.#camera = source === 'browser';
    viewer.log.info({ source: this.#source }, 'chose the source');
    this.#tell({ type: 'source', source: this.#source, camera: this.#camera });
    return {};
  }

  #takeCamera(feed: LiveFeed, viewer: Viewer, message: Extract<ClientMessage, { type: 'camera' }>): void {
    const { connection, log } = viewer;
    const { id } = message;
    if (!this.#camera) {
      connection.refuse('NOT_ALLOWED', 'This server shows another source than a viewer’s camera.', id);
      return;
    }
    if (this.#cameraOwner && this.#cameraOwner !== viewer) {
      connection.refuse('BUSY', 'Another viewer sends its camera already.', id);
      return;
    }
    try {
      if (message.action === 'begin') {
        feed.beginCamera(cameraFormat(message));
        this.#cameraOwner = viewer;
        log.info({ format: message.format, width: message.width, height: message.height }, 'sends its camera');
      } else this.#endCamera();
      if (id !== undefined) connection.send({ type: 'done', id });
    } catch (error) {
      connection.sendError(error, id);
    }
  }

  #endCamera(): void {
    if (!this.#cameraOwner) return;
    this.#cameraOwner = undefined;
    this.#options.feed?.endCamera();
  }

  #pushCamera(viewer: Viewer, { data, pts, keyframe }: BinaryMessage): void {
    // What was on its way when the camera ended.
    if (this.#cameraOwner !== viewer) return;
    try {
      if (this.#options.feed?.push({ data, timestamp: pts, keyframe }) !== false) return;
    } catch (error) {
      viewer.connection.sendError(error);
      this.#endCamera();
      return;
    }
    const now = Date.now();
    if (now - viewer.cameraAskedAt < cameraAskInterval) return;
    viewer.cameraAskedAt = now;
    viewer.connection.send({ type: 'camera', request: 'keyframe' });
  }
}

/** Whether a message asks for more work than a moment's. */
function isCostly(message: ClientMessage): boolean {
  switch (message.type) {
    case 'control':
      return message.model !== undefined || message.translator !== undefined;
    case 'snapshot':
    case 'record':
    case 'source':
    case 'camera':
      return true;
    case 'hello':
    case 'keyframe':
    case 'ping':
      return false;
  }
}

function cameraFormat({ format, mime, codec, description }: CameraBegin): CameraFormat {
  if (format === 'mediarecorder') {
    if (mime === undefined) throw new DeblurError('USAGE', 'A camera of MediaRecorder must say its "mime".');
    return { kind: 'container', mime };
  }
  if (codec === undefined) throw new DeblurError('USAGE', 'A camera of WebCodecs must say its "codec".');
  if (description === undefined) return { kind: 'chunks', codec };
  return { kind: 'chunks', codec, description: Buffer.from(description, 'base64') };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
