import { describe, expect, it } from 'vitest';
import type { LiveFragment } from '../../src/live/index.js';
import { decodeBinary, type BinaryMessage } from '../../src/protocol/index.js';
import { Packet } from '../../src/serve/packet.js';
import { ViewerQueue, type Outlet } from '../../src/serve/viewer-queue.js';

/** A socket that takes bytes when the test says so. */
class SlowOutlet implements Outlet {
  bufferedAmount = 0;
  readonly sent: BinaryMessage[] = [];
  #waiting: { bytes: number; sent: () => void }[] = [];

  send(data: Uint8Array, sent: () => void): void {
    this.bufferedAmount += data.length;
    this.sent.push(decodeBinary(data));
    this.#waiting.push({ bytes: data.length, sent });
  }

  /** The system takes all that waits, and all that is sent thereupon. */
  flush(): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      this.bufferedAmount -= next.bytes;
      next.sent();
    }
  }

  get numbers(): number[] {
    return this.sent.filter(({ kind }) => kind === 'media').map(({ sequence }) => sequence);
  }
}

/** Fragment `sequence` of a stream with a keyframe every five; 0 is the header. */
function packet(sequence: number, size = 1000): Packet {
  const fragment: LiveFragment = {
    kind: sequence === 0 ? 'init' : 'media',
    data: new Uint8Array(size),
    keyframe: sequence % 5 === 1,
    sequence,
    pts: sequence,
    frames: [],
  };
  return new Packet(fragment);
}

function queueOf(limit = 1e6, inFlight = 1500) {
  const outlet = new SlowOutlet();
  const skipped: number[] = [];
  const queue = new ViewerQueue(outlet, { limit, inFlight, onSkip: (fragments) => skipped.push(fragments) });
  return { outlet, queue, skipped };
}

describe('ViewerQueue', () => {
  it('gives a viewer who keeps up everything at once', () => {
    const { outlet, queue } = queueOf();
    for (let i = 0; i <= 20; i += 1) {
      queue.push(packet(i));
      outlet.flush();
    }
    expect(outlet.numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(outlet.sent.some(({ discontinuity }) => discontinuity)).toBe(false);
    expect(queue).toMatchObject({ bytes: 0, skipped: 0 });
  });

  it('gives no more to the socket than may be in flight', () => {
    const { outlet, queue } = queueOf();
    for (let i = 0; i <= 5; i += 1) queue.push(packet(i));
    expect(outlet.sent).toHaveLength(2);
    expect(queue.bytes).toBe(4 * 1016);
  });

  it('drops whole groups of a viewer who is slow, and goes on with a keyframe that says so', () => {
    const { outlet, queue, skipped } = queueOf();
    for (let i = 0; i <= 17; i += 1) queue.push(packet(i));
    outlet.flush();
    queue.push(packet(18));
    // 0 and 1 were in flight; 2 to 10 gave way to 11, and 11 to 15 to 16.
    expect(outlet.numbers).toEqual([1, 16, 17, 18]);
    expect(outlet.sent.filter(({ discontinuity }) => discontinuity).map(({ sequence }) => sequence)).toEqual([16]);
    expect(queue.skipped).toBe(14);
    expect(skipped.reduce((sum, n) => sum + n)).toBe(14);
  });

  it('holds no more bytes than its limit, whatever the length of a group', () => {
    const { outlet, queue } = queueOf(5000);
    const keyframe = packet(1);
    queue.push(packet(0));
    queue.push(keyframe);
    for (let i = 2; i < 1000; i += 1) {
      queue.push(i % 5 === 1 ? packet(i + 1) : packet(i));
      expect(queue.bytes).toBeLessThanOrEqual(5000);
    }
    outlet.flush();
    expect(outlet.numbers).toEqual([1]);
    queue.push(packet(1001));
    outlet.flush();
    expect(outlet.sent.at(-1)).toMatchObject({ sequence: 1001, keyframe: true, discontinuity: true });
  });

  it('sends a keyframe that is larger than the limit all the same', () => {
    const { outlet, queue } = queueOf(500, 1);
    queue.push(packet(0, 10));
    queue.push(packet(1, 10_000));
    outlet.flush();
    expect(outlet.numbers).toEqual([1]);
  });

  it('never drops a header but for a newer one', () => {
    const { outlet, queue } = queueOf(3000, 1);
    queue.push(packet(0));
    queue.push(packet(1));
    const header = packet(0, 77);
    queue.push(header);
    for (let i = 6; i < 38; i += 1) queue.push(packet(i));
    outlet.flush();
    expect(outlet.sent.map(({ kind }) => kind).slice(0, 2)).toEqual(['init', 'init']);
    expect(outlet.sent[1]!.data).toHaveLength(77);
    expect(outlet.sent[2]).toMatchObject({ keyframe: true, discontinuity: true });
  });

  it('begins with a keyframe', () => {
    const { outlet, queue } = queueOf();
    for (const i of [0, 3, 4, 5, 6, 7]) {
      queue.push(packet(i));
      outlet.flush();
    }
    expect(outlet.numbers).toEqual([6, 7]);
    expect(queue.skipped).toBe(0);
  });

  it('sends nothing once closed', () => {
    const { outlet, queue } = queueOf(1e6, 1);
    queue.push(packet(0));
    queue.push(packet(1));
    queue.close();
    outlet.flush();
    queue.push(packet(6));
    expect(outlet.numbers).toEqual([]);
    expect(queue.bytes).toBe(0);
  });
});
