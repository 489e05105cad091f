import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { nafnet } from '../src/models/nafnet.js';
import { applyNetwork, parametersOf } from '../src/models/network.js';
import { elements } from '../src/models/ops.js';
import { GraphBuilder } from '../src/runtime/onnx/graph.js';
import { OnnxOps, constantWeights } from '../src/runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../src/runtime/onnx/session.js';
import type { Figure } from './figure.js';
import { compareWithTorch } from './torch.js';

const width = 32;
const size = 256;
const threads = 2;
const rounds = 10;

/** Small numbers without a pattern; the same in every run. */
function noise(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647 - 0.5) / 10;
  });
}

/** Seconds of one NAFNet run on ONNX Runtime's CPU provider against PyTorch with as many threads, turn about. */
export async function nafnetRate(): Promise<Figure> {
  const network = nafnet({ width });
  const weights = new Map(
    [...parametersOf(network)].map(([name, shape]) => [name, { shape, data: noise(elements(shape)) }]),
  );
  const graph = new GraphBuilder();
  const shape = [1, 3, size, size];
  const input = graph.input('rgb', 'float32', shape);
  graph.output('restored', applyNetwork(new OnnxOps(graph), network, constantWeights(graph, weights), [input]));
  await using session = await OnnxSession.create(graph.serialize(), { threads });
  const feeds = { rgb: tensor('float32', noise(elements(shape)), shape) };
  const ours = async () => {
    const start = performance.now();
    await session.run(feeds);
    return (performance.now() - start) / 1000;
  };
  // Awaited here: what `ours` uses is disposed when this function ends.
  return await compareWithTorch({
    name: `NAFNet width ${width}, ${size}x${size}, CPU`,
    asked: 'no slower than PyTorch',
    most: 1,
    ours,
    side: `ONNX Runtime with ${threads} threads, a picture`,
    script: 'nafnet_torch.py',
    args: [width, size, threads],
    warmup: 1,
    rounds,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await nafnetRate());
