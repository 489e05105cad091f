import { throwIfAborted } from '../../errors.js';
import { packagePath } from '../../package-root.js';
import { askChild } from '../child-answer.js';
import type { BackendName, BackendProof } from './backend.js';

/** The child runs from the build, also when this file does not. */
const childFile = packagePath('dist/src/runtime/tensorflow/backend-child.js');

/** Options of {@link proveBackendApart}. */
export interface BackendProofOptions {
  /** Milliseconds the backend has to load and answer. Default 60000. */
  readonly timeout?: number;
  /** Ends the proof with a `CANCELLED` error. */
  readonly signal?: AbortSignal;
}

/**
 * Proves a backend in a process of its own: two native ones can't live in one process, and a broken driver may end it.
 * @throws DeblurError `CANCELLED`; a backend that fails is an answer, not an error.
 */
export async function proveBackendApart(
  backend: BackendName,
  { timeout = 60_000, signal }: BackendProofOptions = {},
): Promise<BackendProof> {
  throwIfAborted(signal);
  const answer = await askChild<BackendName, BackendProof>(childFile, backend, { timeout, signal });
  return 'error' in answer ? { backend, available: false, reason: `${answer.error}.` } : answer;
}
