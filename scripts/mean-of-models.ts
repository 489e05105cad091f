import { readFile, writeFile } from 'node:fs/promises';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../src/models/weights/safetensors.js';

/**
 * The mean of two models' parameters, where one was trained on from the other: between the ends of two runs lie networks that do what both do.
 *
 * Arguments: the models, the part of the second one, from 0 to 1, and the file to write.
 */
const [first, second, part, to] = process.argv.slice(2);
if (!first || !second || !to || !(Number(part) >= 0 && Number(part) <= 1)) {
  throw new Error('usage: mean-of-models MODEL MODEL PART OUTPUT');
}
const read = async (file: string) => {
  const bytes = await readFile(file);
  return { tensors: readSafetensors(bytes, file), metadata: readSafetensorsMetadata(bytes, file) };
};
const [one, other] = [await read(first), await read(second)];
if (one.tensors.size !== other.tensors.size) throw new Error(`${first} and ${second} are of different networks`);
const mean = [...other.tensors].map(([name, { shape, data }]) => {
  const from = one.tensors.get(name);
  if (from?.shape.join() !== shape.join()) throw new Error(`${first} has another ${name} than ${second}`);
  return [
    name,
    { shape, data: data.map((value, i) => from.data[i]! + (value - from.data[i]!) * Number(part)) },
  ] as const;
});
await writeFile(to, writeSafetensors(new Map(mean), other.metadata));
