import {
  BehaviorSubject,
  defer,
  filter,
  firstValueFrom,
  map,
  merge,
  ReplaySubject,
  startWith,
  Subject,
  take,
  throwError,
  timeout,
  type Observable,
} from 'rxjs';
import { cancelled, DeblurError, type DeblurErrorCode } from '../errors.js';
import {
  closeCodes,
  decodeBinary,
  encodeBinary,
  PROTOCOL_VERSION,
  serverMessage,
  subprotocol,
  type BinaryMessage,
  type CameraBegin,
  type ClientMessageInput,
  type ControlChange,
  type Job,
  type LiveState,
  type LiveStatistics,
  type ServerHello,
  type ServerMessage,
} from '../protocol/index.js';
import { backOffDelay, type BackOff } from './back-off.js';
import { ClockOffset } from './clock-offset.js';
import { JobsClient } from './jobs-client.js';
import { openSocket, socketOpen, type OpenSocket, type Socket } from './socket.js';

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** The server's token. It travels in the first message, never in an address. Default: none. */
  token?: string;
  /** Closes the client when it fires. */
  signal?: AbortSignal;
  /** How to come back after the connection was lost; false stays away. Default: {@link BackOff}'s own defaults. */
  reconnect?: BackOff | false;
  /** Whether to receive the stream; false only tells of state and jobs. Default true. */
  media?: boolean;
  /** Milliseconds of silence after which a connection counts as lost. Default 15 000. */
  silence?: number;
  /** Milliseconds that an answer may take. Default 15 000. */
  answerWithin?: number;
  /** Name for the server's log. Default `deblur-stream`. */
  name?: string;
  /** Opens WebSockets. Default: the platform's, or `ws`. */
  openSocket?: OpenSocket;
}

/** Where the connection to the server stands. */
export type Connection =
  /** Being made; `attempt` counts from 0, the first time. */
  | { readonly status: 'connecting'; readonly attempt: number }
  /** Comes again, with what holds then, when the server shows another source. */
  | { readonly status: 'open'; readonly hello: ServerHello }
  /** Lost, or not made; it is tried again at `until` (milliseconds since the epoch). */
  | { readonly status: 'waiting'; readonly attempt: number; readonly until: number; readonly reason: string }
  /** Refused for a reason that another attempt would not change. */
  | { readonly status: 'refused'; readonly reason: string; readonly why: Refusal }
  | { readonly status: 'closed' };

/** Why a server refuses a client for good. */
export type Refusal = 'token' | 'version' | 'message';

/** A fragment of the stream, with its frames' numbers and times of capture. */
export interface StreamFragment extends BinaryMessage {
  readonly kind: 'init' | 'media';
}

/** What the server says of this viewer's share of the stream. */
export interface ViewerStatistics extends LiveStatistics {
  /** Fragments that this viewer lost because its connection was too slow. */
  readonly skipped: number;
}

/** Original and result of one frame, as PNG. */
export interface LiveSnapshot {
  readonly original: Uint8Array<ArrayBuffer>;
  readonly result: Uint8Array<ArrayBuffer>;
}

/** How often the clocks are compared, in milliseconds; the first few times quicker. */
const pingEvery = 5000;

/** A request without the number that {@link LiveClient} gives it. */
type Request = Extract<ClientMessageInput, { id?: number }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/**
 * Connects to `deblur serve`. The client reconnects by itself until it is closed; every observable lives on across
 * connections and completes when it is closed.
 *
 * @param url the server's address: `http:`, `https:`, `ws:` or `wss:`.
 * @throws DeblurError `USAGE` for an address that is none.
 */
export function connect(url: string | URL, options: ConnectOptions = {}): LiveClient {
  return new LiveClient(url, options);
}

/** A connection to `deblur serve`; {@link connect} makes it. */
export class LiveClient {
  /** The server's HTTP address. */
  readonly address: URL;
  /** Uploads, cancels and fetches files that the server deblurs. */
  readonly jobs: JobsClient;
  /** How far the server's clock is ahead. */
  readonly clock = new ClockOffset();

