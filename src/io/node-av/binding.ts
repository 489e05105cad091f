/**
 * The one door to node-av. Importing it loads the native library, so reach it through a dynamic import
 * (as `open.ts` does) wherever a program should start without that cost.
 */
import './with-resolvers.js';
import * as av from 'node-av/lib';
import * as constants from 'node-av/constants';
import { takeLog } from './log.js';

takeLog();
// SVT-AV1 prints to the terminal, past FFmpeg's log.
process.env['SVT_LOG'] ??= '1';

export { av, constants };
