// The child process of `proveProvider`: loads a model on one execution provider, runs it once and
// reports. Plain JavaScript, so that the same file runs from sources and from the build.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Execution providers that ran the graph's nodes, from ONNX Runtime's profile in that folder. */
async function executedBy(folder) {
  const [file] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, file), 'utf8'));
  // Memcpy nodes move tensors between devices and belong to neither side.
  const nodes = events.filter(({ cat, args }) => cat === 'Node' && args.provider && !args.op_name.startsWith('Memcpy'));
  return [...new Set(nodes.map(({ args }) => args.provider))];
}

async function prove({ provider, model, input, shape, folder }) {
  const started = performance.now();
  const session = await InferenceSession.create(model, {
    executionProviders: [provider],
    enableProfiling: true,
    profileFilePrefix: join(folder, 'profile'),
    logSeverityLevel: 4,
  });
  const outputs = await session.run({ [session.inputNames[0]]: new Tensor('float32', input, shape) });
  const output = await outputs[session.outputNames[0]].getData();
  const milliseconds = performance.now() - started;
  session.endProfiling();
  return { output: Float32Array.from(output), executedBy: await executedBy(folder), milliseconds };
}

process.once('message', (task) => {
  prove(task)
    .catch((error) => ({ error: String(error?.message ?? error) }))
    .then((answer) => process.send(answer, () => process.exit()));
});
