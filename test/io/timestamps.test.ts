import { expect, test } from 'vitest';
import { TimestampRepair } from '../../src/io/timestamps.js';

const repaired = (times: readonly (bigint | undefined)[], duration = 0n) => {
  const repair = new TimestampRepair(10n);
  return { times: times.map((pts) => repair.next(pts, duration)), count: repair.repaired };
};

test('good timestamps stay as they are, whatever the distance', () => {
  expect(repaired([-20n, 0n, 1n, 500n, 501n])).toEqual({ times: [-20n, 0n, 1n, 500n, 501n], count: 0 });
});

test('repeated and backward timestamps move by the least', () => {
  expect(repaired([0n, 10n, 10n, 5n, 20n])).toEqual({ times: [0n, 10n, 11n, 12n, 20n], count: 2 });
});

test('missing timestamps follow from the duration, or else from the rate', () => {
  expect(repaired([undefined, 100n, undefined, undefined], 7n).times).toEqual([0n, 100n, 107n, 114n]);
  expect(repaired([5n, undefined, undefined]).times).toEqual([5n, 15n, 25n]);
});
