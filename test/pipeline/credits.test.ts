import { describe, expect, it } from 'vitest';
import { liveFrames } from '../../src/io/frame.js';
import { Credits } from '../../src/pipeline/credits.js';
import { grayFrame } from '../support/frames.js';

describe('credits', () => {
  it('make the next reader wait until a frame is released', async () => {
    const credits = new Credits(2);
    await credits.acquire();
    const first = credits.admit(grayFrame(0));
    await credits.acquire();
    const second = credits.admit(grayFrame(1));
    let admitted = false;
    const third = credits.acquire().then(() => (admitted = true));
    await Promise.resolve();
    expect(admitted).toBe(false);
    first.release();
    await third;
    expect(credits.inUse).toBe(2);
    second.release();
    credits.giveBack();
    expect(credits.inUse).toBe(0);
    expect(credits.peak).toBe(2);
  });

  it('return only when the last holder lets go', async () => {
    const before = liveFrames();
    const credits = new Credits(1);
    await credits.acquire();
    const ticket = credits.admit(grayFrame(0)).retain();
    ticket.release();
    expect(liveFrames()).toBe(before + 1);
    ticket.release();
    expect(liveFrames()).toBe(before);
    expect(credits.inUse).toBe(0);
  });

  it('stop waiting when the signal fires, and give the place to the next', async () => {
    const credits = new Credits(1);
    await credits.acquire();
    const stop = new AbortController();
    const cancelled = credits.acquire(stop.signal);
    const patient = credits.acquire();
    stop.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    credits.giveBack();
    await patient;
    expect(credits.inUse).toBe(1);
  });

  it('drain disposes what is still in flight, once', async () => {
    const before = liveFrames();
    const credits = new Credits(3);
    const tickets = [];
    for (let i = 0; i < 3; i += 1) {
      await credits.acquire();
      tickets.push(credits.admit(grayFrame(i)));
    }
    credits.drain();
    for (const ticket of tickets) ticket.release();
    expect(liveFrames()).toBe(before);
    expect(credits.inUse).toBe(0);
  });

  it('refuse a number below one', () => {
    expect(() => new Credits(0)).toThrow(RangeError);
  });
});
