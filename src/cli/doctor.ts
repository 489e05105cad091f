import { Command } from 'commander';
import { proveProvider } from '../runtime/onnx/provider.js';
import { diagnose } from '../runtime/doctor/diagnose.js';
import { describeDiagnosis, describeProof } from './diagnosis-text.js';
import { interruptSignal } from './exit.js';

interface DoctorFlags {
  json?: boolean;
  provider?: string;
}

function print(value: unknown, text: string, json = false): void {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : text);
}

async function doctor({ json, provider }: DoctorFlags): Promise<void> {
  const signal = interruptSignal();
  if (provider !== undefined) {
    const proof = await proveProvider(provider, { signal });
    print(proof, describeProof(proof), json);
    process.exitCode = proof.available ? 0 : 1;
    return;
  }
  const diagnosis = await diagnose({ signal });
  print(diagnosis, describeDiagnosis(diagnosis), json);
  process.exitCode = diagnosis.ok ? 0 : 1;
}

/** `deblur doctor`: exit code 0 when the basics run, else 1. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('try what runs on this machine: Node, providers for the networks, FFmpeg, codecs, memory')
    .option('--provider <name>', 'prove one execution provider only; exit code 1 when it does not work')
    .option('--json', 'print JSON')
    .action(doctor);
}
