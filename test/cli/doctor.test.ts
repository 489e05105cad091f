import { afterEach, describe, expect, it } from 'vitest';
import { describeDiagnosis } from '../../src/cli/diagnosis-text.js';
import { doctorCommand } from '../../src/cli/doctor.js';
import type { Diagnosis } from '../../src/runtime/doctor/diagnose.js';
import type { ProviderProof } from '../../src/runtime/onnx/provider.js';
import { backendNames } from '../../src/runtime/tensorflow/backend.js';
import { stdoutOf } from '../support/output.js';

const doctor = (...argv: string[]) => stdoutOf(() => doctorCommand().parseAsync(argv, { from: 'user' }));

afterEach(() => {
  process.exitCode = undefined;
});

describe('deblur doctor', () => {
  it('tells as JSON and as text what runs here', async () => {
    const diagnosis = JSON.parse(await doctor('--json')) as Diagnosis;
    expect(process.exitCode).toBe(0);
    expect(diagnosis).toMatchObject({ ok: true, problems: [], system: { node: { version: process.versions.node } } });
    expect(diagnosis.onnxRuntime.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(diagnosis.onnxRuntime.providers).toContainEqual(
      expect.objectContaining({ provider: 'cpu', available: true, bundled: true }),
    );
    expect(diagnosis.tensorflow.backends.map(({ backend }) => backend)).toEqual(backendNames);
    expect(diagnosis.tensorflow.backends).toContainEqual(expect.objectContaining({ backend: 'cpu', available: true }));

    const text = describeDiagnosis(diagnosis);
    expect(text).toMatch(/^ {2}✓ works +cpu +version 4\.\d+\.\d+, one convolution proven in \d+ ms$/m);
    for (const { backend, reason } of diagnosis.tensorflow.backends) {
      if (reason !== undefined) expect(text).toMatch(new RegExp(`✗ no +${backend} +${reason.slice(0, 20)}`));
    }
    expect(text).toMatch(/^ {2}✓ works +Node +\d+\.\d+\.\d+/m);
    expect(text).toMatch(/^ {2}✓ works +cpu +one convolution, proven in \d+ ms$/m);
    expect(text).toMatch(/^ {2}✓ works +node-av +FFmpeg \S+, inside the process$/m);
    expect(text).toMatch(/h264 +reads, writes with .*libx264/);
    for (const { name, install, path } of diagnosis.models) {
      expect(text).toContain(path ?? `${name} `);
      if (path === undefined) expect(text).toContain(install);
    }
    expect(diagnosis.models.map(({ name }) => name)).toContain('maxim');
    expect(text).toContain('Everything that deblur needs works here.');
    expect(text).not.toMatch(/undefined|NaN|\[object/);
  });

  it('proves one provider and ends with its verdict', async () => {
    expect(await doctor('--provider', 'cpu')).toMatch(/✓ works +cpu/);
    expect(process.exitCode).toBe(0);
    const proof = JSON.parse(await doctor('--provider', 'abacus', '--json')) as ProviderProof;
    expect(proof).toMatchObject({ provider: 'abacus', available: false });
    expect(process.exitCode).toBe(1);
  });

  it('lists what keeps the basics from running', async () => {
    const diagnosis = JSON.parse(await doctor('--json')) as Diagnosis;
    const text = describeDiagnosis({
      ...diagnosis,
      ok: false,
      problems: ['Node 18.0.0 is not supported; >=20.19 is.'],
    });
    expect(text).toContain('deblur cannot work here:\n  Node 18.0.0 is not supported; >=20.19 is.');
    expect(text).not.toContain('Everything');
  });
});
