import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DeblurError } from '../../../src/errors.js';
import { listProviders, proveProvider, requireProvider } from '../../../src/runtime/onnx/provider.js';

let folder: string;
let variables: Record<string, string | undefined>;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'deblur-provider-'));
  variables = { TMPDIR: process.env['TMPDIR'], NODE_OPTIONS: process.env['NODE_OPTIONS'] };
  // The proofs' own folders appear here, so that what they leave behind can be seen.
  process.env['TMPDIR'] = folder;
});
afterEach(() => {
  restore('NODE_OPTIONS');
  expect(readdirSync(folder).filter((name) => name.startsWith('deblur-proof'))).toEqual([]);
});
afterAll(() => {
  restore('TMPDIR');
  rmSync(folder, { recursive: true });
});

function restore(name: string): void {
  if (variables[name] === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = variables[name];
}

/** Makes the child processes of this test run some code first. */
function preload(code: string): void {
  const file = path.join(folder, `preload-${Math.random()}.cjs`);
  writeFileSync(file, code);
  process.env['NODE_OPTIONS'] = `--require ${file}`;
}

const ort = JSON.stringify(path.resolve('node_modules/onnxruntime-node'));

describe('proveProvider', () => {
  it('proves the CPU', async () => {
    expect(listProviders()).toContainEqual({ name: 'cpu', bundled: true });
    const proof = await proveProvider('cpu');
    expect(proof).toEqual({ provider: 'cpu', available: true, milliseconds: expect.any(Number) as number });
  });

  it('says of every other provider that it works, or why not', async () => {
    for (const { name } of listProviders()) {
      const { available, reason } = await proveProvider(name);
      expect(available ? undefined : reason).toSatisfy((text?: string) => available || /^[A-Z].*\.$/.test(text ?? ''));
    }
  });

  it('knows which names mean nothing here', async () => {
    expect(await proveProvider('abacus')).toMatchObject({
      available: false,
      reason: expect.stringContaining('no provider of that name') as string,
    });
  });

  it('does not believe a provider whose work the CPU did', async () => {
    preload(`const { InferenceSession } = require(${ort});
      const create = InferenceSession.create.bind(InferenceSession);
      InferenceSession.create = (model, options) => create(model, { ...options, executionProviders: ['cpu'] });`);
    expect(await proveProvider('webgpu')).toMatchObject({
      available: false,
      reason: 'ONNX Runtime ran the convolution on CPUExecutionProvider in its place.',
    });
  });

  it('does not believe wrong numbers', async () => {
    preload(`const { InferenceSession } = require(${ort});
      const create = InferenceSession.create.bind(InferenceSession);
      InferenceSession.create = async (model, options) => {
        const session = await create(model, options);
        const run = session.run.bind(session);
        session.run = async (inputs) => {
          const outputs = await run(inputs);
          outputs[session.outputNames[0]].data[100] += 1;
          return outputs;
        };
        return session;
      };`);
    expect(await proveProvider('cpu')).toMatchObject({
      available: false,
      reason: expect.stringMatching(/^It computed the convolution wrongly: -?\d+ in place of -?\d+\.$/) as string,
    });
  });

  it('outlives native code that ends the process', async () => {
    preload(
      `process.on('newListener', (event) => { if (event === 'message') process.kill(process.pid, 'SIGABRT'); });`,
    );
    expect(await proveProvider('cpu')).toMatchObject({
      available: false,
      reason: expect.stringContaining('SIGABRT') as string,
    });
  });

  it('outlives a driver that hangs', async () => {
    preload(`Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);`);
    const started = performance.now();
    expect(await proveProvider('cpu', { timeout: 500 })).toMatchObject({
      available: false,
      reason: 'It gave no answer within 0.5 seconds.',
    });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('ends when its signal fires', async () => {
    // A quick answer could be there before the signal.
    preload(`Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);`);
    await expect(proveProvider('cpu', { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('requireProvider', () => {
  it('lets the CPU pass', async () => {
    await expect(requireProvider('cpu')).resolves.toBeUndefined();
  });

  it('names the reason and the providers that work', async () => {
    const error: unknown = await requireProvider('abacus').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeblurError);
    expect(error).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: expect.stringContaining('"abacus" cannot be used here') as string,
      hint: expect.stringMatching(/Providers that work here: cpu/) as string,
    });
  });
});
