import { describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../../src/models/weights/safetensors.js';

/** A file with any header, and so many bytes of samples. */
function file(header: unknown, samples: Uint8Array, headerBytes?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerBytes ?? BigInt(json.byteLength));
  return Buffer.concat([length, json, samples]);
}

describe('a .safetensors file', () => {
  it('gives back what was written', () => {
    const tensors = new Map([
      ['a.weight', { shape: [2, 1, 3], data: Float32Array.of(1, 2, 3, -4, 5.5, 1e-30) }],
      ['é', { shape: [], data: Float32Array.of(7) }],
    ]);
    expect(readSafetensors(writeSafetensors(tensors), 'w.safetensors')).toEqual(tensors);
  });

  it('may be half or bfloat16', () => {
    const header = {
      __metadata__: { format: 'pt' },
      h: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
      b: { dtype: 'BF16', shape: [1], data_offsets: [4, 6] },
    };
    const tensors = readSafetensors(file(header, Buffer.from(Uint16Array.of(0x3c00, 0x7c00, 0xbf80).buffer)), 'w');
    expect([...(tensors.get('h')?.data ?? [])]).toEqual([1, Infinity]);
    expect([...(tensors.get('b')?.data ?? [])]).toEqual([-1]);
  });

  const place = (begin: number, end: number, shape = [1], dtype = 'F32') => ({ w: { dtype, shape, data_offsets: [begin, end] } });
  it.each([
    ['nothing', Buffer.alloc(0), /header breaks off/],
    ['a header longer than the file', file({}, Buffer.alloc(0), 1000n), /header breaks off/],
    ['a header of 2^63 bytes', file({}, Buffer.alloc(0), 2n ** 63n), /header breaks off/],
    ['a header that is no JSON', file('{"w":', Buffer.alloc(4)), /not JSON/],
    ['samples past the end', file(place(0, 8, [2]), Buffer.alloc(4)), /samples of w break off/],
    ['offsets that differ from the shape', file(place(0, 4, [2]), Buffer.alloc(8)), /samples of w break off/],
    ['a negative offset', file(place(-4, 0), Buffer.alloc(8)), /does not place w/],
    ['a negative size', file(place(0, 4, [-1]), Buffer.alloc(8)), /does not place w/],
    ['an unknown type', file(place(0, 4, [1], 'F4'), Buffer.alloc(8)), /elements of type F4/],
    ['a type from the prototype', file(place(0, 4, [1], 'toString'), Buffer.alloc(8)), /elements of type toString/],
    [
      'tensors that overlap',
      file(Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`t${i}`, place(0, 4000, [1000]).w])), Buffer.alloc(4000)),
      /overlap/,
    ],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'w.safetensors')).toThrow(message);
  });
});
