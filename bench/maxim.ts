import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { applyNetwork } from '../src/models/network.js';
import { openModel } from '../src/models/registry.js';
import { locateMaximPackage } from '../src/models/weights/maxim-package.js';
import { GraphBuilder } from '../src/runtime/onnx/graph.js';
import { OnnxOps, constantWeights } from '../src/runtime/onnx/onnx-ops.js';
import { OnnxSession, tensor } from '../src/runtime/onnx/session.js';
import { median, spread } from './figure.js';
import type { Figure } from './figure.js';

const size = 256;
const rounds = 3;
const factor = 3;

/** What we use of tfjs-node. */
interface Tfjs {
  readonly version: Readonly<Record<string, string>>;
  readonly io: { fileSystem(path: string): unknown };
  loadGraphModel(source: unknown): Promise<TfjsModel>;
  tensor(data: Float32Array, shape: number[]): TfjsTensor;
}

interface TfjsTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface TfjsModel {
  predict(input: TfjsTensor): TfjsTensor;
  dispose(): void;
}

/** tfjs-node: the module in the folder `TFJS_NODE`, else one that is installed here. It is not a dependency of ours. */
function loadTfjs(): Tfjs | undefined {
  const require = createRequire(join(process.cwd(), 'package.json'));
  try {
    return require(process.env['TFJS_NODE'] ?? '@tensorflow/tfjs-node') as Tfjs;
  } catch {
    return undefined;
  }
}

/** A smooth picture with some detail, `[3, size, size]`. */
function picture(): Float32Array {
  return Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size) % size];
    return 0.5 + 0.3 * Math.sin(x / 7) * Math.cos(y / 11) + 0.1 * Math.sin((x * y) / 97);
  });
}

/** Seconds of one MAXIM run on ONNX Runtime's CPU provider against tfjs-node with the same weights, turn about. */
export async function maximRate(): Promise<Figure> {
  const name = `MAXIM, ${size}x${size}, CPU`;
  const asked = `at least ${factor} times faster than tfjs-node`;
  const model = await openModel('maxim');
  if (model.kind !== 'network') throw new TypeError('maxim is a network');
  const graph = new GraphBuilder();
  const shape = [1, 3, size, size];
  const input = graph.input('rgb', 'float32', shape);
  const weights = constantWeights(graph, model.weights);
  graph.output('restored', applyNetwork(new OnnxOps(graph), model.network, weights, [input]));
  await using session = await OnnxSession.create(graph.serialize());

  const planes = picture();
  const ours = async () => {
    const { restored } = await session.run({ rgb: tensor('float32', planes, shape) });
    return restored?.data as Float32Array;
  };
  const seconds: number[] = [];
  const tfjs = loadTfjs();
  const path = locateMaximPackage();
  if (!tfjs || path === undefined) {
    await ours();
    for (let i = 0; i < rounds; i += 1) seconds.push((await timed(ours)).seconds);
    return {
      name,
      asked,
      reached: `${spread(seconds, 2)} s; not compared`,
      met: undefined,
      details: ['tfjs-node is not installed: set TFJS_NODE to the folder of a built @tensorflow/tfjs-node.'],
    };
  }
  const theirModel = await tfjs.loadGraphModel(tfjs.io.fileSystem(path));
  const pixels = Float32Array.from(planes, (_, i) => planes[(i % 3) * size * size + Math.floor(i / 3)] ?? 0);
  const theirs = async () => {
    const x = tfjs.tensor(pixels, [1, size, size, 3]);
    const y = theirModel.predict(x);
    const data = await y.data();
    x.dispose();
    y.dispose();
    return data;
  };
  const [ourResult, theirResult] = [await ours(), await theirs()];
  const difference = theirResult.reduce(
    (max, value, i) => Math.max(max, Math.abs(value - (ourResult[(i % 3) * size * size + Math.floor(i / 3)] ?? NaN))),
    0,
  );
  const theirSeconds: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    seconds.push((await timed(ours)).seconds);
    theirSeconds.push((await timed(theirs)).seconds);
  }
  theirModel.dispose();
  const ratio = median(theirSeconds) / median(seconds);
  return {
    name,
    asked,
    reached: `${ratio.toFixed(1)} times faster`,
    met: ratio >= factor,
    details: [
      `ONNX Runtime: ${spread(seconds, 2)} s a picture, ${rounds} runs turn about`,
      `tfjs-node ${tfjs.version['tfjs-core'] ?? ''}: ${spread(theirSeconds, 2)} s`,
      `largest difference of the two results: ${difference.toExponential(1)}`,
    ],
  };
}

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await maximRate());
