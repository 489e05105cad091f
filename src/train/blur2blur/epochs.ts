/** Options of {@link epochRate}. */
export interface EpochOptions {
  /** Epochs with the full rate. */
  readonly epochs: number;
  /** Epochs over which it falls to nothing. */
  readonly decayEpochs: number;
}

/**
 * The learning rate of an epoch as a part of the full one, as in the released code, whose schedule steps before an epoch
 * rather than after it: the fall shows one epoch early, and the last epoch has none left.
 *
 * @param epoch from 1.
 */
export function epochRate({ epochs, decayEpochs }: EpochOptions, epoch: number): number {
  return 1 - Math.max(0, epoch + 1 - epochs) / (decayEpochs + 1);
}
