import { createRequire } from 'node:module';
import { ffmpegCapabilities, nodeAvCapabilities, type EngineCapabilities } from '../../io/capabilities.js';
import { listModels } from '../../models/registry.js';
import { listProviders, proveProvider, type ProviderProof } from '../onnx/provider.js';
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
  readonly engines: readonly EngineCapabilities[];
  readonly models: readonly ModelDiagnosis[];
}

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** Milliseconds each provider has for its proof. Default: that of `proveProvider`. */
  timeout?: number;
  /** Ends the diagnosis with a `CANCELLED` error. */
  signal?: AbortSignal;
}

/** Version of the installed ONNX Runtime. */
function onnxRuntimeVersion(): string {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
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

/** Tries what a run needs, and all that could make one quicker. Providers are proven one after the other. */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const system = await systemFacts();
  const engines = [await nodeAvCapabilities(), await ffmpegCapabilities()];
  const providers: ProviderDiagnosis[] = [];
  for (const { name, bundled } of listProviders()) providers.push({ ...(await proveProvider(name, options)), bundled });
  const problems = problemsOf(system, providers, engines);
  return {
    ok: problems.length === 0,
    problems,
    system,
    onnxRuntime: { version: onnxRuntimeVersion(), providers },
    engines,
    models: listModels().map(({ name, path, install }) => ({ name, path, install })),
  };
}
