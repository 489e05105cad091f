import { DeblurError } from '../../errors.js';
import type { Random } from '../random.js';
import type { SynthesisedFrame } from './photo-sequence.js';
import type { SequencePlan } from './plan.js';
import type { FrameSize } from './virtual-camera.js';

/** Averages a clip's own frames. */
// eslint-disable-next-line @typescript-eslint/require-await
export async function* filmClip(
  _random: Random,
  plan: SequencePlan,
  _size: FrameSize,
  _frames: number,
  _sharpness: number,
): AsyncGenerator<SynthesisedFrame> {
  throw new DeblurError('FORMAT_UNSUPPORTED', `Clips can't be used yet (${plan.source.path}).`);
  yield* [];
}