  readonly #options: ConnectOptions;
  readonly #connection = new BehaviorSubject<Connection>({ status: 'connecting', attempt: 0 });
  readonly #messages = new Subject<ServerMessage>();
  readonly #state = new ReplaySubject<LiveState>(1);
  readonly #statistics = new ReplaySubject<ViewerStatistics>(1);
  readonly #fragments = new Subject<StreamFragment>();
  readonly #jobs = new BehaviorSubject<readonly Job[]>([]);
  #socket: Socket | undefined;
  #init: StreamFragment | undefined;
  #attempt = 0;
  #nextId = 1;
  #lastHeard = 0;
  #pulse: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Use {@link connect}. */
  constructor(url: string | URL, options: ConnectOptions) {
    this.address = httpAddress(url);
    this.#options = options;
    this.jobs = new JobsClient(this.address, () => options.token);
    options.signal?.addEventListener('abort', () => this.close(), { once: true });
    if (options.signal?.aborted) this.close();
    else void this.#open();
  }

  /** Where the connection stands; begins with the present. */
  get connection$(): Observable<Connection> {
    return this.#connection.asObservable();
  }

  /** Where the stream stands; begins with the present once it is known. */
  get state$(): Observable<LiveState> {
    return this.#state.asObservable();
  }

  /** The stream's figures, about once a second. */
  get statistics$(): Observable<ViewerStatistics> {
    return this.#statistics.asObservable();
  }

