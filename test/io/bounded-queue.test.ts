import { expect, test } from 'vitest';
import { BoundedQueue } from '../../src/io/bounded-queue.js';

test('the producer runs ahead by the capacity and no further', async () => {
  const queue = new BoundedQueue<number>(2);
  let pushed = 0;
  const producing = (async () => {
    for (let i = 0; i < 5; i += 1) {
      await queue.push(i);
      pushed += 1;
    }
    queue.end();
  })();
  await new Promise((resolve) => setImmediate(resolve));
  expect(pushed).toBe(2);
  const taken: number[] = [];
  for (;;) {
    const item = await queue.take();
    if (item === undefined) break;
    taken.push(item);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pushed - taken.length).toBeLessThanOrEqual(2);
  }
  await producing;
  expect(taken).toEqual([0, 1, 2, 3, 4]);
});

test('an error comes after what was queued before it', async () => {
  const queue = new BoundedQueue<string>(4);
  await queue.push('a');
  queue.fail(new Error('broken'));
  expect(await queue.push('b')).toBe(false);
  expect(await queue.take()).toBe('a');
  await expect(queue.take()).rejects.toThrow('broken');
});

test('ending releases a waiting producer, whose item stays its own, and a waiting consumer', async () => {
  const full = new BoundedQueue<number>(1);
  await full.push(1);
  const waiting = full.push(2);
  full.end();
  expect(await waiting).toBe(false);
  expect(full.drain()).toEqual([1]);
  const empty = new BoundedQueue<number>(1);
  const take = empty.take();
  empty.end();
  expect(await take).toBeUndefined();
});
