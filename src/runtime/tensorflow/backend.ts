import type { Rank } from '@tensorflow/tfjs';
import { createRequire } from 'node:module';
import util from 'node:util';
import { DeblurError } from '../../errors.js';
import { registerNativeKernels } from './native-kernels.js';
import type { Tfjs } from './tensor.js';

/**
 * Where TensorFlow.js computes: TensorFlow with CUDA (`@tensorflow/tfjs-node-gpu`), TensorFlow on the processor
 * (`@tensorflow/tfjs-node`), WebGPU (`@tensorflow/tfjs-backend-webgpu` with the npm package `webgpu`), or plain
 * JavaScript.
 */
export type BackendName = 'tensorflow-gpu' | 'tensorflow' | 'webgpu' | 'cpu';

/** The backends in order of preference. */
export const backendNames: readonly BackendName[] = ['tensorflow-gpu', 'tensorflow', 'webgpu', 'cpu'];

/** TensorFlow.js, ready to compute. */
export interface Backend {
  readonly name: BackendName;
  readonly tf: Tfjs;
  /** The version of TensorFlow where it is native, else of TensorFlow.js. */
  readonly version: string;
}

/** What came of trying a backend. */
export interface BackendProof {
  readonly backend: BackendName;
  readonly available: boolean;
  readonly version?: string;
  /** Milliseconds that one convolution took, loading included. */
  readonly milliseconds?: number;
  /** Why it does not work here. */
  readonly reason?: string;
  /** What to do about it. */
  readonly hint?: string;
}

const require = createRequire(import.meta.url);
/** The packages that a native backend may come from, the usual one first: the one for CUDA computes on the processor too. */
const nativePackages = {
  'tensorflow-gpu': ['@tensorflow/tfjs-node-gpu'],
  tensorflow: ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'],
} as const;

