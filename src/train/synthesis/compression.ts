import { DeblurError } from '../../errors.js';
import type { Compression } from './plan.js';

/**
 * Sends pictures through an encoder and its decoder, in 8-bit 4:2:0, as a camera stores them.
 *
 * @param pictures interleaved RGB.
 * @returns as many pictures.
 * @throws DeblurError `CODEC_UNAVAILABLE`, `ENGINE_FAILED`.
 */
export async function compress(
  pictures: readonly Uint8Array[],
  width: number,
  height: number,
  { codec, crf }: Compression,
): Promise<Uint8Array[]> {
  const { recode } = await import('../../io/node-av/recode.js');
  const results = await recode(pictures, width, height, {
    codec,
    // One thread: what an encoder decides depends on how many it has.
    options: { crf: String(crf), preset: 'medium', threads: '1' },
  });
  if (results.length !== pictures.length) {
    throw new DeblurError('ENGINE_FAILED', `${codec} gave ${results.length} frames of ${pictures.length}.`);
  }
  return results;
}
