import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listSupportedBackends } from 'onnxruntime-node';
import { DeblurError, throwIfAborted } from '../../errors.js';
import { askChild } from '../child-answer.js';
import { GraphBuilder } from './graph.js';

/** An execution provider that the installed ONNX Runtime knows on this platform. */
export interface ProviderListing {
  /** ONNX Runtime's name: `cpu`, `webgpu`, `cuda`, `tensorrt`, `coreml`, `dml`, … */
  readonly name: string;
  /** Its code is inside the npm package; the others need libraries installed beside it. */
  readonly bundled: boolean;
}

/** Whether a provider does what it is there for. */
export interface ProviderProof {
  readonly provider: string;
  readonly available: boolean;
  /** Why not, as a full sentence. */
  readonly reason?: string;
  /** What could make it work, where that is known. */
  readonly hint?: string;
  /** Loading the network and the first run, where it got that far. */
  readonly milliseconds?: number;
}

/** Options of {@link proveProvider}. */
export interface ProofOptions {
  /** Milliseconds the provider has to load and answer. Default 60000: the first use of a GPU compiles its kernels. */
  timeout?: number;
  /** Ends the proof with a `CANCELLED` error. */
  signal?: AbortSignal;
}

/** What the child process is asked; see provider-child.js. */
interface Task {
  provider: string;
  model: Uint8Array;
  input: Float32Array;
  shape: readonly number[];
  folder: string;
}

/** What it answers. */
type Answer = { error: string } | { output: Float32Array; executedBy: string[]; milliseconds: number };

const childFile = fileURLToPath(new URL('provider-child.js', import.meta.url));

/** The providers the installed ONNX Runtime could offer here, whether or not they work. */
export function listProviders(): ProviderListing[] {
  return listSupportedBackends().map(({ name, bundled }) => ({ name, bundled }));
}

const INPUT_SHAPE = [1, 4, 16, 16] as const;
const OUTPUT_CHANNELS = 8;

/**
 * A 3×3 convolution over small integers: every sum is exact in float32, TF32 and float16, so a correct
 * provider has no excuse to be off.
 */
function proofModel() {
  const [, channels, height, width] = INPUT_SHAPE;
  const input = Float32Array.from({ length: channels * height * width }, (_, i) => ((i * 7) % 11) - 5);
  const weights = Float32Array.from({ length: OUTPUT_CHANNELS * channels * 9 }, (_, i) => ((i * 5) % 7) - 3);
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', INPUT_SHAPE);
  const w = graph.constant('float32', [OUTPUT_CHANNELS, channels, 3, 3], weights);
  const output = { type: 'float32', shape: [1, OUTPUT_CHANNELS, height, width] } as const;
  graph.output('y', graph.node('Conv', [x, w], output, { attributes: { pads: { ints: [1, 1, 1, 1] } } }));
  return { model: graph.serialize(), input, expected: convolve(input, weights) };
}

/** The convolution's result by its definition. */
function convolve(input: Float32Array, weights: Float32Array): Float32Array {
  const [, channels, height, width] = INPUT_SHAPE;
  return Float32Array.from({ length: OUTPUT_CHANNELS * height * width }, (_, at) => {
    const x = at % width;
    const y = Math.floor(at / width) % height;
    const k = Math.floor(at / (width * height));
    let sum = 0;
    for (let tap = 0; tap < channels * 9; tap++) {
      const [c, v, u] = [Math.floor(tap / 9), y + (Math.floor(tap / 3) % 3) - 1, x + (tap % 3) - 1];
      if (v < 0 || v >= height || u < 0 || u >= width) continue;
      sum += input[(c * height + v) * width + u]! * weights[k * channels * 9 + tap]!;
    }
    return sum;
  });
}

/**
 * Runs one convolution on an execution provider and checks the numbers, and that this provider and no
 * other executed it (by ONNX Runtime's profile). It happens in a child process: a broken driver may hang
 * or end the process that loads it.
 * @throws DeblurError `CANCELLED`; a provider that fails is an answer, not an error.
 */
