import { describe, expect, it } from 'vitest';
import { liveFrames } from '../../src/io/index.js';
import { Credits, type Ticket } from '../../src/pipeline/credits.js';
import { NewestGate } from '../../src/pipeline/newest.js';
import { grayFrame } from '../support/frames.js';

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('the newest frame', () => {
  it('wins: the oldest waiting one gives way, and is counted', async () => {
    const before = liveFrames();
    const dropped: number[] = [];
    const gate = new NewestGate({ waiting: 1, onDrop: ({ index }) => dropped.push(index) });
    const stop = new AbortController();
    const credits = new Credits(2);
    const inside: Ticket[] = [];
    gate.tickets(credits, stop.signal).subscribe((ticket) => inside.push(ticket));
    for (let i = 0; i < 7; i += 1) {
      gate.offer(grayFrame(i));
      await settle();
    }
    expect(inside.map(({ frame }) => frame.index)).toEqual([0, 1]);
    expect(dropped).toEqual([2, 3, 4, 5]);
    inside[0]?.release();
    await settle();
    expect(inside.map(({ frame }) => frame.index)).toEqual([0, 1, 6]);
    stop.abort();
    credits.drain();
    expect(liveFrames()).toBe(before);
  });

  it('waits for the next flow when one ends, and goes when nobody wants it', async () => {
    const before = liveFrames();
    const gate = new NewestGate();
    const first = new AbortController();
    let completed = false;
    const credits = new Credits(1);
    gate.tickets(credits, first.signal).subscribe({ complete: () => (completed = true) });
    first.abort();
    expect(completed).toBe(true);
    gate.offer(grayFrame(1));
    const seen: number[] = [];
    const second = new AbortController();
    const others = new Credits(1);
    gate.tickets(others, second.signal).subscribe(({ frame }) => seen.push(frame.index));
    await settle();
    expect(seen).toEqual([1]);
    gate.offer(grayFrame(2));
    second.abort();
    gate.clear();
    others.drain();
    await settle();
    expect(credits.inUse).toBe(0);
    expect(liveFrames()).toBe(before);
  });
});
