import type { WebSocket as NodeWebSocket } from 'ws';

/** What a client needs of a WebSocket: the browser's and that of `ws` have it both. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

/** Opens a WebSocket that offers the given subprotocols. */
export type OpenSocket = (url: string, protocols: readonly string[]) => Socket | Promise<Socket>;

/** `readyState` of an open socket. */
export const socketOpen = 1;

interface WithWebSocket {
  readonly WebSocket?: new (url: string, protocols: string[]) => Socket;
}

/** The platform's own WebSocket, or that of `ws` where there is none (Node before 22). */
export async function openSocket(url: string, protocols: readonly string[]): Promise<Socket> {
  const Native = (globalThis as WithWebSocket).WebSocket;
  if (Native) return new Native(url, [...protocols]);
  const { WebSocket } = await import('ws');
  return new WebSocket(url, [...protocols]) satisfies NodeWebSocket;
}