export async function proveProvider(provider: string, options: ProofOptions = {}): Promise<ProviderProof> {
  const { timeout = 60_000, signal } = options;
  throwIfAborted(signal);
  const known = listProviders().map(({ name }) => name);
  if (!known.includes(provider)) {
    const reason = `The installed ONNX Runtime has no provider of that name for ${process.platform} ${process.arch}.`;
    return { provider, available: false, reason };
  }
  const { model, input, expected } = proofModel();
  const folder = await mkdtemp(join(tmpdir(), 'deblur-proof-'));
  try {
    const task: Task = { provider, model, input, shape: INPUT_SHAPE, folder };
    const answer = await askChild<Task, Answer>(childFile, task, { timeout, signal });
    const fault = faultOf(provider, answer, expected);
    return {
      provider,
      available: fault === undefined,
      ...fault,
      ...('milliseconds' in answer && { milliseconds: answer.milliseconds }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is wrong with a provider. */
type Fault = Pick<ProviderProof, 'hint'> & { readonly reason: string };

/** What is wrong with an answer, or undefined. */
function faultOf(provider: string, answer: Answer, expected: Float32Array): Fault | undefined {
  if ('error' in answer) return explain(provider, answer.error);
  const others = answer.executedBy.filter((name) => name.toLowerCase() !== `${provider}executionprovider`);
  if (others.length > 0) return { reason: `ONNX Runtime ran the convolution on ${others.join(' and ')} in its place.` };
  const { output } = answer;
  const wrong = expected.findIndex((value, i) => !(Math.abs(value - (output[i] ?? NaN)) <= 1e-3));
  if (wrong < 0 && output.length === expected.length) return undefined;
  return { reason: `It computed the convolution wrongly: ${output[wrong]} in place of ${expected[wrong]}.` };
}

/** ONNX Runtime's message as a sentence, and what to do about the usual ones. */
function explain(provider: string, message: string): Fault {
  if (message.includes('Failed to get a WebGPU adapter')) {
    return { reason: 'There is no GPU here with a driver that WebGPU can use (Vulkan, Metal or Direct3D 12).' };
  }
  if (message.includes('Failed to load shared library')) {
    const reason = "ONNX Runtime's libraries for it are not installed, or those that they need are missing.";
    if (provider !== 'cuda' && provider !== 'tensorrt') return { reason };
    const libraries = provider === 'cuda' ? 'CUDA 12 and cuDNN 9' : 'CUDA 12, cuDNN 9 and TensorRT';
    const install = 'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js';
    return { reason, hint: `It needs ${libraries}, and the files that "${install}" fetches.` };
  }
  // A message may begin with the place in ONNX Runtime's source, and go on with a stack.
  const [first = ''] = message
    .replace(/^\S*\/\S+:\d+ .*? was false\. /s, '')
    .trim()
    .split('\n');
  return { reason: `${first.replace(/\.$/, '')}.` };
}

const proofs = new Map<string, ProviderProof>();

/** The proof of a provider, made once per process. */
export async function provenOnce(provider: string, options: Pick<ProofOptions, 'signal'>): Promise<ProviderProof> {
  const proof = proofs.get(provider) ?? (await proveProvider(provider, options));
  proofs.set(provider, proof);
  return proof;
}

/**
 * Makes sure that a provider works before a session is built on it. ONNX Runtime itself would run nodes
 * on the CPU where a provider is missing or refuses them, and say nothing. The CPU provider needs no
 * proof; the others are proven once per process.
 * @throws DeblurError `PROVIDER_UNAVAILABLE` with the reason, and the providers that work as its hint.
 */
export async function requireProvider(provider: string, options: Pick<ProofOptions, 'signal'> = {}): Promise<void> {
  if (provider === 'cpu') return;
  const proof = await provenOnce(provider, options);
  if (proof.available) return;
  const working: string[] = [];
  for (const { name } of listProviders()) {
    if (name === 'cpu' || (await provenOnce(name, options)).available) working.push(name);
  }
  const hints = [proof.hint, `Providers that work here: ${working.join(', ')}. "deblur doctor" tells more.`];
  throw new DeblurError('PROVIDER_UNAVAILABLE', `The provider "${provider}" cannot be used here. ${proof.reason}`, {
    hint: hints.filter(Boolean).join(' '),
  });
}
