import os from 'node:os';
import { DeblurError, type DeblurErrorCode } from '../../errors.js';
import { writeError } from '../atomic-file.js';
import { av } from './binding.js';

/** FFmpeg's own words for an error number. */
export function errorText(code: number): string {
  return av.FFmpegError.strerror(code);
}

/** Returns the value of a native call, or throws when it is negative. `what` is the start of a sentence: "… could not be opened". */
export function check(code: number, error: DeblurErrorCode, what: string): number {
  if (code >= 0) return code;
  throw new DeblurError(error, `${what}: ${errorText(code)}.`, { cause: new av.FFmpegError(code) });
}

/** The error for a failed write to the output at `path`. */
export function writeFailure(path: string, code: number): DeblurError {
  // FFmpeg's system errors are the negative numbers of the system's own.
  const name = Object.entries(os.constants.errno).find(([, number]) => number === -code)?.[0];
  return writeError(path, Object.assign(new Error(errorText(code)), name === undefined ? {} : { code: name }));
}
