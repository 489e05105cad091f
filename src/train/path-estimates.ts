import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import { DeblurError, throwIfAborted } from '../errors.js';
import { AtomicFile } from '../io/atomic-file.js';
import { marginsFor, parametersOf, type Network, type PathEstimate } from '../models/network.js';
import type { Weights } from '../models/ops.js';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../models/weights/safetensors.js';
import type { Tensors, WeightTensor } from '../models/weights/tensors.js';
import { plainOrder, tensorIn, type Tfjs, type TfValue } from '../runtime/tensorflow/tensor.js';
import { runReleasing } from '../runtime/tensorflow/release.js';
import { TensorflowWeights } from '../runtime/tensorflow/weights.js';
import { bytesOf } from './file-bytes.js';
import type { BlurPaths } from './sets/blur-paths.js';
import type { DecodedPicture } from './sets/picture-cache.js';
import type { PairSet } from './sets/pair-set.js';
import { decodeWindow, valuesOf } from './validation.js';

/** Options of {@link estimatePaths}. */
export interface PathEstimatesOptions {
  readonly tf: Tfjs;
  readonly network: Network;
  /** Parameters of which none is learned. */
  readonly fixed: Tensors;
  readonly set: PairSet;
  /** Keeps the estimates. */
  readonly file: string;
  readonly onNote?: ((note: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The blur's paths in all frames of a set, each estimated from the whole frame and its neighbours, as in use. They are
 * written to a file, and read from it when the same network estimates the same set again.
 *
 * A picture that can't be read, and the frames beside it, have none; samples meet it as one that can't be read.
 *
 * @throws DeblurError `USAGE` for a network that estimates no path, or that is to learn to. `ABORTED`, `OUTPUT_FULL`,
 * `OUTPUT_UNWRITABLE`.
 */
export async function estimatePaths(options: PathEstimatesOptions): Promise<BlurPaths> {
  const { tf, network, fixed, set, file, onNote, signal } = options;
  const estimate = estimateOf(network, fixed);
  const fingerprint = digestOf(estimate, fixed, set);
  const known = await readEstimates(file, fingerprint);
  if (known) return pathsOf(known, estimate, set);
  const places = set.scenes.flatMap((scene) => scene.pairs.map((pair, index) => ({ scene, index, pair })));
  onNote?.(`The blur of ${places.length} frames is estimated first.`);
  const estimates = new Map<string, WeightTensor>();
  const weights = new TensorflowWeights(tf, fixed);
  try {
    for (const { scene, index, pair } of places) {
      throwIfAborted(signal);
      const frames = await decodeWindow(scene, index, network).catch(() => undefined);
      if (frames) estimates.set(path.relative(set.root, pair.blur), pathOf(tf, network, estimate, weights, frames));
    }
  } finally {
    weights.dispose();
  }
  await mkdir(path.dirname(file), { recursive: true });
  const output = await AtomicFile.create(file, { overwrite: true });
  await output.write(writeSafetensors(estimates, { fingerprint }));
  await output.commit();
  return pathsOf(estimates, estimate, set);
}

function estimateOf(network: Network, fixed: Tensors): PathEstimate {
  const { name, path: estimate } = network;
  if (!estimate) {
    throw new DeblurError('USAGE', `${name} estimates no blur ("data.paths").`, {
      hint: 'Leave "data.paths" out, or set "network.path" of light.',
    });
  }
  const learned = [...parametersOf(network).keys()].find((key) => key.startsWith(estimate.prefix) && !fixed.has(key));
  if (learned !== undefined) {
    throw new DeblurError(
      'USAGE',
      `The estimate of the blur is to be learned (${learned}), and "data.paths" wants it as it is.`,
      {
        hint: `Name in "learn" what is learned beside it, without "${estimate.prefix}", or leave "data.paths" out.`,
      },
    );
  }
  return estimate;
}

/** What the estimates depend on: the estimate's parameters, and which pictures there are. */
function digestOf({ prefix }: PathEstimate, fixed: Tensors, { scenes, root }: PairSet): string {
  const hash = createHash('sha256');
  const own = [...fixed].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, { data }] of own) hash.update(name).update(data);
  for (const { pairs } of scenes) for (const { blur } of pairs) hash.update(path.relative(root, blur));
  return hash.digest('hex');
}

async function readEstimates(file: string, fingerprint: string): Promise<Tensors | undefined> {
  if (!existsSync(file)) return undefined;
  const bytes = await bytesOf(file);
  return readSafetensorsMetadata(bytes, file)['fingerprint'] === fingerprint ? readSafetensors(bytes, file) : undefined;
}

function pathsOf(estimates: Tensors, { tile }: PathEstimate, { root }: PairSet): BlurPaths {
  return {
    tile,
    get: (file) => {
      const found = estimates.get(path.relative(root, file));
      if (!found) return undefined;
      const [rows = 0, columns = 0] = found.shape;
      return { rows, columns, vectors: found.data };
    },
  };
}

/** One frame's paths, `[rows, columns, 2]`. */
function pathOf(
  tf: Tfjs,
  { sizes }: Network,
  estimate: PathEstimate,
  weights: Weights<TfValue>,
  frames: readonly DecodedPicture[],
): WeightTensor {
  const [{ width, height } = { width: 0, height: 0 }] = frames;
  const margins = marginsFor(sizes, height, width);
  const grid = tf.tidy(() => {
    const [result] = runReleasing(tf, weights, valuesOf(tf, frames), (ops, weights, inputs) => {
      const padded = inputs.map((input) => ops.pad(input, margins, sizes.padding));
      return [ops.transpose(estimate.estimate(ops, weights, padded), [0, 2, 3, 1])];
    });
    if (!result) throw new TypeError('an estimate gave no output');
    return tensorIn(tf, result, plainOrder(4)) as tfjs.Tensor4D;
  });
  const [, rows, columns] = grid.shape;
  const data = Float32Array.from(grid.dataSync<'float32'>());
  grid.dispose();
  return { shape: [rows, columns, 2], data };
}
