import { createRequire } from 'node:module';
import { ffmpegCapabilities, nodeAvCapabilities, type EngineCapabilities } from '../../io/capabilities.js';
import { listModels } from '../../models/registry.js';
import { listProviders, proveProvider, type ProviderProof } from '../onnx/provider.js';
import { backendNames, type BackendProof } from '../tensorflow/backend.js';
import { proveBackendApart } from '../tensorflow/backend-proof.js';
import { systemFacts, type SystemFacts } from './system.js';

/** A provider's proof, and whether its code came with the npm package. */
export interface ProviderDiagnosis extends ProviderProof {
  readonly bundled: boolean;
}

/** A model of the catalogue. */
export interface ModelDiagnosis {
  readonly name: string;
  /** Where its weights are, undefined when they are not installed. */
  readonly path: string | undefined;
  /** The command that installs them. */
  readonly install: string;
}

/** What runs on this machine. */
export interface Diagnosis {
  /** True when the basics run: the Node version is supported, FFmpeg's libraries load, the CPU computes. */
  readonly ok: boolean;
  /** What keeps the basics from running, one sentence each. */
  readonly problems: readonly string[];
  readonly system: SystemFacts;
  readonly onnxRuntime: { readonly version: string; readonly providers: readonly ProviderDiagnosis[] };
  /** TensorFlow.js, which trains and may run networks. */
  readonly tensorflow: { readonly version: string; readonly backends: readonly BackendProof[] };
  readonly engines: readonly EngineCapabilities[];
  readonly models: readonly ModelDiagnosis[];
}

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** Milliseconds each provider or backend has for its proof. Default 60000. */
  timeout?: number;
  /** Ends the diagnosis with a `CANCELLED` error. */
  signal?: AbortSignal;
}

/** Version of an installed package. */
function versionOf(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}

function problemsOf(
  { node }: SystemFacts,
  providers: readonly ProviderProof[],
  engines: readonly EngineCapabilities[],
): string[] {
  const problems: string[] = [];
  if (!node.supported) problems.push(`Node ${node.version} is not supported; ${node.required} is.`);
  const cpu = providers.find(({ provider }) => provider === 'cpu');
  if (!cpu?.available)
    problems.push(`Networks do not run on the CPU. ${cpu?.reason ?? 'ONNX Runtime does not offer it.'}`);
  const inProcess = engines.find(({ engine }) => engine === 'node-av');
  if (!inProcess?.available) problems.push(`FFmpeg's libraries are not usable. ${inProcess?.reason}`);
  return problems;
}

/** Tries what a run needs, and all that could make one quicker. Providers and backends are proven one after the other. */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const system = await systemFacts();
  const engines = [await nodeAvCapabilities(), await ffmpegCapabilities()];
  const providers: ProviderDiagnosis[] = [];
  for (const { name, bundled } of listProviders()) providers.push({ ...(await proveProvider(name, options)), bundled });
  const backends: BackendProof[] = [];
  for (const name of backendNames) backends.push(await proveBackendApart(name, options));
  const problems = problemsOf(system, providers, engines);
  return {
    ok: problems.length === 0,
    problems,
    system,
    onnxRuntime: { version: versionOf('onnxruntime-node'), providers },
    tensorflow: { version: versionOf('@tensorflow/tfjs'), backends },
    engines,
    models: listModels().map(({ name, path, install }) => ({ name, path, install })),
  };
}
