import { expect, test } from 'vitest';
import { backOffDelay } from '../../src/client/back-off.js';
import { ClockOffset } from '../../src/client/clock-offset.js';
import { avcConfiguration, codecOf } from '../../src/client/codec.js';

test('waits grow up to a bound, and are spread', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => backOffDelay(attempt, {}, 0.5));
  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  expect(backOffDelay(1, { first: 100 }, 0)).toBeCloseTo(80);
  expect(backOffDelay(1, { first: 100 }, 0.999)).toBeCloseTo(120, 0);
  expect(backOffDelay(3, { first: 1, factor: 10, longest: 50 }, 0.5)).toBe(50);
});

test('the clock is taken from the quickest answer', () => {
  const clock = new ClockOffset();
  expect(clock.value).toBeUndefined();
  clock.add(1000, 1600, 1200);
  expect(clock.value).toBe(500);
  clock.add(2000, 2610, 2020);
  expect([clock.value, clock.trip]).toEqual([600, 20]);
  clock.add(3000, 3900, 3800);
  expect(clock.value).toBe(600);
  // Old answers are forgotten: clocks drift.
  for (let i = 0; i < 8; i += 1) clock.add(4000, 4750, 4100);
  expect(clock.value).toBe(700);
});

test('the codec is read from the stream', () => {
  const record = [1, 0x64, 0, 0x1f, 0xff, 0xe1];
  const box = [0, 0, 0, 8 + record.length, ...Buffer.from('avcC'), ...record];
  const init = Uint8Array.from([0, 0, 0, 8, ...Buffer.from('ftyp'), ...box, 1, 2, 3]);
  expect(codecOf(init)).toBe('avc1.64001f');
  expect([...(avcConfiguration(init) ?? [])]).toEqual(record);
  expect(codecOf(Uint8Array.of(1, 2, 3))).toBeUndefined();
  expect(codecOf(Uint8Array.from([0, 0, 0, 9, ...Buffer.from('avcC'), 1]))).toBeUndefined();
});
