import { expect } from 'vitest';

/** Expects something of a value that may take its time, on a busy machine too. */
export function eventually<T>(value: () => T) {
  return expect.poll(value, { timeout: 20_000 });
}
