import { readFile, writeFile } from 'node:fs/promises';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../src/models/weights/safetensors.js';

/**
 * Lowers a light network's gate, so that it opens only where it is surer than its training taught it to be: scenes that it
 * has never seen mislead it more often than those that it learned from. Where it is made steeper first, it opens wide a little above
 * the place where it begins to, and what is surely blurred loses nothing.
 *
 * Arguments: the model, the file to write, by how much the logit is lowered, and how many times it is multiplied before (1 by default).
 */
const [from, to, by, times = '1'] = process.argv.slice(2);
if (!from || !to || !(Number(by) > 0) || !(Number(times) > 0)) {
  throw new Error('usage: lower-gate MODEL OUTPUT NUMBER [TIMES]');
}
const bytes = await readFile(from);
const tensors = new Map(readSafetensors(bytes, from));
for (const [name, less] of [
  ['gate.3.weight', 0],
  ['gate.3.bias', Number(by)],
] as const) {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`${from} has no gate`);
  tensors.set(name, { ...tensor, data: tensor.data.map((value) => value * Number(times) - less) });
}
await writeFile(to, writeSafetensors(tensors, readSafetensorsMetadata(bytes, from)));
