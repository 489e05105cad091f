import { describe, expect, it } from 'vitest';
import { MediaClock } from '../../src/live/media-clock.js';

describe('the media clock', () => {
  it("keeps the stream's even steps, however uneven frames arrive", () => {
    const clock = new MediaClock({ start: 1000 });
    const late = [0, 30, 5, 50, 0];
    const times = late.map((jitter, i) => clock.next(500 + i * 0.04, 1000 + i * 40 + jitter));
    times.forEach((time, i) => {
      expect(time).toBeCloseTo(i * 0.04, 6);
    });
  });

  it('goes on at the time of arrival when a file begins again', () => {
    const clock = new MediaClock({ start: 0 });
    clock.next(0, 0);
    clock.next(0.04, 40);
    expect(clock.next(0, 80)).toBeCloseTo(0.08, 6);
    expect(clock.next(0.04, 120)).toBeCloseTo(0.12, 6);
  });

  it('follows the wall clock after a jump or a pause', () => {
    const clock = new MediaClock({ start: 0 });
    clock.next(10, 0);
    expect(clock.next(5000, 40)).toBeCloseTo(0.04, 6);
    expect(clock.next(5000.04, 9000)).toBeCloseTo(9, 6);
  });

  it('uses the time of arrival where the stream has none, and never stands still', () => {
    const clock = new MediaClock({ start: 0 });
    const times = [40, 40, 30, 80].map((arrived) => clock.next(undefined, arrived));
    times.slice(1).forEach((time, i) => {
      expect(time).toBeGreaterThan(times[i] ?? 0);
    });
    expect(clock.next(Number.NaN, 200)).toBeCloseTo(0.2, 6);
  });
});
