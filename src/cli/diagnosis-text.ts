import type { EngineCapabilities } from '../io/capabilities.js';
import type { Diagnosis, ModelDiagnosis } from '../runtime/doctor/diagnose.js';
import type { SystemFacts } from '../runtime/doctor/system.js';
import type { ProviderProof } from '../runtime/onnx/provider.js';
import type { BackendProof } from '../runtime/tensorflow/backend.js';
import { describeBytes } from './bytes.js';

const NAME_WIDTH = 12;
const BACKEND_WIDTH = 16;

type Mark = 'works' | 'there' | 'no' | '';

const marks: Readonly<Record<Mark, string>> = { works: '✓ works', there: '✓ there', no: '✗ no', '': '' };

/** One aligned line: a verdict in words, what it is about, and the facts. */
function line(mark: Mark, name: string, facts: string, width = NAME_WIDTH): string {
  return `  ${marks[mark].padEnd(9)}${name.padEnd(width)}${facts}`.trimEnd();
}

function proofLine({ provider, available, reason, milliseconds }: ProviderProof): string {
  const facts = available ? `one convolution, proven in ${Math.round(milliseconds ?? 0)} ms` : (reason ?? '');
  return line(available ? 'works' : 'no', provider, facts);
}

/** Of a backend that does not work, what to do about it too. */
function backendLine({ backend, available, version, milliseconds, reason, hint }: BackendProof): string {
  const proven = `version ${version}, one convolution proven in ${Math.round(milliseconds ?? 0)} ms`;
  const facts = available ? proven : [reason, hint].filter(Boolean).join(' ');
  return line(available ? 'works' : 'no', backend, facts, BACKEND_WIDTH);
}

function systemLines({ node, platform, cpu, memory, disks }: SystemFacts): string[] {
  const extensions = cpu.extensions.length > 0 ? `, ${cpu.extensions.join(' ')}` : '';
  const limit = memory.limit === undefined ? '' : `, limited to ${describeBytes(memory.limit)}`;
  return [
    line(
      node.supported ? 'works' : 'no',
      'Node',
      `${node.version} (supported: ${node.required.replace('>=', '')} or newer)`,
    ),
    line('', 'System', `${platform.name} ${platform.arch}, ${platform.release}`),
    line('', 'Processor', `${cpu.model}, ${cpu.threads} threads${extensions}`),
    line('', 'Memory', `${describeBytes(memory.available)} free of ${describeBytes(memory.total)}${limit}`),
    ...disks.map(({ folder, free }) =>
      line('', 'Disk', `${free === undefined ? 'unknown space' : describeBytes(free)} free in ${folder}`),
    ),
  ];
}

function engineLines({ engine, available, reason, version, path, codecs = [] }: EngineCapabilities): string[] {
  const facts = available ? `FFmpeg ${version}, ${path ?? 'inside the process'}` : (reason ?? '');
  const rows = codecs.map(({ codec, decoders, encoders }) => {
    const can = [decoders.length > 0 ? 'reads' : '', encoders.length > 0 ? `writes with ${encoders.join(', ')}` : ''];
    return line('', '', `${codec.padEnd(8)}${can.filter(Boolean).join(', ') || 'neither reads nor writes'}`);
  });
  return [line(available ? 'works' : 'no', engine, facts), ...rows];
}

function modelLine(width: number) {
  return ({ name, path, install }: ModelDiagnosis): string =>
    line(path === undefined ? 'no' : 'there', name, path ?? `not installed; ${install}`, width);
}

/** One provider's proof for a person. */
export function describeProof(proof: ProviderProof): string {
  const hint = proof.hint === undefined ? [] : [proof.hint];
  return `${[proofLine(proof), ...hint].join('\n')}\n`;
}

/** A diagnosis for a person. */
export function describeDiagnosis({
  ok,
  problems,
  system,
  onnxRuntime,
  tensorflow,
  engines,
  models,
}: Diagnosis): string {
  const verdict = ok
    ? ['Everything that deblur needs works here.']
    : ['deblur cannot work here:', ...problems.map((p) => `  ${p}`)];
  const sections = [
    ['Machine', ...systemLines(system)],
    [`Networks run by ONNX Runtime ${onnxRuntime.version} on`, ...onnxRuntime.providers.map(proofLine)],
    [
      `Networks trained, and run if asked, by TensorFlow.js ${tensorflow.version} on`,
      ...tensorflow.backends.map(backendLine),
    ],
    ['Video read and written by', ...engines.flatMap(engineLines)],
    ['Weights', ...models.map(modelLine(Math.max(...models.map(({ name }) => name.length)) + 2))],
    verdict,
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