  /**
   * The stream: an `init` at the start of every connection and at every change of size, then media. Who subscribes in the middle
   * gets the present `init` first; decoding begins at the next keyframe.
   */
  get fragments$(): Observable<StreamFragment> {
    return defer(() => (this.#init ? this.#fragments.pipe(startWith(this.#init)) : this.#fragments));
  }

  /** The server's jobs, the newest last; begins with the present ones. */
  get jobs$(): Observable<readonly Job[]> {
    return this.#jobs.asObservable();
  }

  /** Errors that no request of this client caused, and every other message as it comes. */
  get messages$(): Observable<ServerMessage> {
    return this.#messages.asObservable();
  }

  /** The server's greeting while the connection is open. */
  get hello(): ServerHello | undefined {
    const connection = this.#connection.value;
    return connection.status === 'open' ? connection.hello : undefined;
  }

  /** Bytes that were sent and have not left yet. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /**
   * Changes what every viewer sees.
   * @throws DeblurError when the server refuses or cannot; `CANCELLED` when the connection is lost before it answers.
   */
  async control(change: ControlChange): Promise<void> {
    await this.#request({ type: 'control', ...change });
  }

  /**
   * The newest frame, original and result.
   * @throws DeblurError as {@link LiveClient.control}.
   */
  async snapshot(): Promise<LiveSnapshot> {
    const answer = await this.#request({ type: 'snapshot' });
    if (answer.type !== 'snapshot') throw new DeblurError('RUNTIME_FAILED', 'The server sent no snapshot.');
    return { original: fromBase64(answer.original), result: fromBase64(answer.result) };
  }

  /**
   * Begins or ends a recording in the server's folder.
   * @returns the file's name, when one has begun.
   * @throws DeblurError as {@link LiveClient.control}.
   */
  async record(recording: boolean): Promise<string | undefined> {
    const answer = await this.#request({ type: 'record', recording });
    return answer.type === 'done' ? answer.file : undefined;
  }

  /**
   * Shows another source to all viewers, where the owner lets them.
   * @param source a network address, or `browser` for a viewer's camera.
   * @throws DeblurError as {@link LiveClient.control}.
   */
  async setSource(source: string): Promise<void> {
    await this.#request({ type: 'source', source });
  }

  /** Asks for a keyframe soon, as after an error of the decoder. */
  requestKeyframe(): void {
    this.#send({ type: 'keyframe' });
  }

  /**
   * Says that chunks of a camera follow.
   * @throws DeblurError as {@link LiveClient.control}.
   */
  async beginCamera(camera: Omit<CameraBegin, 'type' | 'action' | 'id'>): Promise<void> {
    await this.#request({ type: 'camera', action: 'begin', ...camera });
  }

  /** Sends a chunk of a camera. Nothing happens while the connection is not open. */
  sendChunk(chunk: Pick<BinaryMessage, 'data' | 'keyframe' | 'pts' | 'sequence'>): void {
    if (this.#socket?.readyState !== socketOpen) return;
    this.#socket.send(encodeBinary({ kind: 'camera', discontinuity: false, frames: [], ...chunk }));
  }

  /** Says that no more chunks follow. */
  endCamera(): void {
    this.#send({ type: 'camera', action: 'end' });
  }

  /** Tries again at once, where the client waits to. */
  retryNow(): void {
    if (this.#connection.value.status !== 'waiting') return;
    clearTimeout(this.#retry);
    void this.#open();
  }

  /** Ends the connection and completes every observable. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#drop('closed');
    if (this.#connection.value.status !== 'refused') this.#connection.next({ status: 'closed' });
    for (const subject of [
      this.#connection,
      this.#messages,
      this.#state,
      this.#statistics,
      this.#fragments,
      this.#jobs,
    ]) {
      subject.complete();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #open(): Promise<void> {
    this.#connection.next({ status: 'connecting', attempt: this.#attempt });
    let socket: Socket;
    try {
      socket = await (this.#options.openSocket ?? openSocket)(socketAddress(this.address).href, [subprotocol]);
    } catch (error) {
      this.#lost(error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.#closed) {
      socket.close();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.#greet(socket));
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket === socket) this.#receive(data);
    });
    // `close` follows, and says more; `ws` wants to be listened to.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket === socket) this.#ended(code, reason);
    });
    this.#lastHeard = Date.now();
    clearInterval(this.#pulse);
    this.#pulse = setInterval(() => this.#beat(), 500);
  }

  #greet(socket: Socket): void {
    if (this.#socket !== socket) return;
    const { token, media = true, name = 'deblur-stream' } = this.#options;
    this.#send({ type: 'hello', protocol: PROTOCOL_VERSION, client: name, media, ...(token ? { token } : {}) });
  }

  #lastPing = 0;
  #pings = 0;

  /** Looks for silence, and compares the clocks. */
  #beat(): void {
    const now = Date.now();
    if (now - this.#lastHeard > (this.#options.silence ?? 15_000)) {
      this.#drop('silence');
      this.#lost('Nothing was heard from the server.');
    } else if (this.hello && now - this.#lastPing >= (this.#pings < 4 ? 500 : pingEvery)) {
      this.#lastPing = now;
      this.#pings += 1;
      this.#send({ type: 'ping', time: now });
    }
  }

  #receive(data: unknown): void {
    this.#lastHeard = Date.now();
    try {
      if (typeof data === 'string') this.#take(serverMessage.parse(JSON.parse(data)));
      else this.#takeBinary(bytesOf(data));
    } catch (cause) {
      this.#drop('bad message');
      this.#refused('message', 'The server sent something that this client does not understand.', cause);
    }
  }

  #takeBinary(bytes: Uint8Array): void {
    const message = decodeBinary(bytes);
    if (message.kind === 'camera') return;
    const fragment = message as StreamFragment;
    if (fragment.kind === 'init') this.#init = fragment;
    this.#fragments.next(fragment);
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case 'hello':
        if (message.protocol !== PROTOCOL_VERSION) {
          this.#drop('version');
          this.#refused('version', 'The server speaks another version of the protocol. Reload the page, or update.');
          return;
        }
        this.#attempt = 0;
        this.#pings = 0;
        this.#jobs.next([]);
        this.#connection.next({ status: 'open', hello: message });
        break;
      case 'source':
        this.#changeSource(message.source, message.camera);
        break;
      case 'state':
        this.#state.next(message.state);
        break;
      case 'statistics':
        this.#statistics.next({ ...message.statistics, skipped: message.skipped });
        break;
      case 'pong':
        this.clock.add(message.time, message.server, Date.now());
        break;
      case 'job':
        this.#jobs.next([...this.#jobs.value.filter(({ id }) => id !== message.job.id), message.job].sort(byAge));
        break;
      case 'job-gone':
        this.#jobs.next(this.#jobs.value.filter(({ id }) => id !== message.id));
        break;
      case 'done':
      case 'error':
      case 'snapshot':
      case 'camera':
    }
    this.#messages.next(message);
  }

  #changeSource(source: string, camera: boolean): void {
    const { hello } = this;
    if (!hello) return;
    this.#connection.next({ status: 'open', hello: { ...hello, source, may: { ...hello.may, camera } } });
  }

