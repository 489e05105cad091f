import type { Rational } from '../frame.js';
import { av } from './binding.js';

/** A plain fraction from the binding's. */
export function fromNative(value: Rational): Rational {
  return { num: value.num, den: value.den };
}

/** The binding's fraction from a plain one. */
export function toNative(value: Rational): av.Rational {
  return new av.Rational(value.num, value.den);
}

/** A timestamp in another time base, rounded to nearest. */
export function rescale(value: bigint, from: Rational, to: Rational): bigint {
  return av.avRescaleQ(value, from, to);
}
