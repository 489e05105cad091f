import { describe, expect, it } from 'vitest';
import { DeblurError } from '../../src/errors.js';
import { decodeBinary, encodeBinary, type BinaryMessage } from '../../src/protocol/index.js';

const message: BinaryMessage = {
  kind: 'media',
  keyframe: true,
  discontinuity: false,
  sequence: 0xfffffffe,
  pts: 12.04,
  frames: [
    { number: 301, captured: 1_795_616_335_123.25 },
    { number: 302, captured: 1_795_616_335_163.5 },
  ],
  data: Uint8Array.of(1, 2, 3),
};

describe('a binary message', () => {
  it('comes back as it was sent', () => {
    for (const kind of ['init', 'media', 'camera'] as const) {
      for (const flag of [true, false]) {
        const sent = { ...message, kind, keyframe: flag, discontinuity: !flag };
        expect(decodeBinary(encodeBinary(sent))).toEqual(sent);
      }
    }
  });

  it('has the bytes that docs/protocol.md shows', () => {
    const bytes = encodeBinary({ ...message, sequence: 7, pts: 0.5, frames: [{ number: 9, captured: 2 }] });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `02010001${'00000007'}${'3fe0000000000000'}${'00000009'}${'4000000000000000'}010203`,
    );
  });

  it('is read where it lies inside a larger buffer', () => {
    const bytes = encodeBinary(message);
    const larger = new Uint8Array(bytes.length + 5);
    larger.set(bytes, 5);
    expect(decodeBinary(larger.subarray(5))).toEqual(message);
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['half a header', new Uint8Array(15).fill(1)],
    ['a kind that is none', encodeBinary(message).fill(9, 0, 1)],
    ['flags that are none', encodeBinary(message).fill(4, 1, 2)],
    ['more frames than bytes', encodeBinary(message).fill(255, 2, 4)],
    ['a time that is no number', encodeBinary({ ...message, pts: NaN })],
    ['an infinite time of capture', encodeBinary({ ...message, frames: [{ number: 1, captured: Infinity }] })],
  ])('is refused when it is %s', (_, bytes) => {
    expect(() => decodeBinary(bytes)).toThrow(DeblurError);
  });

  it('never throws anything but a DeblurError, whatever the bytes', () => {
    let seed = 99;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < 2000; i += 1) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 64) }, () => Math.floor(random() * 256));
      try {
        decodeBinary(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DeblurError);
      }
    }
  });
});
