import { unzipSync } from 'fflate';
import { basename } from 'node:path';
import { DeblurError } from '../../errors.js';
import { elements } from '../ops.js';
import { elementTypes, readElements } from './elements.js';
import type { ElementType } from './elements.js';
import { PickleError, unpickle } from './pickle.js';
import type { Callable, Pickled, PickleResolver } from './pickle.js';
import type { Tensors, WeightTensor } from './tensors.js';

/** A tensor's samples as the file keeps them. */
class Storage {
  constructor(
    readonly key: string,
    readonly type: ElementType,
    readonly size: number,
  ) {}
}

/** A view of a storage that the pickle describes. */
class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

const storageTypes: Record<string, ElementType> = {
  'torch.FloatStorage': elementTypes.F32,
  'torch.HalfStorage': elementTypes.F16,
  'torch.BFloat16Storage': elementTypes.BF16,
  'torch.DoubleStorage': elementTypes.F64,
  'torch.IntStorage': elementTypes.I32,
  'torch.LongStorage': elementTypes.I64,
};

/** Keys under which published checkpoints keep their state_dict, in the order of preference. */
const wrappers = ['params', 'params_ema', 'state_dict', 'model', 'model_state_dict', 'net', 'network'];

/** Prefixes that training wrappers put before every key; `model.` with a number after it is a network's own list of layers. */
const prefixes = [/^module\./, /^model\.(?!\d)/];

/** The largest pickle we read: it holds names and sizes, not samples. */
const pickleLimit = 64 * 2 ** 20;

/** How a file that `torch.save` wrote before PyTorch 1.6 begins: the pickle of its magic number. */
const legacyMagic = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/**
 * Reads a PyTorch checkpoint (`.pth`, `.pt`, `.pkl`) and constructs tensors only: a pickle that asks for
 * anything else is refused. A state_dict inside `params`, `state_dict`, `model` and the like is found, and
 * a `module.` or `model.` before every key is dropped, except that `model.0` and the like are a network's own keys.
 *
 * @param file its name, for messages.
 * @throws DeblurError `CHECKPOINT_INVALID` where it is damaged, asks for anything but tensors, or holds none.
 */
export function readPth(bytes: Uint8Array, file: string): Tensors {
  const name = basename(file);
  try {
    const archive = legacyMagic.every((byte, i) => bytes[i] === byte) ? readLegacy(bytes) : readZip(bytes);
    const state = stateDict(archive.value);
    if (!state) throw new PickleError('it holds no state_dict');
    const total = [...state.values()].reduce((sum, { shape }) => sum + elements(shape), 0);
    if (total > bytes.byteLength) throw new PickleError('its tensors are larger than the file');
    const tensors = new Map<string, WeightTensor>();
    for (const [key, stored] of state) tensors.set(key, materialise(stored, archive.samples(stored.storage)));
    return tensors;
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    throw new DeblurError('CHECKPOINT_INVALID', `${name} can't be read as a PyTorch checkpoint: ${cause.message}.`, {
      cause,
      hint: 'Only files that hold nothing but tensors are read; save the state_dict alone, or convert it to .safetensors.',
    });
  }
}

interface Archive {
  readonly value: Pickled;
  /** The bytes of a storage, exactly as many as its size says. */
  samples(storage: Storage): Uint8Array;
}

/** The format of PyTorch 1.6 and later: a zip archive of `NAME/data.pkl` and `NAME/data/KEY`, uncompressed. */
function readZip(bytes: Uint8Array): Archive {
  let total = 0;
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        total += originalSize;
        if (total > bytes.byteLength) throw new PickleError('its entries are larger than the file');
        return /^[^/]+\/(data\.pkl|byteorder|data\/[^/]+)$/.test(name);
      },
    });
  } catch (cause) {
    if (cause instanceof PickleError) throw cause;
    throw new PickleError('it is not a zip archive, or it breaks off', { cause });
  }
  const pickleName = Object.keys(entries).find((entry) => entry.endsWith('/data.pkl'));
  const pickle = pickleName === undefined ? undefined : entries[pickleName];
  if (pickleName === undefined || !pickle) throw new PickleError('the archive has no data.pkl');
  if (pickle.byteLength > pickleLimit) throw new PickleError('its data.pkl is unreasonably large');
  const folder = pickleName.slice(0, -'data.pkl'.length);
  const byteOrder = entries[`${folder}byteorder`];
  if (byteOrder && Buffer.from(byteOrder).toString() !== 'little') throw new PickleError('it is not little-endian');
  return {
    value: unpickle(pickle, tensorResolver()).value,
    samples: (storage) => {
      const data = entries[`${folder}data/${storage.key}`];
      if (data?.byteLength !== storage.size * storage.type.bytes) {
        throw new PickleError(`the samples of storage ${storage.key} are missing or cut short`);
      }
      return data;
    },
  };
}

