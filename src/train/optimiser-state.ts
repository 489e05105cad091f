import type { Tfjs } from '../runtime/tensorflow/tensor.js';
import type { Adam } from './adam.js';
import type { TrainingState } from './checkpoint.js';
import type { Parameters } from './parameters.js';

/** What a checkpoint keeps of parameters and their optimiser. */
export type OptimiserState = Pick<TrainingState, 'updates' | 'model' | 'average' | 'mean' | 'square'>;

/** Takes parameters and their optimiser's state out of TensorFlow. */
export function optimiserState(tf: Tfjs, adam: Adam, parameters: Parameters): OptimiserState {
  tf.engine().startScope();
  try {
    const { step: updates, mean, square, average } = adam.state();
    return {
      updates,
      model: parameters.unpack(parameters.flat()),
      average: parameters.unpack(average),
      mean: parameters.unpack(mean),
      square: parameters.unpack(square),
    };
  } finally {
    tf.engine().endScope();
  }
}

/** Gives an optimiser the state that {@link optimiserState} took; the parameters themselves are left as they are. */
export function restoreOptimiser(tf: Tfjs, adam: Adam, parameters: Parameters, state: OptimiserState): void {
  tf.tidy(() => {
    adam.restore({
      step: state.updates,
      mean: parameters.pack(state.mean),
      square: parameters.pack(state.square),
      average: parameters.pack(state.average),
    });
  });
}
