import { basename } from 'node:path';
import { z } from 'zod';
import { DeblurError } from '../../errors.js';
import { elements } from '../ops.js';
import { elementTypes, readElements } from './elements.js';
import type { Tensors, WeightTensor } from './tensors.js';

/** The header's length comes first, as 64 bits. */
const prefixBytes = 8;

/** The longest header that the format allows. */
const headerLimit = 100_000_000;

const offset = z.int().min(0);

const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)).max(8),
  data_offsets: z.tuple([offset, offset]),
});

const headerSchema = z.record(z.string(), z.unknown());

const metadataSchema = z.record(z.string(), z.string());

/**
 * Reads a `.safetensors` file: a JSON header that places each tensor, then the samples.
 *
 * @param file its name, for messages.
 * @throws DeblurError `CHECKPOINT_INVALID` where it is damaged, or holds elements of a type we don't read.
 */
export function readSafetensors(bytes: Uint8Array, file: string): Tensors {
  const refuse = refusal(file);
  const { header, start } = readHeader(bytes, refuse);
  const tensors = new Map<string, WeightTensor>();
  let total = 0;
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const parsed = tensorSchema.safeParse(value);
    if (!parsed.success) throw refuse(`its header does not place ${name}`, parsed.error);
    const { dtype, shape, data_offsets } = parsed.data;
    const type = Object.hasOwn(elementTypes, dtype) ? elementTypes[dtype as keyof typeof elementTypes] : undefined;
    if (!type) throw refuse(`${name} has elements of type ${dtype}`);
    const [begin, end] = data_offsets;
    const size = elements(shape) * type.bytes;
    if (end - begin !== size || start + end > bytes.byteLength) throw refuse(`the samples of ${name} break off`);
    total += size;
    if (total > bytes.byteLength) throw refuse('its tensors overlap');
    tensors.set(name, { shape, data: readElements(type, bytes, start + begin, elements(shape)) });
  }
  return tensors;
}

/**
 * The texts that a `.safetensors` file carries beside its tensors.
 *
 * @throws DeblurError `CHECKPOINT_INVALID` where its header can't be read.
 */
export function readSafetensorsMetadata(bytes: Uint8Array, file: string): Readonly<Record<string, string>> {
  const { header } = readHeader(bytes, refusal(file));
  const parsed = metadataSchema.safeParse(header['__metadata__'] ?? {});
  return parsed.success ? parsed.data : {};
}

type Refuse = (reason: string, cause?: unknown) => DeblurError;

function refusal(file: string): Refuse {
  return (reason, cause) =>
    new DeblurError('CHECKPOINT_INVALID', `${basename(file)} can't be read as .safetensors: ${reason}.`, { cause });
}

/** The header, and where the samples begin. */
function readHeader(bytes: Uint8Array, refuse: Refuse): { header: Record<string, unknown>; start: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = bytes.byteLength < prefixBytes ? NaN : Number(view.getBigUint64(0, true));
  const start = prefixBytes + headerBytes;
  if (!(headerBytes <= headerLimit && start <= bytes.byteLength)) throw refuse('its header breaks off');
  try {
    const header = headerSchema.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(prefixBytes, start))));
    return { header, start };
  } catch (cause) {
    throw refuse('its header is not JSON', cause);
  }
}

/**
 * Writes tensors as the bytes of a `.safetensors` file, in single precision and in the order given.
 *
 * @param metadata texts that the file carries. Default: none.
 */
export function writeSafetensors(tensors: Tensors, metadata?: Readonly<Record<string, string>>): Uint8Array {
  let position = 0;
  const places = Object.fromEntries(
    [...tensors].map(([name, { shape, data }]) => {
      const begin = position;
      position += data.byteLength;
      return [name, { dtype: 'F32', shape, data_offsets: [begin, position] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(metadata ? { __metadata__: metadata, ...places } : places));
  const padding = Buffer.alloc(-json.byteLength & (prefixBytes - 1), ' ');
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeBigUInt64LE(BigInt(json.byteLength + padding.byteLength));
  const samples = [...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.concat([prefix, json, padding, ...samples]);
}