/** Why a backend can't be had. */
class Unavailable extends Error {
  constructor(
    message: string,
    readonly hint?: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Options of {@link openBackend}. */
export interface OpenBackendOptions {
  /** Threads of TensorFlow on the processor. The first backend of a process decides. Default: one per processor. */
  readonly threads?: number;
}

/**
 * Loads TensorFlow.js on a backend. A process has one at a time: the last that was opened computes.
 *
 * @param name Default `auto`: the first of {@link backendNames} that works.
 * @throws DeblurError `PROVIDER_UNAVAILABLE` when the backend asked for does not work here.
 */
export async function openBackend(
  name: BackendName | 'auto' = 'auto',
  { threads }: OpenBackendOptions = {},
): Promise<Backend> {
  if (threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  const reasons: string[] = [];
  for (const candidate of name === 'auto' ? backendNames : [name]) {
    try {
      return await load(candidate);
    } catch (cause) {
      const { message, hint } = describe(cause);
      if (candidate === name) {
        throw new DeblurError(
          'PROVIDER_UNAVAILABLE',
          `The backend "${name}" of TensorFlow.js cannot be used here. ${message}`,
          {
            cause,
            hint,
          },
        );
      }
      reasons.push(message);
    }
  }
  throw new DeblurError('PROVIDER_UNAVAILABLE', `No backend of TensorFlow.js works here: ${reasons.join(' ')}`);
}

/** Loads a backend and computes one convolution with it. */
export async function proveBackend(backend: BackendName): Promise<BackendProof> {
  const started = performance.now();
  try {
    const { tf, version } = await load(backend);
    const sum = tf.tidy(() =>
      tf.sum(tf.conv2d(tf.ones<Rank.R4>([1, 8, 8, 2]), tf.ones<Rank.R4>([3, 3, 2, 2]), 1, 'valid')),
    );
    const [value] = await sum.data();
    sum.dispose();
    if (value !== 1296) throw new Unavailable(`It computed a convolution wrongly: ${value} in place of 1296.`);
    return { backend, available: true, version, milliseconds: performance.now() - started };
  } catch (error) {
    const { message, hint } = describe(error);
    return { backend, available: false, reason: message, ...(hint === undefined ? {} : { hint }) };
  }
}

function describe(error: unknown): { message: string; hint?: string } {
  if (error instanceof Unavailable && error.hint !== undefined) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error) };
}

async function load(name: BackendName): Promise<Backend> {
  if (name === 'tensorflow' || name === 'tensorflow-gpu') return loadNative(name);
  const tf = quietly(() => require('@tensorflow/tfjs') as Tfjs);
  if (name === 'webgpu') await addWebGpu();
  const speak = silence();
  try {
    if (!(await tf.setBackend(name))) throw new Unavailable("TensorFlow.js can't initialise it.");
    await tf.ready();
    // The first tensor of the backend in JavaScript advertises too.
    tf.scalar(0).dispose();
  } catch (cause) {
    if (cause instanceof Unavailable) throw cause;
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new Unavailable(`${line.replace(/\.$/, '')}.`, undefined, cause);
  } finally {
    speak();
  }
  return { name, tf, version: tf.version_core };
}

async function loadNative(name: keyof typeof nativePackages): Promise<Backend> {
  const [usual] = nativePackages[name];
  const packageName = nativePackages[name].find(isInstalled);
  if (!packageName)
    throw new Unavailable(`${usual} is not installed.`, `Install it with "npm install ${usual}@4.22.0".`);
  restoreOldHelpers();
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  let tf: Tfjs;
  try {
    tf = quietly(() => require(packageName) as Tfjs);
  } catch (cause) {
    throw new Unavailable(
      `The native part of ${packageName} is missing or can't be loaded.`,
      "Where its prebuilt binary can't be had, scripts/install-tensorflow.sh builds it.",
      cause,
    );
  }
  await tf.setBackend('tensorflow');
  await tf.ready();
  registerNativeKernels(tf);
  const { binding, isUsingGpuDevice } = tf.backend() as NativeBackend;
  if (name === 'tensorflow-gpu' && !isUsingGpuDevice) {
    throw new Unavailable(
      'TensorFlow finds no CUDA device.',
      'It needs an NVIDIA card and the CUDA and cuDNN libraries of the TensorFlow that tfjs-node-gpu brings.',
    );
  }
  return { name, tf, version: binding?.TF_Version ?? tf.version_core };
}

function isInstalled(packageName: string): boolean {
  try {
    require.resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** What tfjs-node tells of itself. */
interface NativeBackend {
  readonly binding?: { readonly TF_Version?: string };
  readonly isUsingGpuDevice?: boolean;
}

/** What we use of the browsers' interface to a GPU. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

async function addWebGpu(): Promise<void> {
  let gpu: Gpu;
  try {
    const { create, globals } = require('webgpu') as { create: (flags: string[]) => Gpu; globals: object };
    Object.assign(globalThis, globals);
    const place = globalThis as { navigator?: { gpu?: Gpu } };
    place.navigator ??= {};
    gpu = place.navigator.gpu ?? create([]);
    if (!place.navigator.gpu) Object.defineProperty(place.navigator, 'gpu', { value: gpu });
    require('@tensorflow/tfjs-backend-webgpu');
  } catch (cause) {
    throw new Unavailable(
      '@tensorflow/tfjs-backend-webgpu and webgpu are not both installed.',
      'Install them with "npm install @tensorflow/tfjs-backend-webgpu@4.22.0 webgpu".',
      cause,
    );
  }
  if (!(await gpu.requestAdapter())) {
    throw new Unavailable('There is no GPU here with a driver that WebGPU can use (Vulkan, Metal or Direct3D 12).');
  }
}

/** tfjs-node 4.22 calls helpers that Node 23 took out of `util`, and that Node 22 warns of. */
function restoreOldHelpers(): void {
  const helpers = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: (value: unknown) => Array.isArray(value),
    isString: (value: unknown) => typeof value === 'string',
    isObject: (value: unknown) => typeof value === 'object' && value !== null,
  };
  Object.assign(util, helpers);
}

/** TensorFlow.js advertises its other packages on the console. The function that is returned gives the console back. */
function silence(): () => void {
  const { log, warn } = console;
  const silent = () => undefined;
  Object.assign(console, { log: silent, warn: silent });
  return () => {
    Object.assign(console, { log, warn });
  };
}

function quietly<T>(work: () => T): T {
  const speak = silence();
  try {
    return work();
  } finally {
    speak();
  }
}
