import { InvalidArgumentError } from 'commander';
import { parseBytes } from '../settings.js';

/** A whole number from 1 on, for commander. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number above 0 is expected.');
  return value;
}

/** A whole number from 0 on, for commander. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number is expected.');
  return value;
}

/** A number from 0 to 1, for commander. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError('A number from 0 to 1 is expected.');
  }
  return value;
}

/** A size such as `2G` in bytes, for commander. */
export function byteCount(text: string): number {
  const value = parseBytes(text);
  if (value === undefined || value === 0) throw new InvalidArgumentError('A size such as 2G or 512M is expected.');
  return value;
}
