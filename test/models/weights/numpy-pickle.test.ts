import { describe, expect, it } from 'vitest';
import { readNumpyPickle } from '../../../src/models/weights/numpy-pickle.js';

/** Protocol 3 as Python's pickle writes it. */
const op = {
  head: Buffer.from([0x80, 3]),
  text: (text: string) => Buffer.concat([Buffer.from('X'), uint32(Buffer.byteLength(text)), Buffer.from(text)]),
  bytes: (data: Uint8Array) => Buffer.concat([Buffer.from('B'), uint32(data.byteLength), data]),
  small: (value: number) => Buffer.from([0x4b, value]),
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
};

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

interface ArrayParts {
  readonly type?: string;
  readonly order?: string;
  readonly fortran?: boolean;
  readonly reconstruct?: readonly [string, string];
}

/** A pickled `numpy.ndarray`. */
function array(shape: readonly number[], data: Uint8Array, parts: ArrayParts = {}): Buffer {
  const { type = 'f4', order = '<', fortran = false, reconstruct = ['numpy.core.multiarray', '_reconstruct'] } = parts;
  const dtype = Buffer.concat([
    ...[op.global('numpy', 'dtype'), op.text(type), Buffer.from([0x89, 0x88, 0x87]), Buffer.from('R')],
    ...[Buffer.from('('), op.small(3), op.text(order), Buffer.from('NNN'), Buffer.from('J\xff\xff\xff\xff', 'latin1')],
    ...[Buffer.from('J\xff\xff\xff\xff', 'latin1'), op.small(0), Buffer.from('tb')],
  ]);
  return Buffer.concat([
    ...[op.global(...reconstruct), op.global('numpy', 'ndarray'), op.small(0), Buffer.from([0x85]), Buffer.from('C\x01b')],
    ...[Buffer.from([0x87]), Buffer.from('R')],
    ...[Buffer.from('('), op.small(1), Buffer.from('('), ...shape.map(op.small), Buffer.from('t'), dtype],
    ...[Buffer.from([fortran ? 0x88 : 0x89]), op.bytes(data), Buffer.from('tb')],
  ]);
}

/** A dictionary in a dictionary. */
function file(value: Buffer): Buffer {
  const inner = Buffer.concat([Buffer.from('}('), op.text('kernel'), value, Buffer.from('u')]);
  return Buffer.concat([op.head, Buffer.from('}('), op.text('Conv_0'), inner, Buffer.from('u.')]);
}

const samples = Buffer.from(Float32Array.of(1, -2.5, 3e-8, 4, 5, 6).buffer);

describe('a pickle of NumPy arrays', () => {
  it('gives its arrays by their paths', () => {
    const tensors = readNumpyPickle(file(array([2, 3], samples)), 'a.ckpt');
    expect([...tensors]).toEqual([['Conv_0/kernel', { shape: [2, 3], data: Float32Array.of(1, -2.5, 3e-8, 4, 5, 6) }]]);
    const doubles = Buffer.from(Float64Array.of(0.5).buffer);
    const newer = array([1], doubles, { type: 'f8', reconstruct: ['numpy._core.multiarray', '_reconstruct'] });
    expect(readNumpyPickle(file(newer), 'a').get('Conv_0/kernel')?.data).toEqual(Float32Array.of(0.5));
  });

  it.each([
    ['code to run', Buffer.concat([op.head, op.global('os', 'system'), op.text('true'), Buffer.from([0x85]), Buffer.from('R.')]), /asks for os\.system/],
    ['objects', file(array([6], samples, { type: 'O' })), /no floats/],
    ['samples cut short', file(array([2, 4], samples)), /missing or cut short/],
    ['big-endian samples', file(array([6], samples, { order: '>' })), /little-endian/],
    ['columns first', file(array([2, 3], samples, { fortran: true })), /column by column/],
    ['a class of its own', file(array([6], samples, { reconstruct: ['numpy', 'ndarray'] })), /calls numpy\.ndarray/],
    ['an end in the middle', file(array([6], samples)).subarray(0, 60), /breaks off/],
    ['nothing', Buffer.concat([op.head, Buffer.from('}.')]), /no arrays/],
    ['no pickle', Buffer.from('GIF89a'), /instruction|breaks off/],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => readNumpyPickle(bytes, 'a.ckpt')).toThrow(message);
  });
});
