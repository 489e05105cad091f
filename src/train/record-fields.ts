import { z } from 'zod';

/** What every recipe says alike of the tests during a run. */
export const testFields = {
  /** Pictures in the log. Default 2. */
  pictures: z.int().min(0).default(2),
  /** Steps between tests. Default 1000. */
  every: z.int().min(1).default(1000),
};

/** What every recipe says alike of a run's checkpoints and log. */
export const recordFields = {
  /** Steps between checkpoints. Default 1000. */
  checkpointEvery: z.int().min(1).default(1000),
  /** Steps between lines of the log. Default 20. */
  logEvery: z.int().min(1).default(20),
};
