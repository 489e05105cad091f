import type { Logger } from 'pino';
import { WebSocket, type RawData } from 'ws';
import { DeblurError } from '../errors.js';
import {
  clientMessage,
  closeCodes,
  decodeBinary,
  type BinaryMessage,
  type ClientMessage,
  type ServerMessage,
} from '../protocol/index.js';
import type { Metrics } from './metrics.js';
import type { Limits } from './options.js';
import { TokenBucket } from './token-bucket.js';
import { ViewerQueue } from './viewer-queue.js';

/** A client's first message. */
export type ClientHello = Extract<ClientMessage, { type: 'hello' }>;

/** Why a connection is closed: the code and words of the close frame. */
export interface CloseReason {
  readonly code: number;
  readonly reason: string;
}

/** What a connection tells. */
export interface ConnectionHandler {
  /** The first message. A reason refuses the client. */
  hello(hello: ClientHello): CloseReason | undefined;
  /** A message after the first. */
  message(message: Exclude<ClientMessage, { type: 'hello' | 'ping' }>): void;
  /** A chunk of the client's camera. */
  camera(chunk: BinaryMessage): void;
  /** The connection is no more; called once. */
  closed(code: number): void;
}

/** Options of {@link Connection}. */
export interface ConnectionOptions {
  limits: Limits;
  metrics: Metrics;
  log: Logger;
  handler: ConnectionHandler;
}

/** Bytes of JSON and stream that may wait for a client before it is cut: it does not even read what it asks for. */
const mostBuffered = 16 * 2 ** 20;
/** Bytes that wait above which a client is not told what will be told again soon. */
const muchBuffered = 2 ** 20;

