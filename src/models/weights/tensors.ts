import { DeblurError } from '../../errors.js';
import type { Shape } from '../ops.js';

/** A parameter's value. */
export interface WeightTensor {
  readonly shape: Shape;
  /** Elements in row-major order. */
  readonly data: Float32Array;
}

/** Parameters by name. */
export type Tensors = ReadonlyMap<string, WeightTensor>;

/**
 * Compares a checkpoint with what a network expects.
 *
 * @param source what the sentence calls the checkpoint, for instance its file name.
 * @throws DeblurError `CHECKPOINT_INVALID` that names the first key or shape that differs.
 */
export function checkParameters(tensors: Tensors, expected: ReadonlyMap<string, Shape>, source: string): void {
  const refuse = (difference: string) => {
    throw new DeblurError('CHECKPOINT_INVALID', `${source} holds another network's weights: ${difference}.`, {
      hint: 'Choose the model that this checkpoint was trained for.',
    });
  };
  for (const [name, shape] of expected) {
    const found = tensors.get(name);
    if (!found) refuse(`it has no ${name}`);
    else if (found.shape.join() !== shape.join()) {
      refuse(`its ${name} is [${found.shape.join(', ')}] where the network has [${shape.join(', ')}]`);
    }
  }
  for (const name of tensors.keys()) if (!expected.has(name)) refuse(`the network has no ${name}`);
}
