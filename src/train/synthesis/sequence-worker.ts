import { DeblurError, type DeblurErrorCode } from '../../errors.js';
import { makeSequence, type SequenceJob, type SequenceRecord } from './sequence.js';

/** How the process that makes sequences answers: errors lose their class on the way. */
export type SequenceAnswer =
  | { readonly record: SequenceRecord }
  | { readonly failure: { readonly code: DeblurErrorCode; readonly message: string; readonly hint?: string } };

async function work(job: SequenceJob): Promise<SequenceAnswer> {
  try {
    return { record: await makeSequence(job) };
  } catch (error) {
    if (error instanceof DeblurError) {
      const { code, message, hint } = error;
      return { failure: { code, message, ...(hint === undefined ? {} : { hint }) } };
    }
    return { failure: { code: 'ENGINE_FAILED', message: `${job.plan.name}: ${String(error)}` } };
  }
}

// The program that asks ends this process; a Ctrl-C is meant for that one, though it reaches both.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => {
  process.exit();
});
process.on('message', (job: SequenceJob) => {
  void work(job).then((answer) => process.send?.(answer));
});
