import { z } from 'zod';
import { DeblurError, type DeblurErrorCode } from '../errors.js';

/** Body of every answer that is an error. */
export const errorBody = z.object({
  error: z.object({
    code: z.string().describe('A word for programs.'),
    message: z.string().describe('A sentence for people.'),
    hint: z.string().optional().describe('What to do about it.'),
  }),
});

/** Body of every answer that is an error. */
export type ErrorBody = z.output<typeof errorBody>;

/** A request that is refused with a status of HTTP. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const statuses: Partial<Record<DeblurErrorCode, number>> = {
  USAGE: 400,
  MODEL_UNKNOWN: 400,
  MODEL_MISSING: 400,
  INPUT_NOT_FOUND: 404,
  OUTPUT_FULL: 507,
};

/** The status and body that tell of an error; `unexpected` for those that are the server's fault. */
export function httpError(error: unknown): { status: number; body: ErrorBody; unexpected: boolean } {
  if (error instanceof HttpError) return answer(error.status, error.code, error.message);
  if (error instanceof DeblurError) {
    const { code, message, hint } = error;
    const status = statuses[code] ?? 500;
    return answer(status, code, message, hint);
  }
  const { statusCode = 500, message } = error as { statusCode?: number; message?: string };
  if (statusCode >= 400 && statusCode < 500)
    return answer(statusCode, 'REFUSED', message ?? 'The request was refused.');
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
    return answer(507, 'OUTPUT_FULL', 'There is no space left on the server.');
  }
  return answer(500, 'INTERNAL', 'Something went wrong on the server.');
}

function answer(status: number, code: string, message: string, hint?: string) {
  const error = hint === undefined ? { code, message } : { code, message, hint };
  return { status, body: { error }, unexpected: status >= 500 && status !== 507 };
}
