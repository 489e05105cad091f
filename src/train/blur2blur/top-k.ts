/** Options of {@link topKShare}. */
export interface TopKOptions {
  /**
   * `off`: every score counts. `paper`: the share falls by `decay` every `every` pictures, down to `least`, and the
   * generator's loss takes the best-scored part only. `released`: the share of the released code, which falls once for
   * each of its scales, and which its loss never uses: it is only logged.
   */
  readonly mode: 'off' | 'paper' | 'released';
  /** Default 0.99. */
  readonly decay?: number;
  /** Default 0.6. */
  readonly least?: number;
  /** Pictures between falls. Default 16000. */
  readonly every?: number;
}

/** Scales of the released discriminator: at each of them its share falls. */
const releasedScales = 3;

/**
 * The part of the scores that top-k training keeps (Sinha et al., "Top-k Training of GANs", NeurIPS 2020) after a number
 * of pictures.
 */
export function topKShare({ mode, decay = 0.99, least = 0.6, every = 16_000 }: TopKOptions, pictures: number): number {
  if (mode === 'off') return 1;
  const falls = Math.floor(pictures / every) * (mode === 'released' ? releasedScales : 1);
  return Math.max(least, decay ** falls);
}
