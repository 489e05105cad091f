import { proveBackend, type BackendName } from './backend.js';

/** The child process of `proveBackendApart`: proves one backend and reports. */
process.once('message', (backend: BackendName) => {
  proveBackend(backend)
    .then((proof) => process.send?.(proof, () => process.exit()))
    .catch(() => process.exit(1));
});
