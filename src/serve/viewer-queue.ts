import type { Packet } from './packet.js';

/** What a queue sends through: a WebSocket. */
export interface Outlet {
  /** Bytes that were given to `send` and that the system has not taken yet. */
  readonly bufferedAmount: number;
  send(data: Uint8Array, sent: (error?: Error | null) => void): void;
}

/** Options of {@link ViewerQueue}. */
export interface ViewerQueueOptions {
  /** Bytes that may wait here. */
  limit: number;
  /** Bytes that may wait in the socket; what is there can't be taken back. Default 256 KiB. */
  inFlight?: number;
  /** Called with the number of fragments that were lost together. */
  onSkip?: (fragments: number) => void;
  /** Called with the bytes of each fragment that was sent. */
  onSend?: (bytes: number) => void;
}

/**
 * The stream's way to one viewer. Packets wait here, shared with all other viewers, until the socket has sent what it holds.
 * When a viewer is so slow that a whole group of pictures waits and the next one begins, or that the limit is reached, all
 * that waits is dropped, and the viewer goes on with the next keyframe. The header is never dropped but for a newer one.
 */
export class ViewerQueue {
  readonly #outlet: Outlet;
  readonly #limit: number;
  readonly #inFlight: number;
  readonly #onSkip: ((fragments: number) => void) | undefined;
  readonly #onSend: ((bytes: number) => void) | undefined;
  #waiting: Packet[] = [];
  #bytes = 0;
  #skipped = 0;
  /** Nothing but a keyframe is of use. */
  #needsKeyframe = true;
  /** What comes next does not follow what was sent. */
  #broken = false;
  #closed = false;

  constructor(outlet: Outlet, { limit, inFlight = 256 * 2 ** 10, onSkip, onSend }: ViewerQueueOptions) {
    this.#outlet = outlet;
    this.#limit = limit;
    this.#inFlight = inFlight;
    this.#onSkip = onSkip;
    this.#onSend = onSend;
  }

  /** Bytes that wait here. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Fragments that this viewer lost. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Takes the next packet of the stream. */
  push(packet: Packet): void {
    if (this.#closed) return;
    if (packet.kind === 'init') {
      this.#drop();
      this.#waiting = [packet];
      this.#bytes = packet.bytes.length;
      this.#needsKeyframe = true;
    } else if (this.#makesRoomFor(packet)) {
      this.#waiting.push(packet);
      this.#bytes += packet.bytes.length;
    }
    this.#pump();
  }

  /** Forgets what waits; nothing is sent any more. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#bytes = 0;
  }

  #makesRoomFor(packet: Packet): boolean {
    if (this.#needsKeyframe && !packet.keyframe) {
      if (this.#broken) this.#count(1);
      return false;
    }
    const groupWaits = packet.keyframe && this.#waiting.some(({ keyframe }) => keyframe);
    if (groupWaits || this.#bytes + packet.bytes.length > this.#limit) {
      this.#drop();
      if (!packet.keyframe) {
        this.#count(1);
        this.#broken = true;
        this.#needsKeyframe = true;
        return false;
      }
    }
    this.#needsKeyframe = false;
    return true;
  }

  /** Drops all media that waits. */
  #drop(): void {
    const kept = this.#waiting.filter(({ kind }) => kind === 'init');
    const lost = this.#waiting.length - kept.length;
    if (lost === 0) return;
    this.#waiting = kept;
    this.#bytes = kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.#broken = true;
    this.#count(lost);
  }

  #count(fragments: number): void {
    this.#skipped += fragments;
    this.#onSkip?.(fragments);
  }

  readonly #sent = () => {
    this.#pump();
  };

  #pump(): void {
    while (!this.#closed && this.#outlet.bufferedAmount < this.#inFlight) {
      const packet = this.#waiting.shift();
      if (!packet) return;
      this.#bytes -= packet.bytes.length;
      const anew = this.#broken && packet.keyframe;
      if (anew) this.#broken = false;
      this.#onSend?.(packet.bytes.length);
      this.#outlet.send(anew ? packet.bytesAnew : packet.bytes, this.#sent);
    }
  }
}