/** One client's WebSocket: its messages read and limited, its life watched. */
export class Connection {
  /** The stream's way to the client. */
  readonly queue: ViewerQueue;
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #helloTimer: NodeJS.Timeout;
  readonly #pingTimer: NodeJS.Timeout;
  #heard = Date.now();
  #greeted = false;
  #closing = false;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    const { limits, metrics } = options;
    this.#socket = socket;
    this.#options = options;
    this.#messages = new TokenBucket(limits.rate, 2 * limits.rate);
    this.#bytes = new TokenBucket(limits.bytes, Math.max(4 * limits.bytes, limits.binary));
    this.queue = new ViewerQueue(socket, {
      limit: limits.queue,
      onSkip: (fragments) => {
        metrics.skippedFragments.inc(fragments);
      },
      onSend: (bytes) => {
        metrics.sentFragments.inc();
        metrics.sentBytes.inc(bytes);
      },
    });
    this.#helloTimer = setTimeout(() => {
      this.close(closeCodes.timedOut, 'No hello came.');
    }, limits.hello * 1000);
    this.#pingTimer = setInterval(
      () => {
        this.#watch();
      },
      (limits.idle * 1000) / 3,
    );
    socket.on('message', (data, binary) => {
      this.#heard = Date.now();
      this.#read(data, binary);
    });
    for (const event of ['pong', 'ping'] as const) {
      socket.on(event, () => {
        this.#heard = Date.now();
        // Control frames cost as much as messages.
        if (event === 'ping' && !this.#messages.take()) this.#tooMany();
      });
    }
    socket.on('error', (error) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code?.startsWith('WS_ERR')) metrics.badMessages.inc({ reason: code });
      options.log.debug({ err: error }, 'socket failed');
    });
    socket.on('close', (code) => {
      this.#end();
      options.handler.closed(code);
    });
  }

  /** Sends a message; an expendable one is left out when the client is slow. */
  send(message: ServerMessage, { expendable = false } = {}): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const { bufferedAmount } = this.#socket;
    if (expendable && bufferedAmount > muchBuffered) return;
    if (bufferedAmount > mostBuffered) {
      this.#options.log.warn('cut: does not read what it asks for');
      this.#socket.terminate();
      return;
    }
    this.#socket.send(JSON.stringify(message));
  }

  /** Says that something went wrong, and goes on. */
  sendError(error: unknown, id?: number): void {
    const known = error instanceof DeblurError;
    if (!known) this.#options.log.error({ err: error }, 'a request failed unexpectedly');
    this.send({
      type: 'error',
      ...(id === undefined ? {} : { id }),
      code: known ? error.code : 'INTERNAL',
      message: known ? error.message : 'Something went wrong on the server.',
      ...(known && error.hint !== undefined ? { hint: error.hint } : {}),
    });
  }

  /** Says that a request was refused, and goes on. */
  refuse(code: 'BAD_MESSAGE' | 'NOT_ALLOWED' | 'TOO_MANY' | 'BUSY', message: string, id?: number): void {
    this.send({ type: 'error', code, message, ...(id === undefined ? {} : { id }) });
  }

  /** Ends the connection; a client that does not answer is cut soon after. */
  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#end();
    this.#socket.close(code, reason);
  }

  /** Ends the connection now. */
  terminate(): void {
    this.#end();
    this.#socket.terminate();
  }

  #end(): void {
    clearTimeout(this.#helloTimer);
    clearInterval(this.#pingTimer);
    this.queue.close();
  }

  #watch(): void {
    if (Date.now() - this.#heard >= this.#options.limits.idle * 1000) {
      this.close(closeCodes.timedOut, 'Nothing was heard for too long.');
      return;
    }
    this.#socket.ping();
  }

  #tooMany(): void {
    this.#options.metrics.badMessages.inc({ reason: 'too many' });
    this.close(closeCodes.tooMany, 'Too many messages.');
  }

  #read(data: RawData, binary: boolean): void {
    // Frames that came before the client learns of its end.
    if (this.#closing) return;
    const bytes = asBytes(data);
    if (!this.#messages.take() || !this.#bytes.take(bytes.length)) {
      this.#tooMany();
      return;
    }
    if (binary) this.#readBinary(bytes);
    else this.#readText(bytes);
  }

  #readBinary(bytes: Uint8Array): void {
    let message: BinaryMessage;
    try {
      message = decodeBinary(bytes);
    } catch (error) {
      this.#bad('binary', (error as Error).message);
      return;
    }
    if (!this.#greeted || message.kind !== 'camera')
      this.#bad('binary', 'A binary message came that has no place here.');
    else this.#options.handler.camera(message);
  }

  #readText(bytes: Buffer): void {
    const { limits, handler } = this.#options;
    if (bytes.length > limits.text) {
      this.#options.metrics.badMessages.inc({ reason: 'too large' });
      this.close(closeCodes.tooLarge, `A text message has at most ${limits.text} bytes.`);
      return;
    }
    const message = parsed(bytes.toString('utf8'));
    if (!message) this.#bad('json', 'That is no message of the protocol.');
    else if (message.type === 'hello') this.#greet(message);
    else if (!this.#greeted) this.#bad('order', 'The first message must be "hello".');
    else if (message.type === 'ping') this.send({ type: 'pong', time: message.time, server: Date.now() });
    else handler.message(message);
  }

  #greet(hello: ClientHello): void {
    if (this.#greeted) {
      this.#bad('order', '"hello" is said once.');
      return;
    }
    const refusal = this.#options.handler.hello(hello);
    if (refusal) {
      this.close(refusal.code, refusal.reason);
      return;
    }
    this.#greeted = true;
    clearTimeout(this.#helloTimer);
  }

  /** A client that breaks the protocol can't be understood any further. */
  #bad(reason: string, sentence: string): void {
    this.#options.metrics.badMessages.inc({ reason });
    this.refuse('BAD_MESSAGE', sentence);
    this.close(closeCodes.badMessage, 'A message was not understood.');
  }
}

function asBytes(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

function parsed(text: string): ClientMessage | undefined {
  try {
    const result = clientMessage.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
