import { readFile } from 'node:fs/promises';
import { applyNetwork } from '../../../src/models/network.js';
import type { Network } from '../../../src/models/network.js';
import type { Ops, Weights } from '../../../src/models/ops.js';
import type { Tensors } from '../../../src/models/weights/tensors.js';
import { GraphBuilder } from '../../../src/runtime/onnx/graph.js';
import { OnnxOps, constantWeights } from '../../../src/runtime/onnx/onnx-ops.js';
import { liveSessions, OnnxSession, tensor } from '../../../src/runtime/onnx/session.js';
import { plainOrder, tensorIn, valueOf, type Tfjs } from '../../../src/runtime/tensorflow/tensor.js';
import type { PictureOps } from '../../../src/runtime/picture/picture-ops.js';
import { runReleasing } from '../../../src/runtime/tensorflow/release.js';
import { TensorflowWeights } from '../../../src/runtime/tensorflow/weights.js';
import { testBackend } from '../../support/tensorflow.js';

/** A float32 array with its shape, row-major. */
export interface Picture {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A file of the parity fixtures. */
export function fixture(path: string): URL {
  return new URL(`../../fixtures/parity/${path}`, import.meta.url);
}

/** Reads a little-endian float32 `.npy` file in C order. */
export async function readNpy(path: string): Promise<Picture> {
  const file = await readFile(fixture(path));
  const headerEnd = 10 + file.readUInt16LE(8);
  const header = file.subarray(10, headerEnd).toString('latin1');
  if (!header.includes("'descr': '<f4', 'fortran_order': False"))
    throw new Error(`unexpected header of ${path}: ${header}`);
  const shape = (/\(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').filter(Boolean).map(Number);
  return { shape, data: new Float32Array(Uint8Array.from(file.subarray(headerEnd)).buffer) };
}

/** A function of tensors in the vocabulary that every interpreter speaks. */
export type Build = <T>(ops: PictureOps<T>, weights: Weights<T>, inputs: readonly T[]) => readonly T[];

/** Who executes networks. */
export interface Interpreter {
  readonly name: string;
  /** Runs a function of some tensors. */
  run(tensors: Tensors, inputs: readonly Picture[], build: Build): Promise<Picture[]>;
  /** Native handles that are alive: sessions or tensors. */
  live(): number;
}

const onnx: Interpreter = {
  name: 'ONNX Runtime',
  live: liveSessions,
  run: async (tensors, inputs, build) => {
    const graph = new GraphBuilder();
    const values = inputs.map(({ shape }, i) => graph.input(`x${i}`, 'float32', shape));
    const outputs = build(new OnnxOps(graph), constantWeights(graph, tensors), values);
    outputs.forEach((value, i) => graph.output(`y${i}`, value));
    await using session = await OnnxSession.create(graph.serialize());
    const feeds = inputs.map(({ data, shape }, i) => [`x${i}`, tensor('float32', data, shape)] as const);
    const results = await session.run(Object.fromEntries(feeds));
    return outputs.map((_, i) => {
      const result = results[`y${i}`];
      if (!result) throw new Error(`the graph has no output ${i}`);
      return { shape: result.dims, data: result.data as Float32Array };
    });
  },
};

/** TensorFlow.js on the backend at hand. */
export function tensorflowInterpreter(name: string, tf: Tfjs): Interpreter {
  const tensorsAtFirst = tf.memory().numTensors;
  return {
    name,
    live: () => tf.memory().numTensors - tensorsAtFirst,
    // An error of the function becomes a rejection, as where it runs later.
    // eslint-disable-next-line @typescript-eslint/require-await
    run: async (tensors, inputs, build) => {
      using weights = new TensorflowWeights(tf, tensors);
      const values = inputs.map(({ shape, data }) => valueOf(tf.tensor(data, [...shape])));
      try {
        return runReleasing(tf, weights, values, build).map((value) => {
          const plain = tf.tidy(() => tensorIn(tf, value, plainOrder(value.shape.length)).clone());
          const data = Float32Array.from(plain.dataSync());
          tf.dispose([plain, value.tensor]);
          return { shape: value.shape, data };
        });
      } finally {
        tf.dispose(values.map(({ tensor: input }) => input));
      }
    },
  };
}

const tensorflow = tensorflowInterpreter('TensorFlow', (await testBackend()).tf);

/** Every interpreter of the vocabulary. */
export const interpreters = [onnx, tensorflow] as const satisfies readonly Interpreter[];

/** Runs a network on one picture, padded and cropped as it wants. */
export async function runNetwork(
  interpreter: Interpreter,
  network: Network,
  tensors: Tensors,
  picture: Picture,
): Promise<Picture> {
  const [restored] = await interpreter.run(
    tensors,
    [picture],
    <T>(ops: Ops<T>, weights: Weights<T>, frames: readonly T[]) => [applyNetwork(ops, network, weights, frames)],
  );
  if (!restored) throw new Error('there is no output');
  return restored;
}

/** The largest absolute difference. */
export function maxDifference(a: Picture | undefined, b: Picture | undefined): number {
  if (!a || !b) throw new Error('there is nothing to compare');
  if (a.shape.join() !== b.shape.join()) throw new Error(`shapes differ: ${a.shape.join()} and ${b.shape.join()}`);
  return a.data.reduce((max, value, i) => Math.max(max, Math.abs(value - (b.data[i] ?? NaN))), 0);
}
