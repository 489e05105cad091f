import { readFile, writeFile } from 'node:fs/promises';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../src/models/weights/safetensors.js';

/**
 * Lowers a light network's gate, so that it opens only where it is surer than its training taught it to be: scenes that it
 * has never seen mislead it more often than those that it learned from.
 *
 * Arguments: the model, the file to write, and by how much the logit is lowered.
 */
const [from, to, by] = process.argv.slice(2);
if (!from || !to || !(Number(by) > 0)) throw new Error('usage: lower-gate MODEL OUTPUT NUMBER');
const bytes = await readFile(from);
const tensors = new Map(readSafetensors(bytes, from));
const bias = tensors.get('gate.3.bias');
if (!bias) throw new Error(`${from} has no gate`);
tensors.set('gate.3.bias', { ...bias, data: bias.data.map((value) => value - Number(by)) });
await writeFile(to, writeSafetensors(tensors, readSafetensorsMetadata(bytes, from)));
