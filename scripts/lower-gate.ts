import { readFile, writeFile } from 'node:fs/promises';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../src/models/weights/safetensors.js';
import type { WeightTensor } from '../src/models/weights/tensors.js';

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
const change = (name: string, to: (value: number) => number, tensor?: WeightTensor) => {
  if (tensor) tensors.set(name, { ...tensor, data: tensor.data.map(to) });
};
if (!tensors.has('gate.3.bias')) throw new Error(`${from} has no gate`);
change('gate.3.bias', (value) => value - Number(by), tensors.get('gate.3.bias'));
for (const layer of ['output', 'sharpen'].flatMap((name) => [`${name}.weight`, `${name}.bias`])) {
  change(layer, (value) => value * Number(left), tensors.get(layer));
}
await writeFile(to, writeSafetensors(tensors, readSafetensorsMetadata(bytes, from)));
