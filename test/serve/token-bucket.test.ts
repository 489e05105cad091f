import { describe, expect, it } from 'vitest';
import { TokenBucket, TokenBuckets } from '../../src/serve/token-bucket.js';

describe('TokenBucket', () => {
  it('lets a burst pass, then the rate', () => {
    let now = 0;
    const bucket = new TokenBucket(10, 20, () => now);
    const passed = () => {
      let count = 0;
      while (bucket.take()) count += 1;
      return count;
    };
    expect(passed()).toBe(20);
    now = 500;
    expect(passed()).toBe(5);
    now = 60_000;
    expect(passed()).toBe(20);
  });

  it('is not confused by a clock that goes back', () => {
    let now = 1000;
    const bucket = new TokenBucket(10, 1, () => now);
    expect(bucket.take()).toBe(true);
    now = 0;
    expect(bucket.take()).toBe(false);
    now = 100;
    expect(bucket.take()).toBe(true);
  });
});

describe('TokenBuckets', () => {
  it('keeps addresses apart', () => {
    const buckets = new TokenBuckets(2, () => 0);
    expect([buckets.take('a'), buckets.take('a'), buckets.take('a'), buckets.take('b')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect([buckets.allows('a'), buckets.allows('b'), buckets.allows('c')]).toEqual([false, true, true]);
  });

  it('does not grow with the number of addresses', () => {
    const buckets = new TokenBuckets(2, () => 0);
    buckets.take('first');
    buckets.take('first');
    for (let i = 0; i < 10_000; i += 1) buckets.take(`address ${i}`);
    expect(buckets.allows('first')).toBe(true);
  });
});
