import { zipSync } from 'fflate';

/** Pickle instructions, as `torch.save` writes them. */
export const op = {
  proto: '\x80\x02',
  global: (name: string) => `c${name.slice(0, name.lastIndexOf('.'))}\n${name.slice(name.lastIndexOf('.') + 1)}\n`,
  text: (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`,
  int: (value: number) => `J${Buffer.from(Int32Array.of(value).buffer).toString('latin1')}`,
  tuple: (...items: string[]) => `(${items.join('')}t`,
  call: (name: string, ...items: string[]) => `${op.global(name)}(${items.join('')}tR`,
  storage: (type: string, key: string, size: number, ...more: string[]) =>
    `(${op.text('storage')}${op.global(type)}${op.text(key)}${op.text('cpu')}${op.int(size)}${more.join('')}tQ`,
  tensor: (storage: string, offset: number, shape: number[], strides: number[]) =>
    op.call(
      'torch._utils._rebuild_tensor_v2',
      storage,
      op.int(offset),
      op.tuple(...shape.map(op.int)),
      op.tuple(...strides.map(op.int)),
      '\x89',
      op.call('collections.OrderedDict'),
    ),
  dict: (entries: Record<string, string>) =>
    `}(${Object.entries(entries)
      .map(([key, value]) => op.text(key) + value)
      .join('')}u`,
};

/** A checkpoint with a pickle of our own. */
export function archive(pickle: string, storages: Record<string, Uint8Array> = {}): Uint8Array {
  const entries = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  const data = Buffer.from(`${op.proto}${pickle}.`, 'latin1');
  return zipSync({ 'archive/data.pkl': data, ...Object.fromEntries(entries) }, { level: 0 });
}

/** The bytes behind numbers. */
export function bytesOf(array: Float32Array | Float64Array | Uint16Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
