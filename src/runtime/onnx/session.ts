import { InferenceSession, Tensor } from 'onnxruntime-node';
import { DeblurError } from '../../errors.js';
import type { Shape } from '../../models/ops.js';
import { PendingRuns } from '../pending-runs.js';
import type { DataType } from './tensor.js';

/** Options of {@link OnnxSession.create}. */
export interface SessionOptions {
  /** ONNX Runtime's execution providers in order of preference. Default `['cpu']`. */
  readonly providers?: readonly InferenceSession.ExecutionProviderConfig[];
  /** Threads of one operator. Default: ONNX Runtime's, one per core. */
  readonly threads?: number;
  /** Write a profile to a file that begins with this; {@link OnnxSession.endProfiling} closes it. Default: none. */
  readonly profile?: string;
  /**
   * Keep memory between runs, laid out as in the first one. Saves allocations where runs are short; costs
   * several times what is alive at once, for the session's life. Default false.
   */
  readonly arena?: boolean;
}

let alive = 0;

/** Sessions created and not yet disposed, in the whole process. For tests and diagnostics. */
export function liveSessions(): number {
  return alive;
}

/** An ONNX Runtime session that is disposed exactly once, after the runs that are under way. */
export class OnnxSession implements AsyncDisposable {
  readonly #session: InferenceSession;
  readonly #pending = new PendingRuns();
  #disposal: Promise<void> | undefined;

  private constructor(session: InferenceSession) {
    this.#session = session;
    alive += 1;
  }

  /**
   * Loads a model.
   *
   * @throws DeblurError `RUNTIME_FAILED` where ONNX Runtime refuses the model or the provider.
   */
  static async create(model: Uint8Array, options: SessionOptions = {}): Promise<OnnxSession> {
    const { providers = ['cpu'], threads, profile, arena = false } = options;
    try {
      const session = await InferenceSession.create(model, {
        executionProviders: providers,
        graphOptimizationLevel: 'all',
        executionMode: 'sequential',
        enableCpuMemArena: arena,
        enableMemPattern: arena,
        logSeverityLevel: 3,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
      });
      return new OnnxSession(session);
    } catch (cause) {
      throw new DeblurError('RUNTIME_FAILED', `ONNX Runtime can't load the network: ${reason(cause)}`, { cause });
    }
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  /**
   * Runs the model once; several runs may be under way at the same time.
   *
   * @throws DeblurError `RUNTIME_FAILED` where a node fails.
   */
  async run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    if (this.#disposal) throw new TypeError('the session is used after it was disposed');
    try {
      return await this.#pending.track(this.#session.run(inputs));
    } catch (cause) {
      throw new DeblurError('RUNTIME_FAILED', `ONNX Runtime failed in the network: ${reason(cause)}`, { cause });
    }
  }

  /** Closes the profile asked for by {@link SessionOptions.profile}. */
  endProfiling(): void {
    this.#session.endProfiling();
  }

  /** Frees the session's memory when the runs under way have ended. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#release();
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #release(): Promise<void> {
    await this.#pending.idle();
    alive -= 1;
    await this.#session.release();
  }
}

/** A tensor over an array, without a copy. */
export function tensor(type: DataType, data: Tensor.DataType, shape: Shape): Tensor {
  return new Tensor(type, data, shape);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
