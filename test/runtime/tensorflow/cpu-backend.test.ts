import { describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/runtime/tensorflow/backend.js';
import { tensorflowInterpreter } from '../parity/interpreters.js';
import { describeOperators } from '../parity/operators.js';

const { tf } = await openBackend('cpu');

describe('operators on plain JavaScript', () => {
  it('are computed by it', () => {
    expect(tf.getBackend()).toBe('cpu');
  });

  describeOperators(tensorflowInterpreter('TensorFlow.js', tf));
});
