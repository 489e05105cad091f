import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SessionForSize } from '../../src/train/session-for-size.js';

describe('a session for the size at hand', () => {
  it('is opened anew for another size, after the one before was closed', async () => {
    const events: string[] = [];
    const sessions = new SessionForSize(
      ({ width, height }) => {
        events.push(`open ${width}x${height}`);
        return Promise.resolve(`${width}x${height}`);
      },
      (session) => {
        events.push(`close ${session}`);
        return Promise.resolve();
      },
    );
    expect(sessions.latest).toBeUndefined();
    await sessions.get({ width: 8, height: 4 });
    await sessions.get({ width: 8, height: 4 });
    expect(sessions.latest).toBe('8x4');
    await sessions.get({ width: 4, height: 8 });
    await sessions[Symbol.asyncDispose]();
    await sessions[Symbol.asyncDispose]();
    expect(events).toEqual(['open 8x4', 'close 8x4', 'open 4x8', 'close 4x8']);
    expect(sessions.latest).toBeUndefined();
  });

  it('has none after one that could not be opened', async () => {
    const closed: string[] = [];
    const sessions = new SessionForSize<string>(
      ({ width }) => (width > 8 ? Promise.reject(new Error('too large')) : Promise.resolve('small')),
      (session) => Promise.resolve(void closed.push(session)),
    );
    await sessions.get({ width: 8, height: 8 });
    await expect(sessions.get({ width: 9, height: 8 })).rejects.toThrow('too large');
    expect(closed).toEqual(['small']);
    expect(sessions.latest).toBeUndefined();
    await sessions[Symbol.asyncDispose]();
    expect(closed).toEqual(['small']);
  });

  it('is not closed while it is used, and opened once for those who ask at once', async () => {
    const events: string[] = [];
    const sessions = new SessionForSize(
      async ({ width }) => {
        await setTimeout(2);
        events.push(`open ${width}`);
        return width;
      },
      (session) => {
        events.push(`close ${session}`);
        return Promise.resolve();
      },
    );
    const use = (width: number, name: string) =>
      sessions.use({ width, height: 1 }, async (session) => {
        await setTimeout(2);
        events.push(`${name} with ${session}`);
        if (name === 'b') throw new Error('b fails');
        return name;
      });
    const uses = [use(1, 'a'), use(1, 'b'), use(2, 'c'), use(1, 'd')];
    const failed = expect(uses[1]).rejects.toThrow('b fails');
    await sessions[Symbol.asyncDispose]();
    await failed;
    expect(await Promise.all([uses[0], uses[2], uses[3]])).toEqual(['a', 'c', 'd']);
    const all = 'open 1, a with 1, b with 1, close 1, open 2, c with 2, close 2, open 1, d with 1, close 1';
    expect(events).toEqual(all.split(', '));
  });
});
