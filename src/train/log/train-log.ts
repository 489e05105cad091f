import type { DecodedPicture } from '../sets/picture-cache.js';

/** Where a training run tells how it goes. */
export interface TrainLog {
  /** Numbers at a step, by name (`loss`, `validation/psnr`). */
  scalars(step: number, values: Readonly<Record<string, number>>): void;
  picture(step: number, name: string, picture: DecodedPicture): Promise<void>;
  /** Words, such as the recipe. */
  text(step: number, name: string, text: string): void;
  close(): Promise<void>;
}

/** One log that writes to several. */
export function logTo(...logs: readonly TrainLog[]): TrainLog {
  return {
    scalars: (step, values) => {
      for (const log of logs) log.scalars(step, values);
    },
    picture: async (step, name, picture) => {
      for (const log of logs) await log.picture(step, name, picture);
    },
    text: (step, name, text) => {
      for (const log of logs) log.text(step, name, text);
    },
    close: async () => {
      for (const log of logs) await log.close();
    },
  };
}
