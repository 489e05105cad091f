import { readPth } from './pth.js';
import { readSafetensors } from './safetensors.js';
import type { Tensors } from './tensors.js';

/**
 * Reads a checkpoint of either format, told apart by its first bytes: a `.safetensors` header opens with
 * a brace after its length.
 *
 * @param file its name, for messages.
 * @throws DeblurError `CHECKPOINT_INVALID` where it can't be read.
 */
export function readCheckpoint(bytes: Uint8Array, file: string): Tensors {
  return bytes[8] === 0x7b ? readSafetensors(bytes, file) : readPth(bytes, file);
}
