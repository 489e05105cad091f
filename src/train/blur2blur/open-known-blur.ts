import path from 'node:path';
import type { KnownBlur } from '../known-blur/known-blur.js';
import { kernelWizardBlur } from '../known-blur/kernel-wizard-blur.js';
import { readMotionFields } from '../known-blur/motion-fields.js';
import { syntheticBlur } from '../known-blur/synthetic-blur.js';
import type { Blur2BlurConfig } from './config.js';
import { openKnownPairs } from './unpaired-set.js';

/**
 * What gives the sharp pictures of a run the known blur, or undefined where they have it.
 *
 * @param folder where the recipe's relative paths begin.
 * @throws DeblurError whatever reading KernelWizard's weights, the known pairs or the clips throws.
 */
export async function openKnownBlur(
  { known, data }: Pick<Blur2BlurConfig, 'known' | 'data'>,
  folder: string,
  signal?: AbortSignal,
): Promise<KnownBlur | undefined> {
  const below = (name: string) => path.resolve(folder, name);
  switch (known.kind) {
    case 'pictures':
      return undefined;
    case 'kernel-wizard':
      return kernelWizardBlur({ weights: below(known.weights), pairs: await openKnownPairs(below(data.folder)) });
    case 'synthesis': {
      const { clips, hand, length, response, highlights, rollingShutter } = known;
      const fields = clips.length > 0 ? await readMotionFields(clips.map(below), signal ? { signal } : {}) : [];
      return syntheticBlur({ fields, hand, length, response, highlights, rollingShutter });
    }
  }
}
