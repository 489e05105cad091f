/** The value of an IEEE 754 half-precision number given by its bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

/** The value of a bfloat16 number given by its bits: the upper half of a single-precision one. */
export function bfloatToFloat(bits: number): number {
  word[0] = bits << 16;
  return single[0] ?? 0;
}
