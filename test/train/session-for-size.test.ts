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
});
