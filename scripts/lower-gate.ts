import { readFile, writeFile } from 'node:fs/promises';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../src/models/weights/safetensors.js';

/**
 * Lowers a light network's gate, so that it opens only where it is surer than its training taught it to be: scenes that it
 * has never seen mislead it more often than those that it learned from. And weakens, where it is told to, all that the network adds
 * to a frame: the last tenth gains next to nothing, and flickers as much as the others.
 *
 * Arguments: the model, the file to write, by how much the logit is lowered, and how much of what is added is left (1 by default).
 */
const [from, to, by, left = '1'] = process.argv.slice(2);
if (!from || !to || !(Number(by) > 0) || !(Number(left) > 0)) {
  throw new Error('usage: lower-gate MODEL OUTPUT NUMBER [PART]');
}
const bytes = await readFile(from);
const tensors = new Map(readSafetensors(bytes, from));
if (!tensors.has('gate.3.bias')) throw new Error(`${from} has no gate`);
const change = (name: string, to: (value: number) => number) => {
  const tensor = tensors.get(name);
  if (tensor) tensors.set(name, { ...tensor, data: tensor.data.map(to) });
};
change('gate.3.bias', (value) => value - Number(by));
for (const name of ['output.weight', 'output.bias', 'sharpen.weight', 'sharpen.bias']) {
  change(name, (value) => value * Number(left));
}
await writeFile(to, writeSafetensors(tensors, readSafetensorsMetadata(bytes, from)));
