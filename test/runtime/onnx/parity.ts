import { readFile } from 'node:fs/promises';
import { applyNetwork } from '../../../src/models/network.js';
import type { Network } from '../../../src/models/network.js';
import type { Tensors } from '../../../src/models/weights/tensors.js';
import { GraphBuilder } from '../../../src/runtime/onnx/graph.js';
import { OnnxOps, constantWeights } from '../../../src/runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../../../src/runtime/onnx/session.js';

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

/** Runs a network on one picture with ONNX Runtime's CPU provider. */
export async function runNetwork(network: Network, tensors: Tensors, picture: Picture): Promise<Picture> {
  const graph = new GraphBuilder();
  const input = graph.input('rgb', 'float32', picture.shape);
  const output = applyNetwork(new OnnxOps(graph), network, constantWeights(graph, tensors), [input]);
  graph.output('restored', output);
  await using session = await OnnxSession.create(graph.serialize());
  const { restored } = await session.run({ rgb: tensor('float32', picture.data, picture.shape) });
  if (!restored) throw new Error('the graph has no output');
  return { shape: restored.dims, data: restored.data as Float32Array };
}

/** The largest absolute difference. */
export function maxDifference(a: Picture, b: Picture): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`shapes differ: ${a.shape.join()} and ${b.shape.join()}`);
  return a.data.reduce((max, value, i) => Math.max(max, Math.abs(value - (b.data[i] ?? NaN))), 0);
}
