import { WebSocket, type ClientOptions } from 'ws';
import {
  PROTOCOL_VERSION,
  decodeBinary,
  serverMessage,
  subprotocol,
  type BinaryMessage,
  type ClientMessageInput,
  type ServerMessage,
} from '../../src/protocol/index.js';

/** Options of {@link TestClient.open}. */
export interface TestClientOptions {
  token?: string | undefined;
  /** Do not say hello. */
  silent?: boolean;
  media?: boolean;
  protocols?: string[];
  /** Path of the socket. Default `/ws`. */
  path?: string;
  ws?: ClientOptions;
}

/** A client that keeps everything it is told. */
export class TestClient {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  readonly fragments: BinaryMessage[] = [];
  /** The code of the close frame, once closed. */
  code: number | undefined;
  readonly closed: Promise<number>;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, binary) => {
      if (binary) this.fragments.push(decodeBinary(data));
      else this.messages.push(serverMessage.parse(JSON.parse(data.toString())));
      this.#look();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.code = code;
        this.#look();
        resolve(code);
      });
    });
  }

  /** Connects and says hello. Rejects with the status of HTTP when the handshake is refused. */
  static async open(url: string, options: TestClientOptions = {}): Promise<TestClient> {
    const { token, silent = false, media, protocols = [subprotocol], path = '/ws', ws } = options;
    const socket = new WebSocket(url.replace(/^http/, 'ws') + path, protocols, ws);
    const client = new TestClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        response.resume();
        reject(new Error(String(response.statusCode)));
        socket.terminate();
      });
    });
    if (!silent) {
      client.send({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        ...(token === undefined ? {} : { token }),
        ...(media === undefined ? {} : { media }),
      });
    }
    return client;
  }

  send(message: ClientMessageInput): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Resolves when something holds; rejects when it has not within 20 seconds. */
  async until(holds: (client: TestClient) => boolean, what = 'a condition'): Promise<void> {
    if (holds(this)) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`waited in vain for ${what}; closed with ${this.code}`));
      }, 20_000);
      const look = () => {
        if (!holds(this)) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** The first message of a type, when it has come. */
  async message<T extends ServerMessage['type']>(
    type: T,
    fits: (message: Extract<ServerMessage, { type: T }>) => boolean = () => true,
  ): Promise<Extract<ServerMessage, { type: T }>> {
    const find = () =>
      this.messages.find(
        (message): message is Extract<ServerMessage, { type: T }> =>
          message.type === type && fits(message as Extract<ServerMessage, { type: T }>),
      );
    await this.until(() => find() !== undefined, type);
    return find()!;
  }

  /** Leaves, and waits until the server knows. */
  async leave(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
