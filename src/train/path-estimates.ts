import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { DeblurError, throwIfAborted } from '../errors.js';
import { AtomicFile } from '../io/atomic-file.js';
import { marginsFor, parametersOf, type Network, type PathEstimate } from '../models/network.js';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../models/weights/safetensors.js';
import type { Tensors, WeightTensor } from '../models/weights/tensors.js';
import { GraphBuilder } from '../runtime/onnx/graph.js';
import { constantWeights, OnnxOps } from '../runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../runtime/onnx/session.js';
import { bytesOf } from './file-bytes.js';
import { SessionForSize } from './session-for-size.js';
import type { BlurPaths } from './sets/blur-paths.js';
import { decodePicture, PictureCache, type DecodedPicture } from './sets/picture-cache.js';
import { sharpPair, type FramePair, type PairSet } from './sets/pair-set.js';
import { decodeWindow } from './validation.js';

/** Of decoded pictures, for the windows of a few frames. */
const cacheBytes = 2 ** 28;

/** Windows whose pictures are decoded while others are estimated. */
const readAhead = 4;

/** Frames after which it is said how many are done: about a minute's. */
const notedEvery = 2000;

/** Options of {@link estimatePaths}. */
export interface PathEstimatesOptions {
  readonly network: Network;
  /** Parameters of which none is learned. */
  readonly fixed: Tensors;
  readonly set: PairSet;
  /** Whether the truths' paths are wanted too. */
  readonly sharp: boolean;
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
 * @throws DeblurError `USAGE` for a network that estimates no path, or that is to learn to. `CANCELLED`, `OUTPUT_FULL`,
 * `OUTPUT_UNWRITABLE`.
 */
export async function estimatePaths(options: PathEstimatesOptions): Promise<BlurPaths> {
  const { network, fixed, set, sharp, file, onNote, signal } = options;
  const estimate = estimateOf(network, fixed);
  const truths = set.scenes.map((scene) => ({ ...scene, pairs: scene.pairs.map(sharpPair) }));
  const scenes = sharp ? [...set.scenes, ...truths] : set.scenes;
  const fingerprint = digestOf(estimate, fixed, { ...set, scenes });
  const known = await readEstimates(file, fingerprint);
  if (known) return pathsOf(known, estimate, set);
  const nameOf = ({ blur }: FramePair) => path.relative(set.root, blur);
  const places = new Map(
    scenes.flatMap((scene) => scene.pairs.map((pair, index) => [nameOf(pair), { scene, index }] as const)),
  );
  onNote?.(`The blur of ${places.size} frames is estimated first.`);
  const estimates = new Map<string, WeightTensor>();
  await using estimator = new PathEstimator(network, estimate, fixed);
  const pictures = new PictureCache(cacheBytes, decodePicture);
  const windows = [...places].map(([name, { scene, index }]) => ({
    name,
    read: () => decodeWindow(scene, index, network, (file) => pictures.get(file)).catch(() => undefined),
  }));
  const coming: ReturnType<(typeof windows)[number]['read']>[] = [];
  for (const [i, { name }] of windows.entries()) {
    throwIfAborted(signal);
    if (i > 0 && i % notedEvery === 0) onNote?.(`${i} of ${places.size} frames are estimated.`);
    coming.push(...windows.slice(i + coming.length, i + readAhead).map(({ read }) => read()));
    const frames = await coming.shift();
    if (frames) estimates.set(name, await estimator.run(frames));
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

/** Estimates the paths of frames with ONNX Runtime, which takes a quarter of TensorFlow's time; with a session for the size at hand. */
class PathEstimator implements AsyncDisposable {
  readonly #network: Network;
  readonly #estimate: PathEstimate;
  readonly #weights: Tensors;
  readonly #sessions = new SessionForSize(
    (size) => this.#create(size),
    (session) => session.dispose(),
  );

  constructor(network: Network, estimate: PathEstimate, weights: Tensors) {
    this.#network = network;
    this.#estimate = estimate;
    this.#weights = weights;
  }

  /** The paths of a window's restored frame, `[rows, columns, 2]`. */
  async run(frames: readonly DecodedPicture[]): Promise<WeightTensor> {
    const [first] = frames;
    if (!first) throw new TypeError('an estimate needs a frame');
    const session = await this.#sessions.get(first);
    const feeds = frames.map(({ data, width, height }, i) => {
      return [`x${i}`, tensor('float32', Float32Array.from(data), [1, height, width, 3])] as const;
    });
    const { paths } = await session.run(Object.fromEntries(feeds));
    if (!paths) throw new TypeError('an estimate gave no output');
    return { shape: paths.dims.slice(1), data: Float32Array.from(paths.data as Float32Array) };
  }

  #create({ width, height }: Pick<DecodedPicture, 'width' | 'height'>): Promise<OnnxSession> {
    const { window, sizes } = this.#network;
    const margins = marginsFor(sizes, height, width);
    const graph = new GraphBuilder();
    const ops = new OnnxOps(graph);
    const frames = Array.from({ length: window.past + 1 + window.future }, (_, i) => {
      const codes = graph.input(`x${i}`, 'float32', [1, height, width, 3]);
      return ops.pad(ops.scale(ops.transpose(codes, [0, 3, 1, 2]), 1 / 255), margins, sizes.padding);
    });
    const paths = this.#estimate.estimate(ops, constantWeights(graph, this.#weights), frames);
    graph.output('paths', ops.transpose(paths, [0, 2, 3, 1]));
    return OnnxSession.create(graph.serialize());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sessions[Symbol.asyncDispose]();
  }
}
