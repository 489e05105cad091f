import { openBackend, type Backend } from '../../src/runtime/tensorflow/backend.js';

/**
 * TensorFlow.js for tests: the real binding, which continuous integration builds; where it is missing elsewhere, plain
 * JavaScript computes the same, slowly.
 */
export function testBackend(): Promise<Backend> {
  return openBackend(process.env['CI'] ? 'tensorflow' : 'auto');
}
