import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { nafnet } from '../src/models/nafnet.js';
import { applyNetwork, parametersOf } from '../src/models/network.js';
import { elements } from '../src/models/ops.js';
import { packagePath } from '../src/package-root.js';
import { GraphBuilder } from '../src/runtime/onnx/graph.js';
import { OnnxOps, constantWeights } from '../src/runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../src/runtime/onnx/session.js';
import { median, spread } from './figure.js';
import type { Figure } from './figure.js';

const width = 32;
const size = 256;
const threads = 2;
const rounds = 10;

/** A PyTorch process that runs the network once per question. */
interface Torch extends AsyncDisposable {
  readonly version: string;
  /** Runs once; seconds. */
  run(): Promise<number>;
}

/** Starts `python3`, or what `PYTHON` names, with PyTorch; `undefined` where that is not installed. */
async function startTorch(): Promise<Torch | undefined> {
  const script = packagePath('bench', 'nafnet_torch.py');
  const child = spawn(process.env['PYTHON'] ?? 'python3', [script, String(width), String(size), String(threads)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const started = await Promise.race([
    once(child, 'spawn').then(() => true),
    once(child, 'error').then(
      () => false,
      () => false,
    ),
  ]);
  if (!started) return undefined;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const line = await lines.next();
    return line.done ? undefined : line.value;
  };
  const version = await read();
  if (version === undefined) return undefined;
  return {
    version,
    run: async () => {
      child.stdin.write('\n');
      return Number(await read());
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

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
  await using torch = await startTorch();
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
      details: [measured, 'PyTorch is not installed: set PYTHON to a python3 that has it.'],
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
