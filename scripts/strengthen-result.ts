import { readFile, writeFile } from 'node:fs/promises';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../src/models/weights/safetensors.js';

/**
 * Multiplies all that a light network adds to a frame. One that was trained frame by frame restores less than it could, because
 * what it is not sure of costs more than it brings; where results are means of several frames' (the temporal filter), more is right.
 *
 * Arguments: the model, the file to write, and how many times as much is added.
 */
const [from, to, times] = process.argv.slice(2);
if (!from || !to || !(Number(times) > 0)) throw new Error('usage: strengthen-result MODEL OUTPUT TIMES');
const bytes = await readFile(from);
const tensors = new Map(readSafetensors(bytes, from));
for (const name of ['output.weight', 'output.bias', 'sharpen.weight', 'sharpen.bias']) {
  const tensor = tensors.get(name);
  if (tensor) tensors.set(name, { ...tensor, data: tensor.data.map((value) => value * Number(times)) });
}
await writeFile(to, writeSafetensors(tensors, readSafetensorsMetadata(bytes, from)));