  #ended(code: number, reason: string): void {
    this.#drop('ended');
    if (code === closeCodes.unauthorised) this.#refused('token', reason || 'The server wants a token.');
    else if (code === closeCodes.version) this.#refused('version', reason || 'The server is of another version.');
    else if (code === closeCodes.badMessage) this.#refused('message', reason || 'The server refused a message.');
    else this.#lost(reason || 'The connection to the server was lost.');
  }

  #refused(why: Refusal, reason: string, cause?: unknown): void {
    if (cause !== undefined) this.#messages.next({ type: 'error', code: 'BAD_MESSAGE', message: reasonOf(cause) });
    this.#connection.next({ status: 'refused', why, reason });
    this.close();
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    const { reconnect = {} } = this.#options;
    if (reconnect === false) {
      this.close();
      return;
    }
    this.#attempt += 1;
    const delay = backOffDelay(this.#attempt, reconnect);
    this.#connection.next({ status: 'waiting', attempt: this.#attempt, until: Date.now() + delay, reason });
    this.#retry = setTimeout(() => void this.#open(), delay);
  }

  /** Lets go of the socket, whatever its state. */
  #drop(reason: string): void {
    clearInterval(this.#pulse);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000, reason);
  }

  #send(message: ClientMessageInput): void {
    if (this.#socket?.readyState === socketOpen) this.#socket.send(JSON.stringify(message));
  }

  async #request(request: WithoutId<Request>): Promise<ServerMessage> {
    if (!this.hello) throw new DeblurError('CANCELLED', 'There is no connection to the server.');
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = firstValueFrom(
      merge(
        this.#messages.pipe(filter((message) => 'id' in message && message.id === id)),
        this.#connection.pipe(
          filter(({ status }) => status !== 'open'),
          map(() => {
            throw new DeblurError('CANCELLED', 'The connection was lost before the server answered.');
          }),
        ),
      ).pipe(
        take(1),
        timeout({
          first: this.#options.answerWithin ?? 15_000,
          with: () => throwError(() => new DeblurError('RUNTIME_FAILED', 'The server did not answer in time.')),
        }),
      ),
    );
    this.#send({ ...request, id });
    const message = await answer.catch((error: unknown) => {
      throw error instanceof DeblurError ? error : cancelled(this.#options.signal);
    });
    if (message.type !== 'error') return message;
    throw new DeblurError(message.code as DeblurErrorCode, message.message, { hint: message.hint });
  }
}

function byAge(a: Job, b: Job): number {
  return a.created - b.created;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function httpAddress(url: string | URL): URL {
  let address: URL;
  try {
    address = new URL(url);
  } catch (cause) {
    throw new DeblurError('USAGE', `${String(url)} is no address.`, { cause });
  }
  const { protocol } = address;
  if (!/^(?:http|ws)s?:$/.test(protocol)) {
    throw new DeblurError('USAGE', `${protocol} is no protocol of deblur serve: use http, https, ws or wss.`);
  }
  const http = new URL('.', address.href.replace(/^ws/, 'http'));
  http.username = '';
  http.password = '';
  return http;
}

/** The WebSocket's address below the server's. */
function socketAddress(address: URL): URL {
  return new URL('ws', address.href.replace(/^http/, 'ws'));
}

function bytesOf(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new DeblurError('INPUT_DAMAGED', 'The server sent a message that is neither text nor bytes.');
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
