import { createLog } from '../../src/serve/index.js';

/** A log that keeps quiet but for what a test has to know of. */
export const serverLog = createLog({ level: 'fatal' });