/** The format before PyTorch 1.6: five pickles, then each storage as its size and samples. */
function readLegacy(bytes: Uint8Array): Archive {
  const storages = new Map<string, Storage>();
  const resolver = tensorResolver(storages);
  let at = 0;
  const next = (): Pickled => {
    const { value, end } = unpickle(bytes, resolver, at);
    at = end;
    return value;
  };
  next(); // magic number
  next(); // protocol version
  next(); // the writer's byte order and type sizes
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new PickleError('it lists no storages');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Map<string, Uint8Array>();
  for (const key of keys as Pickled[]) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage) throw new PickleError('it lists a storage that no tensor uses');
    const length = storage.size * storage.type.bytes;
    if (at + 8 + length > bytes.byteLength) throw new PickleError('it breaks off in the middle');
    if (view.getBigInt64(at, true) !== BigInt(storage.size)) throw new PickleError('the sizes of a storage differ');
    samples.set(storage.key, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return {
    value,
    samples: (storage) => {
      const data = samples.get(storage.key);
      if (!data) throw new PickleError(`the samples of storage ${storage.key} are missing`);
      return data;
    },
  };
}

/** Gives a pickle what tensors are made of. */
function tensorResolver(storages = new Map<string, Storage>()): PickleResolver {
  const rebuildTensor: Callable = (storage, offset, shape, strides) => {
    if (!(storage instanceof Storage)) throw new PickleError('a tensor has no storage');
    return view(storage, offset, shape, strides);
  };
  const callables: Record<string, Callable> = {
    'collections.OrderedDict': (items) => {
      if (items !== undefined && !(Array.isArray(items) && items.length === 0)) {
        throw new PickleError('an OrderedDict is not empty when it is made');
      }
      return new Map<Pickled, Pickled>();
    },
    'torch._utils._rebuild_tensor': rebuildTensor,
    'torch._utils._rebuild_tensor_v2': rebuildTensor,
    'torch._utils._rebuild_parameter': (data) => {
      if (!(data instanceof StoredTensor)) throw new PickleError('a parameter has no tensor');
      return data;
    },
    'torch.Size': (sizes) => sizes ?? [],
  };
  for (const name of Object.keys(storageTypes)) {
    callables[name] = () => {
      throw new PickleError(`it calls ${name}`);
    };
  }
  const typeNames = new Map(Object.keys(storageTypes).map((name) => [callables[name], name]));
  return {
    global: (name) => (Object.hasOwn(callables, name) ? callables[name] : undefined),
    persistent: (id) => {
      const [kind, type, key, , size] = Array.isArray(id) ? (id as Pickled[]) : [];
      const typeName = typeNames.get(type as Callable);
      if (kind !== 'storage' || typeName === undefined || typeof key !== 'string' || !isSize(size)) {
        throw new PickleError('it refers to something that is no storage');
      }
      const known = storages.get(key);
      if (known) return known;
      const storage = new Storage(key, storageTypes[typeName] ?? elementTypes.F32, size);
      storages.set(key, storage);
      return storage;
    },
  };
}

function view(storage: Storage, offset: Pickled | undefined, shape: Pickled | undefined, strides: Pickled | undefined) {
  const sizes = (value: Pickled | undefined): readonly number[] => {
    if (!Array.isArray(value) || value.length > 8 || !value.every(isSize)) throw new PickleError('a tensor has no shape');
    return value;
  };
  const [extent, steps] = [sizes(shape), sizes(strides)];
  if (!isSize(offset) || extent.length !== steps.length) throw new PickleError('a tensor has no shape');
  const last = extent.reduce((sum, size, i) => sum + (size - 1) * (steps[i] ?? 0), offset);
  const count = elements(extent);
  if (count > storage.size || (count > 0 && last >= storage.size)) throw new PickleError('a tensor exceeds its storage');
  return new StoredTensor(storage, offset, extent, steps);
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Finds the state_dict in what a file holds: the value itself, or under a key that publishers use. */
function stateDict(value: Pickled, depth = 0): Map<string, StoredTensor> | undefined {
  if (!(value instanceof Map) || depth > 2) return undefined;
  for (const key of wrappers) {
    const inner = value.get(key);
    if (inner instanceof Map) return stateDict(inner, depth + 1);
  }
  const state = new Map<string, StoredTensor>();
  for (const [key, tensor] of value) {
    if (typeof key === 'string' && tensor instanceof StoredTensor) state.set(key, tensor);
  }
  return state.size > 0 ? withoutPrefixes(state) : undefined;
}

function withoutPrefixes<T>(state: Map<string, T>): Map<string, T> {
  for (const prefix of prefixes) {
    if ([...state.keys()].every((key) => prefix.test(key))) {
      return withoutPrefixes(new Map([...state].map(([key, value]) => [key.replace(prefix, ''), value])));
    }
  }
  return state;
}

/** Copies a view's elements into a row-major array. */
function materialise({ storage, offset, shape, strides }: StoredTensor, samples: Uint8Array): WeightTensor {
  const count = elements(shape);
  const rowMajor = shape.map((_, i) => elements(shape.slice(i + 1)));
  if (shape.every((size, i) => size === 1 || strides[i] === rowMajor[i])) {
    return { shape, data: readElements(storage.type, samples, offset * storage.type.bytes, count) };
  }
  const all = readElements(storage.type, samples, 0, storage.size);
  const data = Float32Array.from({ length: count }, (_, index) => {
    const position = shape.reduce(
      (sum, size, i) => sum + (Math.floor(index / (rowMajor[i] ?? 1)) % size) * (strides[i] ?? 0),
      offset,
    );
    return all[position] ?? 0;
  });
  return { shape, data };
}
