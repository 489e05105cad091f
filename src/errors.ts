/** What went wrong, in one word that programs can test. */
export type DeblurErrorCode =
  | 'USAGE'
  | 'INPUT_NOT_FOUND'
  | 'INPUT_UNREADABLE'
  | 'INPUT_DAMAGED'
  | 'OUTPUT_EXISTS'
  | 'OUTPUT_UNWRITABLE'
  | 'OUTPUT_FULL'
  | 'CODEC_UNAVAILABLE'
  | 'FORMAT_UNSUPPORTED'
  | 'ENGINE_UNAVAILABLE'
  | 'ENGINE_FAILED'
  | 'MODEL_UNKNOWN'
  | 'MODEL_MISSING'
  | 'CHECKPOINT_INVALID'
  | 'PROVIDER_UNAVAILABLE'
  | 'RUNTIME_FAILED'
  | 'MEMORY_BUDGET'
  | 'TRAINING_FAILED'
  | 'CANCELLED';

/** Options of {@link DeblurError}. */
export interface DeblurErrorOptions {
  /** The error underneath, kept for `--verbose` and for programs. */
  cause?: unknown;
  /** One sentence that says what to do about it. */
  hint?: string;
}

/**
 * The one error class of this library. `message` is a full sentence for a person, `code` is for
 * programs, `hint` says what to do next.
 */
export class DeblurError extends Error {
  override readonly name = 'DeblurError';
  readonly code: DeblurErrorCode;
  readonly hint: string | undefined;

  constructor(code: DeblurErrorCode, message: string, options: DeblurErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  /** The exit code a command ends with: 130 when cancelled, 2 for usage, 1 for everything else. */
  get exitCode(): number {
    if (this.code === 'CANCELLED') return 130;
    return this.code === 'USAGE' ? 2 : 1;
  }
}

/** Throws a `CANCELLED` error when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal);
}

/** The error for work that a signal ended. */
export function cancelled(signal?: AbortSignal): DeblurError {
  if (signal?.reason instanceof DeblurError) return signal.reason;
  return new DeblurError('CANCELLED', 'Cancelled.', { cause: signal?.reason });
}
