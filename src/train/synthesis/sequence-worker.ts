import { DeblurError, type DeblurErrorCode } from '../../errors.js';
import { makeSequence, type SequenceJob, type SequenceRecord } from './sequence.js';

/** How a worker answers: errors lose their class between threads. */
export type SequenceAnswer =
  | { readonly record: SequenceRecord }
  | { readonly failure: { readonly code: DeblurErrorCode; readonly message: string; readonly hint?: string } };

/** A worker thread's task. */
export default async function work(job: SequenceJob): Promise<SequenceAnswer> {
  try {
    return { record: await makeSequence(job) };
  } catch (error) {
    if (!(error instanceof DeblurError)) throw error;
    const { code, message, hint } = error;
    return { failure: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}
