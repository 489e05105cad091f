import { basename } from 'node:path';
import { DeblurError } from '../../errors.js';
import { elements } from '../ops.js';
import { elementTypes, readElements, type ElementType } from './elements.js';
import { PickleError, unpickle, type Callable, type Pickled, type PickleResolver } from './pickle.js';
import type { Tensors, WeightTensor } from './tensors.js';

/** `numpy.dtype`. */
class NumpyType {
  constructor(readonly type: ElementType) {}
}

/** `numpy.ndarray`, empty until its state is set. */
class NumpyArray {
  tensor: WeightTensor | undefined;
}

const types: Readonly<Record<string, ElementType>> = {
  f2: elementTypes.F16,
  f4: elementTypes.F32,
  f8: elementTypes.F64,
};

/**
 * Reads a pickle of nested dictionaries with NumPy arrays in them, as JAX programs keep their parameters. Nothing but
 * arrays of floats is constructed; a pickle that asks for anything else is refused.
 *
 * @param file its name, for messages.
 * @returns the arrays by their keys joined with slashes, for instance `AlexNet_0/Conv_0/kernel`.
 * @throws DeblurError `CHECKPOINT_INVALID` where it is damaged, asks for anything but arrays, or holds none.
 */
export function readNumpyPickle(bytes: Uint8Array, file: string): Tensors {
  try {
    const tensors = new Map<string, WeightTensor>();
    collect(unpickle(bytes, arrayResolver()).value, '', tensors, 0);
    if (tensors.size === 0) throw new PickleError('it holds no arrays');
    return tensors;
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    throw new DeblurError('CHECKPOINT_INVALID', `${basename(file)} can't be read as a pickle of arrays: ${cause.message}.`, {
      cause,
    });
  }
}

function collect(value: Pickled, name: string, tensors: Map<string, WeightTensor>, depth: number): void {
  if (value instanceof NumpyArray && value.tensor) tensors.set(name, value.tensor);
  if (!(value instanceof Map) || depth > 8) return;
  for (const [key, inner] of value) {
    if (typeof key === 'string') collect(inner, name === '' ? key : `${name}/${key}`, tensors, depth + 1);
  }
}

function arrayResolver(): PickleResolver {
  const arrayClass: Callable = () => {
    throw new PickleError('it calls numpy.ndarray');
  };
  const reconstruct: Callable = (made) => {
    if (made !== arrayClass) throw new PickleError('it makes an array of another class');
    return new NumpyArray();
  };
  const callables: Readonly<Record<string, Callable>> = {
    'numpy.ndarray': arrayClass,
    'numpy.core.multiarray._reconstruct': reconstruct,
    'numpy._core.multiarray._reconstruct': reconstruct,
    'numpy.dtype': (name) => {
      const type = typeof name === 'string' && Object.hasOwn(types, name) ? types[name] : undefined;
      if (!type) throw new PickleError('it holds elements that are no floats');
      return new NumpyType(type);
    },
  };
  return {
    global: (name) => (Object.hasOwn(callables, name) ? callables[name] : undefined),
    persistent: () => {
      throw new PickleError('it refers to something outside');
    },
    build: (target, state) => {
      const parts: Pickled[] = Array.isArray(state) ? (state as Pickled[]) : [];
      if (target instanceof NumpyType) {
        if (parts[1] !== '<' && parts[1] !== '|') throw new PickleError('it is not little-endian');
      } else if (target instanceof NumpyArray) target.tensor = arrayOf(parts);
      else throw new PickleError('it sets attributes of an object');
    },
  };
}

function arrayOf([, shape, dtype, fortran, data]: readonly Pickled[]): WeightTensor {
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new PickleError('an array has no shape');
  }
  if (!(dtype instanceof NumpyType) || !(data instanceof Uint8Array)) throw new PickleError('an array has no samples');
  const sizes = shape as number[];
  if (fortran === true && sizes.length > 1) throw new PickleError('an array is kept column by column');
  const count = elements(sizes);
  if (data.byteLength !== count * dtype.type.bytes) throw new PickleError('the samples of an array are missing or cut short');
  return { shape: sizes, data: readElements(dtype.type, data, 0, count) };
}

/** A kernel as JAX programs keep it, `[h, w, I, O]`, as `[O, I, h, w]`. */
export function outputsFirst({ shape, data }: WeightTensor): WeightTensor {
  const [height = 0, width = 0, inputs = 0, outputs = 0] = shape;
  const taps = height * width;
  const result = new Float32Array(elements(shape));
  for (let at = 0; at < result.length; at += 1) {
    const o = at % outputs;
    const i = Math.floor(at / outputs) % inputs;
    result[(o * inputs + i) * taps + Math.floor(at / (outputs * inputs))] = data[at] ?? 0;
  }
  return { shape: [outputs, inputs, height, width], data: result };
}
