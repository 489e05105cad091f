import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { nafnet } from '../src/models/nafnet.js';
import { applyNetwork, parametersOf } from '../src/models/network.js';
import { elements } from '../src/models/ops.js';
import { GraphBuilder } from '../src/runtime/onnx/graph.js';
import { OnnxOps, constantWeights } from '../src/runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../src/runtime/onnx/session.js';
import { median, spread } from './figure.js';
import type { Figure } from './figure.js';
import { startTorch, torchMissing } from './torch.js';

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
  const name = `NAFNet width ${width}, ${size}x${size}, CPU`;
  const asked = 'no slower than PyTorch';
  await using torch = await startTorch('nafnet_torch.py', [width, size, threads]);
  await ours();
  await torch?.run();
  const [seconds, theirSeconds]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds; i += 1) {
    seconds.push(await ours());
    if (torch) theirSeconds.push(await torch.run());
  }
  const measured = `ONNX Runtime: ${spread(seconds, 3)} s a picture, ${rounds} runs, ${threads} threads`;
  if (!torch) {
    return {
      name,
      asked,
      reached: `${spread(seconds, 3)} s; not compared`,
      met: undefined,
      details: [measured, torchMissing],
    };
  }
  const ratio = median(seconds) / median(theirSeconds);
  return {
    name,
    asked,
    reached: `${ratio.toFixed(2)} of PyTorch's time`,
    met: ratio <= 1,
    details: [measured, `PyTorch ${torch.version}: ${spread(theirSeconds, 3)} s, turn about`],
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await nafnetRate());
