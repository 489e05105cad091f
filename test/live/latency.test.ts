import { describe, expect, it } from 'vitest';
import { LatencyWindow } from '../../src/live/latency.js';

describe('the latency window', () => {
  it('tells what shares of the samples stay below', () => {
    const window = new LatencyWindow(10);
    for (let i = 1; i <= 100; i += 1) window.add(i, i * 10);
    expect(window.percentiles(1000)).toEqual({ p50: 50, p95: 95, p99: 99 });
  });

  it('forgets what is old', () => {
    const window = new LatencyWindow(2);
    window.add(900, 0);
    window.add(10, 2500);
    expect(window.percentiles(2500)).toEqual({ p50: 10, p95: 10, p99: 10 });
    expect(window.percentiles(9000)).toEqual({ p50: 0, p95: 0, p99: 0 });
  });

  it('tells the rate, and that a stream has stopped', () => {
    const window = new LatencyWindow(5);
    for (let i = 0; i <= 50; i += 1) window.add(1, i * 40);
    expect(window.rate(2000)).toBeCloseTo(25, 6);
    expect(window.rate(6000)).toBeLessThan(12);
    expect(window.rate(60_000)).toBe(0);
  });
});
